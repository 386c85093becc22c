"""The recorded teacher: completions found again by id or by question."""

import json
from pathlib import Path

import pytest

from pipelines.errors import DataError
from pipelines.teacher import Recordings, recorded_files


def recorded(path: Path, **changes: object) -> str:
    row = {
        "problem_id": "gsm8k/train/8",
        "question": "How  much?",
        "thought": "pot",
        "draw": 0,
        "completion": "ans = 1",
        "model": "m",
        "finish_reason": "stop",
    }
    path.write_text(json.dumps({**row, **changes}) + "\n", encoding="utf-8")
    return str(path)


def test_a_completion_is_found_by_problem_id(tmp_path: Path) -> None:
    """Id, thought and draw name it."""
    recordings = Recordings([recorded(tmp_path / "a.jsonl")])
    found = recordings.find("gsm8k/train/8", "pot", 0, "How much?")
    assert found is not None and ("ans = 1", "m", "stop") == (found.text, found.model, found.finish_reason)


def test_an_unknown_id_falls_back_to_the_question(tmp_path: Path) -> None:
    """Other row numbers, same question: spaces and case do not matter."""
    recordings = Recordings([recorded(tmp_path / "a.jsonl")])
    assert recordings.find("mine/train/0", "pot", 0, "how much?") is not None


def test_an_id_that_now_means_another_question_is_no_match(tmp_path: Path) -> None:
    """A completion must never answer a question that it was not written for."""
    recordings = Recordings([recorded(tmp_path / "a.jsonl")])
    assert recordings.find("gsm8k/train/8", "pot", 0, "Something else?") is None


@pytest.mark.parametrize(("thought", "draw"), [("eot", 0), ("pot", 1)])
def test_other_thoughts_and_draws_have_none(tmp_path: Path, thought: str, draw: int) -> None:
    """What was not recorded is not made up."""
    assert Recordings([recorded(tmp_path / "a.jsonl")]).find("gsm8k/train/8", thought, draw, "How much?") is None


def test_a_line_without_its_fields_is_named(tmp_path: Path) -> None:
    """File, line and the missing field."""
    path = tmp_path / "a.jsonl"
    path.write_text('{"problem_id": "x"}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"a\.jsonl, line 1: lacks completion, draw, question, thought"):
        Recordings([str(path)])


@pytest.mark.parametrize(("draw", "said"), [(None, "None"), ("first", "'first'")])
def test_a_line_whose_draw_is_no_number_is_named(tmp_path: Path, draw: object, said: str) -> None:
    """File, line, and what was expected."""
    with pytest.raises(DataError, match=rf"a\.jsonl, line 1: draw is {said}; expected a whole number"):
        Recordings([recorded(tmp_path / "a.jsonl", draw=draw)])


@pytest.mark.parametrize("pattern", ["{folder}/*.jsonl", "file://{folder}/*.jsonl", "file://{folder}/a.jsonl"])
def test_files_are_found_by_path_glob_or_uri(tmp_path: Path, pattern: str) -> None:
    """All name the same file."""
    path = recorded(tmp_path / "a.jsonl")
    assert [path] == recorded_files(pattern.format(folder=tmp_path))


@pytest.mark.parametrize("pattern", ["{folder}/*.jsonl", "memory://recorded-nowhere/a.jsonl"])
def test_a_pattern_that_matches_nothing_is_refused(tmp_path: Path, pattern: str) -> None:
    """A typing error must not become an empty run."""
    with pytest.raises(DataError, match="matches no file"):
        recorded_files(pattern.format(folder=tmp_path))
