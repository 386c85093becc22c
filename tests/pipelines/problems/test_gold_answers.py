"""Gold answers of files that follow no published format, as tables: read, absent, or odd."""

import json
from pathlib import Path

import pytest

from pipelines.problems.foreign_gold import foreign_gold

CASES = Path(__file__).parents[2] / "cases" / "gold_answers.jsonl"


def outcome(answer: object) -> object:
    gold = foreign_gold(answer)
    if gold.is_odd:
        return "odd"
    return "none" if gold.answer is None else [gold.answer, gold.kind]


def test_an_answer_is_read_rightly_or_is_odd() -> None:
    """Nothing becomes another number, and no number becomes text without being called odd."""
    cases = [json.loads(line) for line in CASES.open(encoding="utf-8")]
    assert [] == [(case, got) for case in cases if (got := outcome(case["answer"])) != case["expected"]]


@pytest.mark.parametrize("text", ["9" * 10_000, "(" * 5_000, "5 " + "a " * 5_000, "1," * 5_000, "the answer " * 2_000])
def test_a_long_answer_is_odd(text: str) -> None:
    """Whatever it is made of; long runs of one character take no longer than others."""
    assert "odd" == outcome(text)
