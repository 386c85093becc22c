"""What the workers of a training read."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.config import RunConfig
from ray_jobs.run_directory import RunDirectory
from ray_jobs.training_data import HELD_OUT, dev_problems, examples_by_thought


def write(folder: Path, rows: list[dict[str, object]]) -> None:
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / "part.parquet")


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDirectory:
    """A mixture that others made: its dev rows are of the problems 0 to 9."""
    for split, numbers in (("train", range(10, 20)), ("dev", range(10))):
        rows = [
            {
                "example_id": f"x/{n}/{t}/0",
                "problem_id": f"x/{n}",
                "thought": t,
                "input": "",
                "target": "",
                "weight": 1.0,
            }
            for n in numbers
            for t in ("pot", "cot")
        ]
        write(tmp_path / "mixture" / split, rows)
    return RunDirectory(str(tmp_path))


def config(run_dir: RunDirectory, count: int) -> RunConfig:
    return RunConfig.model_validate({"run_dir": run_dir.uri, "training": {"dev_problems": count}})


def test_without_gold_answers_dev_accuracy_is_left_out(
    run_dir: RunDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run directory with a mixture alone trains, and says so once."""
    assert [] == dev_problems(config(run_dir, 5), run_dir)
    assert 1 == capsys.readouterr().err.count("dev accuracy is left out")


def test_dev_problems_have_dev_rows_and_gold_answers(run_dir: RunDirectory, tmp_path: Path) -> None:
    """No training problem is asked, none without an answer, and no more than were asked for."""
    write(
        tmp_path / "problems",
        [{"problem_id": f"x/{n}", "question": f"{n}?", "answer": None if n == 3 else str(n)} for n in range(20)],
    )
    every = dev_problems(config(run_dir, 100), run_dir)
    assert {f"x/{n}" for n in range(10) if n != 3} == {problem.problem_id for problem in every}
    assert {"number"} == {problem.answer_kind for problem in every}
    assert every[:4] == dev_problems(config(run_dir, 4), run_dir)
    assert [] == dev_problems(config(run_dir, 0), run_dir)


def test_a_mixture_that_names_its_held_out_problems_is_believed(run_dir: RunDirectory, tmp_path: Path) -> None:
    """Those of which nothing was proven are asked too."""
    write(tmp_path / "problems", [{"problem_id": f"x/{n}", "question": f"{n}?", "answer": str(n)} for n in range(30)])
    run_dir.write_bytes(b'["x/0", "x/25"]', "mixture", HELD_OUT)
    assert {"x/0", "x/25"} == {problem.problem_id for problem in dev_problems(config(run_dir, 100), run_dir)}


def test_examples_are_counted_by_thought(run_dir: RunDirectory) -> None:
    """Of the training split alone, by name."""
    assert [("cot", 10), ("pot", 10)] == list(examples_by_thought(run_dir).items())
