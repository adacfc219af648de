"""What every check of an exercise must pass, whatever it asks for."""

import pytest

from recmodels.course import check


class ExerciseChecks:
    """Derive a class `TestChecks` from it, with these attributes.

    right: a right answer by exercise, such as `{"05.1": softmax}`.
    wrong: wrong answers by exercise, each of which must get a reason of its own.
    given_away: words that would give a solution away.
    crash: how a reason begins that only says that the answer failed to run.
    """

    right: dict
    wrong: dict
    given_away: tuple[str, ...]
    crash = "It stopped"

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        for name, answers in (("solved", self.right), ("mistaken", self.wrong)):
            if name in metafunc.fixturenames:
                metafunc.parametrize(name, answers)

    def test_the_right_answer_passes(self, solved):
        assert check(solved, self.right[solved]).reason == ""

    def test_wrong_answers_are_told_apart(self, mistaken):
        verdicts = [check(mistaken, answer) for answer in self.wrong[mistaken]]
        assert not any(verdicts)
        reasons = [verdict.reason for verdict in verdicts]
        assert len(set(reasons)) == len(reasons), reasons
        assert not [reason for reason in reasons if reason.startswith(self.crash)]

    def test_no_reason_gives_the_solution_away(self, mistaken):
        reasons = " ".join(check(mistaken, a).reason for a in (*self.wrong[mistaken], None))
        assert not [word for word in self.given_away if word in reasons]

    def test_a_stub_is_told_what_to_give(self, solved):
        assert check(solved, None).reason.startswith("Give ")
