"""Perturbation in the mixture: children train with their parents, never for dev problems, never a test question."""

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.config import ProblemSource, RehearsalConfig
from pipelines.mixture import parent_id
from pipelines.problems import Problem, load, to_table
from pipelines.solvers import Sandbox
from pipelines.teacher.rehearsal import complete
from pipelines.thoughts import THOUGHTS, judge
from ray_jobs import cli, mix


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty generated problems with a draw of each thought, a third of them mistaken."""
    folder = tmp_path_factory.mktemp("inputs")
    problems = load(ProblemSource(source="generated", count=30), 0)
    rows: list[dict[str, Any]] = []
    with Sandbox(5, 512) as sandbox:
        for asked in problems:
            for thought in ("cot", "pot", "eot"):
                name = f"{asked.problem_id}/{thought}/0"
                text = complete(str(asked.rationale), thought, name, 0, RehearsalConfig(mistakes=0.3)).text
                found = judge(THOUGHTS[thought], text, "stop", asked.answer, asked.answer_kind, sandbox)
                row = {"sample_id": name, "problem_id": asked.problem_id, "thought": thought, "draw": 0}
                rows.append({**row, "completion": text, **vars(found), "flags": list(found.flags)})
    write(folder / "problems", to_table(problems))
    table = pa.Table.from_pylist(rows)
    write(folder / "samples", table.select(["sample_id", "problem_id", "thought", "draw", "completion"]))
    write(folder / "verdicts", table.drop_columns(["completion"]))
    return folder


def write(folder: Path, table: pa.Table) -> None:
    folder.mkdir(parents=True)
    pq.write_table(table, folder / "rows.parquet")


def mixed(inputs: Path, folder: Path, *overrides: str) -> dict[str, Any]:
    """Mix a copy of the inputs with three children a problem; returns the card."""
    shutil.copytree(inputs, folder, dirs_exist_ok=True)
    chosen = [f"run_dir={folder}", "mixture.perturb=3", "mixture.dev_fraction=0.3", *overrides]
    mix.command(cli.load_config(None, chosen), dry_run=False)
    card: dict[str, Any] = json.loads((folder / "mixture/card.json").read_text())
    return card


def rows(folder: Path, *parts: str) -> list[dict[str, Any]]:
    files = sorted(folder.joinpath("mixture", *parts).glob("*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def test_children_train_and_dev_problems_have_none(inputs: Path, tmp_path: Path, ray_cluster: None) -> None:
    """Every child is an example of its own with its own question; the card counts what became of all."""
    card = mixed(inputs, tmp_path / "run")
    train, dev = (rows(tmp_path / "run", split) for split in ("train", "dev"))
    listed = {row["problem_id"]: row for row in rows(tmp_path / "run", "perturbed")}
    trained = {row["problem_id"] for row in train if row["problem_id"] != parent_id(row["problem_id"])}
    assert trained and trained == set(listed)
    assert {row["parent_id"] for row in listed.values()} <= {row["problem_id"] for row in train}
    assert dev and set() == {parent_id(name) for name in trained} & {row["problem_id"] for row in dev}
    for row in train:
        if row["problem_id"] in listed:
            assert listed[row["problem_id"]]["question"] in row["input"]
    assert len(listed) == card["perturbation"]["children"]["kept"]
    assert card["rows_in"] == sum(card["rows"].values()) + sum(card["dropped"].values())


@pytest.mark.slow
def test_a_child_that_asks_a_test_question_does_not_train(inputs: Path, tmp_path: Path, ray_cluster: None) -> None:
    """Decontamination looks at children as at any problem; what else trains stays as it was."""
    mixed(inputs, tmp_path / "before")
    first, *others = rows(tmp_path / "before", "perturbed")
    planted = Problem(
        problem_id="test/0",
        **{name: first[name] for name in ("question", "answer")},
        **{"answer_kind": "number", "rationale": None, "dataset": "test", "split": "test"},
    )
    shutil.copytree(inputs, tmp_path / "run")
    write(tmp_path / "run/evaluation_problems", to_table([planted]))
    card = mixed(inputs, tmp_path / "run", "mixture.decontaminate=null")
    assert {"in_evaluation": 1} == card["perturbation"]["left_out_children"]
    trained = {row["problem_id"] for row in rows(tmp_path / "run", "train")}
    assert first["problem_id"] not in trained
    assert {row["problem_id"] for row in others} <= trained
