"""The page of wrong answers shows what the checks say today, and no right answer."""

import doctest
import re
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "wrong_answers.md"


def test_the_page_prints_what_the_checks_say():
    text = PAGE.read_text(encoding="utf-8")
    session = "\n".join(re.findall(r"```pycon\n(.*?)```", text, re.DOTALL))
    examples = doctest.DocTestParser().get_doctest(session, {}, PAGE.name, str(PAGE), 0)
    report: list[str] = []
    failed, attempted = doctest.DocTestRunner().run(examples, out=report.append)
    assert not failed, "".join(report)
    verdicts = re.findall(r"^\d\w+\.\d: (.*)$", session, re.MULTILINE)
    exercises = re.findall(r"^>>> check\(\"([^\"]+)\"", session, re.MULTILINE)
    assert attempted > len(verdicts) == len(exercises) and len(set(exercises)) == 3
    assert all(verdict.startswith("not yet. ") for verdict in verdicts)
    assert len(set(verdicts)) == len(verdicts)
