"""Completions that real models wrote, through the judge: the counts that ``benchmarks/recorded.py`` explains."""

import json
from pathlib import Path

import pytest

from pipelines.solvers import Sandbox
from pipelines.thoughts import THOUGHTS, judge


@pytest.mark.parametrize(
    ("name", "rows", "right", "solved"),
    [
        ("gsm8k_train_codex_cot", 475, 229, 400),  # 7 more state the right answer but were cut: no proof
        ("gsm8k_train_codex_pot", 475, 208, 452),
        ("gsm8k_train_codex_eot", 475, 333, 435),
        ("svamp_train_codex_pot", 700, 600, 699),
        ("svamp_train_gpt35_cot", 1374, 1374, 1374),
    ],
)
def test_real_completions_are_judged_as_counted(data: Path, name: str, rows: int, right: int, solved: int) -> None:
    """As many right as the unsafe way finds among the whole ones (two more EoT), and no more than can be stood for."""
    lines = (data / "recorded" / f"{name}.jsonl").read_text(encoding="utf-8").rstrip("\n").split("\n")
    with Sandbox() as sandbox:
        verdicts = [
            judge(
                THOUGHTS[row["thought"]],
                *(row["completion"], row["finish_reason"], row["answer"], "number"),
                *(sandbox, row["question"]),
            )
            for row in map(json.loads, lines)
        ]
    assert (rows, right) == (len(verdicts), sum(bool(verdict.correct) for verdict in verdicts))
    assert solved == sum(verdict.status == "solved" for verdict in verdicts)
