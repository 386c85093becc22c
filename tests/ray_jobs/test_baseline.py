"""Baselines: a teacher and an untuned checkpoint, as predictions that the report reads like any student's."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.errors import DataError
from ray_jobs import baseline, cli
from ray_jobs.evaluate import PREDICTION_SCHEMA
from ray_jobs.run_directory import Manifest, RunDirectory

TESTED = "evaluation_problems=[{source: generated, split: test, count: 4}]"


def config(folder: Path, *overrides: str) -> object:
    return cli.load_config(None, [f"run_dir={folder}", TESTED, *overrides])


def test_a_teacher_is_scored_on_the_evaluation_problems(tmp_path: Path, ray_cluster: None) -> None:
    """Asked, judged and reported by the stages of any run; the same command repeats nothing."""
    settings = ["teacher={kind: rehearsal, rehearsal: {mistakes: 0}}", "sampling.draws=1", "sampling.temperature=0"]
    settings.append("sampling.fraction=0.3")  # of the training problems: all four are tested
    baseline.command("teacher", config(tmp_path, *settings), dry_run=False)
    table = pq.read_table(tmp_path / "predictions")
    assert PREDICTION_SCHEMA.names == table.schema.names
    assert ([("greedy", "solved", True)] * 12, 12) == (
        list(zip(*(table[name].to_pylist() for name in ("decoding", "status", "correct")), strict=True)),
        len({(row["problem_id"], row["thought"]) for row in table.to_pylist()}),
    )
    metrics = json.loads((tmp_path / "report/metrics.json").read_text())
    assert {(4, 4)} == {(row["n"], row["correct"]) for row in metrics["evaluation"]}
    written = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.parquet")}
    baseline.command("teacher", config(tmp_path, *settings), dry_run=False)
    assert written == {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.parquet")}


def test_a_teacher_is_asked_every_draw(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Draws that stop at a right one would let the test's gold answers choose among them."""
    settings = ["teacher={kind: rehearsal}", "sampling={draws: 3, until_correct: 1, thoughts: [pot]}"]
    baseline.command("teacher", config(tmp_path, *settings), dry_run=True)
    said = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "4 requests for 12 samples" in said and "stopping early" not in said


def test_an_untuned_student_is_evaluated_zero_shot(tmp_path: Path, ray_cluster: None) -> None:
    """The configured checkpoint with the triggers, not a step trained."""
    settings = ["student={model: tiny, init: random, vocabulary: 300}", "sampling.thoughts=[pot]"]
    baseline.command("untuned", config(tmp_path, *settings, "evaluation.max_tokens=8"), dry_run=False)
    rows = pq.read_table(tmp_path / "predictions").to_pylist()
    assert [("pot", "greedy")] * 4 == [(row["thought"], row["decoding"]) for row in rows]
    assert "not fine-tuned" in (tmp_path / "student/README.md").read_text()


def test_a_failed_request_is_a_wrong_answer(tmp_path: Path) -> None:
    """It stays among those that are counted."""
    import pyarrow as pa

    run_dir = RunDirectory(str(tmp_path))
    rows = {
        "evaluation_problems": [
            {
                "problem_id": f"x/{n}",
                "question": "?",
                "answer": "4",
                "answer_kind": "number",
                "dataset": "x",
                "split": "",
            }
            for n in range(2)
        ],
        "samples": [{"sample_id": "x/0/pot/0", "problem_id": "x/0", "thought": "pot", "draw": 0, "completion": "4"}],
        "verdicts": [{"sample_id": "x/0/pot/0", "status": "solved", "answer": "4", "correct": True}],
        "samples_failed": [{"sample_id": "x/1/pot/0", "problem_id": "x/1", "thought": "pot", "draw": 0}],
    }
    for folder, content in rows.items():
        run_dir.write_table(pa.Table.from_pylist(content), folder)
    baseline._teacher_predictions(config(tmp_path), run_dir)
    assert [("solved", True), ("no_answer", False)] == [
        (row["status"], row["correct"]) for row in pq.read_table(tmp_path / "predictions").to_pylist()
    ]


@pytest.mark.parametrize("kind", ["teacher", "untuned"])
def test_a_directory_of_another_run_is_refused(tmp_path: Path, kind: str) -> None:
    """A baseline never replaces what a run has trained or paid for."""
    run_dir = RunDirectory(str(tmp_path))
    for folder, stage in (("problems", "problems"), ("student", "train")):
        manifest = {"fingerprint": "", "version": "", "fields": {}, "inputs": {}, "files": [], "rows": 0, "wall_s": 0.0}
        run_dir.publish(folder, Manifest(stage=stage, **manifest))
    with pytest.raises(DataError, match=r"from another run .* a run_dir of its own"):
        baseline.preflight(kind, config(tmp_path), run_dir)


def test_an_unknown_baseline_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """One line, before anything."""
    assert 2 == baseline.main(["pupil", "run_dir=x"])
    assert "error: 'pupil' is no baseline; expected untuned or teacher as the first word\n" == capsys.readouterr().err
