import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import keras
import numpy as np
import pytest

import recmodels as rm
from recmodels.threads import SHARDS, prefetch_map, thread_map, usable_cores
from tests.harness import make_log


def variable_after_import(**environment):
    code = "import recmodels, os; print(os.environ['TF_NUM_INTRAOP_THREADS'])"
    kept = {k: v for k, v in os.environ.items() if k != "TF_NUM_INTRAOP_THREADS"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=kept | environment, capture_output=True, text=True)
    return done.stdout.strip()


def test_operations_keep_to_few_cores_unless_the_user_decides():
    assert variable_after_import() == str(max(1, usable_cores() // SHARDS))
    assert variable_after_import(TF_NUM_INTRAOP_THREADS="7") == "7"


def test_results_come_in_order_whoever_finishes_first():
    def slow_first(number):
        time.sleep(0.05 if number == 0 else 0)
        return number * number

    assert thread_map(slow_first, range(6)) == [0, 1, 4, 9, 16, 25]


@pytest.mark.skipif(usable_cores() < 2, reason="one core")
def test_parts_run_at_the_same_time():
    both = threading.Barrier(2, timeout=10)  # Broken unless two threads meet at it.
    thread_map(lambda _: both.wait(), range(2))


def test_an_error_in_a_part_is_raised():
    with pytest.raises(ZeroDivisionError):
        thread_map(lambda number: 1 / number, [1, 0])


def test_threads_stay_from_call_to_call():
    def threads():
        both = threading.Barrier(min(2, usable_cores()), timeout=10)
        return set(thread_map(lambda _: (both.wait(), threading.current_thread())[1], range(2)))

    assert len(threads() | threads()) <= min(SHARDS, usable_cores())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning", "ignore:.*fork:RuntimeWarning")
def test_a_forked_process_has_separate_threads():
    thread_map(abs, range(2))
    assert status_of_fork(lambda: 0 if thread_map(abs, [-3, 4]) == [3, 4] else 1) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow only")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning", "ignore:.*fork:RuntimeWarning")
def test_a_fork_after_tensorflow_has_computed_raises_instead_of_waiting(tmp_path):
    """Scores, lists, training, new models and loading; counted models go on answering."""
    data = rm.prepare(rm.leave_one_out(make_log([[1, 2, 3, 4, 5]] * 4)))
    model = rm.SASRec(data.num_items, max_length=4, width=4, num_blocks=1)
    model.build()
    recommender = rm.Recommender(model, data.vocabulary, histories=data.train)
    recommender.save(tmp_path / "bundle")
    counted = rm.Recommender(recommender.fallback, data.vocabulary)
    uses = [
        lambda: model.score({"item_ids": np.array([[1, 2]])}),
        lambda: recommender.recommend(user=1),
        lambda: rm.fit(model, data, filter_seen=False, epochs=1, verbose=False),
        lambda: rm.SASRec(data.num_items, max_length=4, width=4, num_blocks=1).build(),
        lambda: rm.Recommender.load(tmp_path / "bundle"),
    ]

    def count_refusals() -> int:
        assert counted.recommend([1], k=1).items
        refused = 0
        for use in uses:
            with pytest.raises(RuntimeError, match="forked after TensorFlow .*'spawn'.*threads"):
                use()
            refused += 1
        return refused

    assert status_of_fork(count_refusals) == len(uses)


def status_of_fork(work: Callable[[], int], seconds: int = 30) -> int:
    """What `work` returns in a forked process as its exit status; 99 where it raises."""
    child = os.fork()
    if child == 0:
        status = 99
        try:
            status = work()
        finally:
            os._exit(status)
    for _ in range(100 * seconds):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    pytest.fail(f"The forked process did not end within {seconds} s")


def test_work_is_done_in_order_while_the_next_item_is_made():
    meeting, done = threading.Barrier(2, timeout=10), []

    def items():
        yield 0
        meeting.wait()  # Broken unless the work on 0 goes on meanwhile.
        yield 1

    def work(item):
        if item == 0:
            meeting.wait()
        done.append(item)

    prefetch_map(work, items())
    assert done == [0, 1]


def test_no_more_than_two_items_exist_at_once():
    made, worked, ahead = [], [], []

    def items():
        for number in range(6):
            made.append(number)
            ahead.append(len(made) - len(worked))
            yield number

    def work(item):
        time.sleep(0.005)
        worked.append(item)

    prefetch_map(work, items())
    assert worked == made and max(ahead) == 2


@pytest.mark.parametrize("faulty", [0, 2])
def test_an_error_behind_is_raised(faulty):
    with pytest.raises(ZeroDivisionError):
        prefetch_map(lambda number: 1 / (number - faulty), range(3))
