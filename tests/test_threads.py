import os
import subprocess
import sys
import threading
import time

import pytest

from recmodels.threads import SHARDS, side_by_side, usable_cores


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

    assert side_by_side(slow_first, range(6)) == [0, 1, 4, 9, 16, 25]


@pytest.mark.skipif(usable_cores() < 2, reason="one core")
def test_parts_run_at_the_same_time():
    both = threading.Barrier(2, timeout=10)  # Broken unless two threads meet at it.
    side_by_side(lambda _: both.wait(), range(2))


def test_an_error_in_a_part_is_raised():
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda number: 1 / number, [1, 0])
