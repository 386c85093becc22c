"""Which problems are decoded for dev; needs no Ray."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.config import RunConfig
from ray_jobs import cli, training_data
from ray_jobs.evaluate import EVALUATE, EVALUATE_DEV, dev_problems
from ray_jobs.run_directory import RunDirectory


def folder(place: Path, *, problems: int = 20, dev: range = range(10), train: range = range(8, 20)) -> Path:
    """A run of others: problems 8 and 9 stand in both splits, problem 0 has no gold."""
    rows: dict[str, list[dict[str, Any]]] = {
        "problems": [
            {"problem_id": f"d/{i}", "question": f"{i}?", "answer": str(i) if i else None} for i in range(problems)
        ],
        "mixture/dev": [{"problem_id": f"d/{i}", "thought": thought} for i in dev for thought in ("cot", "pot")],
        "mixture/train": [{"problem_id": f"d/{i}", "thought": "cot"} for i in train],
    }
    for name, table in rows.items():
        if table:
            (place / name).mkdir(parents=True)
            pq.write_table(pa.Table.from_pylist(table), place / name / "data.parquet")
    return place


def chosen(place: Path, *overrides: str) -> list[str]:
    config = settings(place, *overrides)
    return [row["problem_id"] for row in dev_problems(config, RunDirectory(str(place)))]


def settings(place: Path, *overrides: str) -> RunConfig:
    return cli.load_config(None, [f"run_dir={place}", *overrides])


def test_dev_problems_have_gold_and_trained_nothing(tmp_path: Path) -> None:
    """Each once, whatever the number of its thoughts."""
    found = chosen(folder(tmp_path))
    assert [f"d/{i}" for i in range(1, 8)] == sorted(found)


def test_some_of_them_are_the_same_ones_every_time(tmp_path: Path) -> None:
    """Fewer are the first of more, in an order that the seed draws."""
    folder(tmp_path)
    every = chosen(tmp_path)
    assert every[:3] == chosen(tmp_path, "evaluation.dev_problems=3")
    assert every != chosen(tmp_path, "seed=1")
    assert sorted(every) == sorted(chosen(tmp_path, "seed=1"))


def test_they_chose_no_student_where_there_are_enough(tmp_path: Path) -> None:
    """Training and evaluation take theirs from the two ends of one order."""
    folder(tmp_path)
    config = settings(tmp_path, "training.dev_problems=4", "evaluation.dev_problems=3")
    run_dir = RunDirectory(str(tmp_path))
    trained = [problem.problem_id for problem in training_data.dev_problems(config, run_dir)]
    evaluated = [row["problem_id"] for row in dev_problems(config, run_dir)]
    assert (4, 3, 7) == (len(trained), len(evaluated), len({*trained, *evaluated}))


@pytest.mark.parametrize("none", ["null", "0"])
def test_none_are_decoded_where_none_are_wanted(tmp_path: Path, none: str) -> None:
    """null and 0 are the same, in the fingerprint too."""
    assert [] == chosen(folder(tmp_path), f"evaluation.dev_problems={none}")
    config = settings(tmp_path, f"evaluation.dev_problems={none}")
    assert 0 == EVALUATE_DEV.fields(config)["dev_problems"]


def test_a_run_without_a_dev_split_or_problems_has_none(tmp_path: Path) -> None:
    """Somebody else's student."""
    assert [] == chosen(tmp_path)
    assert [] == chosen(folder(tmp_path / "no_problems", problems=0))
    assert [] == chosen(folder(tmp_path / "no_dev", dev=range(0)))


def test_foreign_problems_need_no_dataset_or_split(tmp_path: Path) -> None:
    """They are called dev."""
    found = dev_problems(settings(tmp_path), RunDirectory(str(folder(tmp_path))))
    assert {("dev", "dev")} == {(row["dataset"], row["split"]) for row in found}


def test_dev_problems_are_no_part_of_the_test_predictions(tmp_path: Path) -> None:
    """Another number of them leaves the fingerprint of predictions/ as it is."""
    few, many = (EVALUATE.fields(settings(tmp_path, f"evaluation.dev_problems={n}")) for n in (3, 300))
    assert few == many
