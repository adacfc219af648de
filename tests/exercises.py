"""Check the checks of a notebook's exercises with a bank of right and of typical wrong answers."""

from recmodels.course import check


class ExerciseBank:
    """Derive a class `TestBank` from it, with these attributes.

    right: right answers in different styles by exercise, such as `{"05.1": [softmax, ...]}`.
    wrong: by exercise, pairs of words that the reason must hold and the wrong answer.
    given_away: words that would give a solution away.
    """

    right: dict[str, list]
    wrong: dict[str, list[tuple[str, object]]]
    given_away: tuple[str, ...] = ()

    def test_right_answers_pass(self):
        verdicts = [check(number, answer) for number in self.right for answer in self.right[number]]
        assert not [verdict for verdict in verdicts if not verdict]

    def test_reasons_name_the_mistakes_of_wrong_answers(self):
        for number, answers in self.wrong.items():
            verdicts = [(words, check(number, answer)) for words, answer in answers]
            accepted = [words for words, verdict in verdicts if verdict]
            assert not accepted, number
            unnamed = [(words, v.reason) for words, v in verdicts if words not in v.reason]
            assert not unnamed, number
            told = " ".join(verdict.reason.partition("\n")[0] for _, verdict in verdicts)
            assert not [word for word in self.given_away if word in told], number

    def test_every_exercise_has_a_bank(self):
        assert self.right.keys() == self.wrong.keys()
        for number in self.right:
            assert check(number, None).reason.startswith("Give ")
            assert len(self.right[number]) + len(self.wrong[number]) >= 10, number
            assert all(words for words, _ in self.wrong[number]), number
