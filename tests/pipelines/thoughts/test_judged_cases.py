"""Inputs reported from outside, with the verdict that a person gives: all are run, and what differs is listed here."""

import json
from pathlib import Path

from pipelines.solvers import Sandbox
from pipelines.thoughts import THOUGHTS, judge

CASES = Path(__file__).parents[2] / "cases" / "judged.jsonl"
REFUSED: dict[str, str] = {
    "import datetime\nans = datetime.timedelta(minutes=15)": "in a `timedelta`, which has no unit",
}
"""Text to the line of docs/verification.md that refuses it on purpose."""


def test_reported_completions_are_judged_as_a_person_does() -> None:
    """What differs is refused on purpose, and the documentation says so."""
    cases = [json.loads(line) for line in CASES.read_text(encoding="utf-8").rstrip("\n").split("\n")]
    differ = []
    with Sandbox() as sandbox:
        for case in cases:
            verdict = judge(THOUGHTS[case["thought"]], case["text"], "stop", case["gold"], case["gold_kind"], sandbox)
            if verdict.correct is not case["correct"]:
                differ.append((case["text"], f"{verdict.status} {verdict.answer} ({verdict.detail})"))
    assert len(cases) == 193
    assert [] == [each for each in differ if each[0] not in REFUSED]
    assert set(REFUSED) == {text for text, _ in differ}
    page = (CASES.parents[2] / "docs" / "verification.md").read_text(encoding="utf-8")
    assert [] == [line for line in REFUSED.values() if line not in page]
