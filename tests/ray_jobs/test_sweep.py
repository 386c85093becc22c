"""Sweeps on Ray: end to end, killed twice, failed and stopped trials, and packing on logical resources."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipelines.config import RunConfig
from pipelines.mixture import MIXTURE_SCHEMA
from pipelines.problems import load, to_table
from pipelines.problems.annotation import read
from pipelines.teacher.rehearsal import program_of_thought
from pipelines.thoughts import THOUGHTS, student_input
from ray_jobs import hardware, search, trial
from ray_jobs.run_directory import RunDirectory
from ray_jobs.sweep_file import Sweep, load_sweep
from ray_jobs.trial import Need

ROOT = Path(__file__).parent.parent.parent
SWEEP = """\
base: {root}/configs/quickstart.yaml
run_dir: {folder}/sweep
fields:
  problems: {{count: 80, families: [in_all, left_over]}}
  evaluation_problems: [{{source: generated, split: test, count: 12, families: [in_all, left_over]}}]
  student: {{model: nano, vocabulary: 400}}
  training: {{epochs: 10, batch_size: 8, checkpoint_every_s: 0.2}}
  evaluation.max_tokens: 24
axes:
  mixture.ratios: [{{pot: 1}}, {{eot: 1}}, {{pot: 1, eot: 1}}]
"""
SECONDS = ("train_s", "evaluate_s")


def written(folder: Path, more: str = "") -> Path:
    """The sweep's file."""
    file = folder / "sweep.yaml"
    file.write_text(SWEEP.format(root=ROOT, folder=folder) + more, encoding="utf-8")
    return file


def start(folder: Path, *overrides: str) -> subprocess.Popen[bytes]:
    """The command in a process group of its own, its words in a file."""
    command = [sys.executable, "-m", "ray_jobs.sweep", "--config", str(folder / "sweep.yaml"), *overrides]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)


def finish(folder: Path, *overrides: str, code: int = 0) -> str:
    """The command to its end; returns what it said."""
    before = (folder / "log").stat().st_size if (folder / "log").exists() else 0
    assert code == start(folder, *overrides).wait(timeout=600), (folder / "log").read_text()
    return (folder / "log").read_bytes()[before:].decode()


def kill_when(folder: Path, reached: Callable[[], bool]) -> None:
    """Start the command and kill its whole group as soon as ``reached`` holds."""
    process = start(folder)
    deadline = time.monotonic() + 300
    while not reached():
        assert process.poll() is None, (folder / "log").read_text()
        assert time.monotonic() < deadline, (folder / "log").read_text()
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def results(folder: Path) -> list[dict[str, str]]:
    """The table without its seconds."""
    with (folder / "sweep/report/results.csv").open() as file:
        return [{name: cell for name, cell in row.items() if name not in SECONDS} for row in csv.DictReader(file)]


def finished(folder: Path) -> list[Path]:
    return sorted((folder / "sweep/trials").glob("*/report/_manifest.json"))


@pytest.mark.slow
def test_killed_twice_the_table_is_that_of_an_undisturbed_sweep(tmp_path: Path) -> None:
    """Once in the first trial's training, once after trials are done; what is done is not done again."""
    folders = tmp_path / "killed", tmp_path / "undisturbed"
    for folder in folders:
        folder.mkdir()
        written(folder)
    killed = folders[0]
    kill_when(killed, lambda: bool(list((killed / "sweep/trials").glob("*/checkpoints/*/step-*.json"))))
    assert [] == finished(killed)
    kill_when(killed, lambda: len(finished(killed)) > 0)
    done = {file: file.stat().st_mtime_ns for file in finished(killed)}
    journal = {file: file.read_bytes() for file in (killed / "sweep/shared").glob("*/journal/*.jsonl")}
    said = finish(killed)
    finish(folders[1])
    assert done == {file: file.stat().st_mtime_ns for file in done}
    assert journal == {file: file.read_bytes() for file in journal}
    asked_for = re.search(r"of (\d+) trials", said)  # fewer where a trial outlived its driver to its end
    assert (int(asked_for[1]) if asked_for else 0) <= 3 - len(done), said
    assert results(folders[1]) == results(killed)
    assert [] == list((killed / "sweep/trials").glob("*/checkpoints/*"))


@pytest.mark.slow
def test_a_failed_trial_is_a_row_with_its_reason_and_the_others_go_on(tmp_path: Path) -> None:
    """A budget that one mixture cannot fill; exit code 1 says that something is left."""
    more = "seeds: [0]\n"
    written(tmp_path, more)
    said = finish(tmp_path, "mixture.size=equal_examples", "mixture.budget=73", code=1)
    rows = {row["mixture.ratios"]: row for row in results(tmp_path)}
    statuses = {ratios: row["status"] for ratios, row in rows.items()}
    assert "failed" in statuses.values() and "done" in statuses.values(), statuses
    reasons = {row["reason"] for row in rows.values() if row["status"] == "failed"}
    assert any("mixture.budget 73 asks for" in reason for reason in reasons)
    assert "stand in the table with their reasons" in said


@pytest.mark.slow
def test_mix_ratios_quick_end_to_end(tmp_path: Path) -> None:
    """15 mixtures of one sampling: a map of 15 dots, a table, and a winner that is a valid run."""
    command = [sys.executable, "-m", "ray_jobs.sweep", "--config", "configs/sweeps/mix_ratios_quick.yaml"]
    done = subprocess.run([*command, f"run_dir={tmp_path}/q"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    assert "15 trials share 15 mixtures; the teacher is asked once" in done.stderr
    page = (tmp_path / "q/report/sweep.html").read_text()
    assert 15 == page.count('<circle class="heat')
    winner = [sys.executable, "-m", "ray_jobs.distill", "--config", f"{tmp_path}/q/report/winner.yaml", "--dry-run"]
    assert 0 == subprocess.run(winner, cwd=ROOT, capture_output=True, check=False).returncode
    trials = list((tmp_path / "q/trials").iterdir())
    assert 15 == len(trials)
    for folder in trials:
        assert {"config.yaml", "mixture", "student", "predictions", "report"} <= {
            path.name for path in folder.iterdir()
        }
        assert json.loads((folder / "report/metrics.json").read_text())["evaluation"]


@pytest.mark.slow
def test_asha_stops_trials_and_marks_them(tmp_path: Path) -> None:
    """Stopped trials are rows without figures, stay stopped with asha, and run to their end with grid."""
    written(tmp_path, "scheduler: asha\nseeds: [0, 1]\ncpus_per_trial: 1\n")
    loss = "training.dev_problems=0"  # the score is then dev loss: accuracies of nano students are all 0
    finish(tmp_path, loss)
    rows = results(tmp_path)
    stopped = [row for row in rows if row["status"] == "stopped"]
    assert stopped and {""} == {row["accuracy"] for row in stopped}
    assert all("by asha after epoch" in row["reason"] for row in stopped)
    before = {row["trial"] for row in stopped}
    finish(tmp_path, loss)
    assert before == {row["trial"] for row in results(tmp_path) if row["status"] == "stopped"}
    finish(tmp_path, loss, "scheduler=grid")
    assert {"done"} == {row["status"] for row in results(tmp_path)}


@pytest.mark.slow
def test_optuna_tries_as_many_points_as_it_may(tmp_path: Path) -> None:
    """Two of three points, and nothing more on a second start."""
    pytest.importorskip("optuna")
    written(tmp_path, "scheduler: optuna\npoints: 2\n")
    finish(tmp_path)
    first = results(tmp_path)
    assert 2 == len({row["trial"] for row in first})
    finish(tmp_path)
    assert first == results(tmp_path)


PACKING = """
import json, os, pathlib, sys, time
import ray
from ray_jobs import sweep
from ray_jobs.sweep_file import load_sweep

def body(chosen, settings):  # holds its share and says when; there is no GPU to compute on
    config, need = settings[chosen["trial"]]
    began = time.time()
    folder = pathlib.Path(config.run_dir)
    folder.mkdir(parents=True, exist_ok=True)
    while need.gpus < 1 and len(list(folder.parent.glob("tiny*"))) < 8 and time.time() < began + 90:
        time.sleep(0.1)  # until all eight are there
    time.sleep(1.0)
    held = [began, time.time(), os.environ.get("CUDA_VISIBLE_DEVICES"), need.gpus]
    (folder / "held.json").write_text(json.dumps(held))

if __name__ == "__main__":
    ray.init("local", num_cpus=16, num_gpus=4, include_dashboard=False, log_to_driver=False)
    found = load_sweep(sys.argv[1], [])
    sweep._one_trial = body
    sweep.run_trials(found, found.trials(found.points))
"""


@pytest.mark.slow
def test_gpu_trials_are_packed_by_the_students_size(tmp_path: Path) -> None:
    """Four logical GPUs; of 16 students eight fit on one and eight take one each; no GPU is given out twice."""
    text = SWEEP.replace("axes:\n  mixture.ratios: [{{pot: 1}}, {{eot: 1}}, {{pot: 1, eot: 1}}]\n", "")
    file = tmp_path / "sweep.yaml"
    axes = "axes: {student.model: [tiny, base]}\nseeds: [0, 1, 2, 3, 4, 5, 6, 7]\n"
    file.write_text(text.format(root=ROOT, folder=tmp_path) + axes, encoding="utf-8")
    (tmp_path / "packing.py").write_text(PACKING, encoding="utf-8")
    command = [sys.executable, str(tmp_path / "packing.py"), str(file)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert 0 == done.returncode, done.stderr[-3000:]
    held = [json.loads(path.read_text()) for path in (tmp_path / "sweep/trials").glob("*/held.json")]
    assert 16 == len(held)
    assert {0.125, 1.0} == {gpus for *_, gpus in held}
    for moment, *_ in held:
        running = [one for one in held if one[0] <= moment < one[1]]
        on_gpu: dict[str, float] = {}
        for _, _, place, gpus in running:
            on_gpu[place] = on_gpu.get(place, 0.0) + gpus
        assert all(total <= 1.0 for total in on_gpu.values()), on_gpu
        assert len(on_gpu) <= 4
    tiny = [one for one in held if one[3] == 0.125]
    assert max(sum(a <= b[0] < z for a, z, *_ in tiny) for b in tiny) == 8


class FakeTrials:
    """A sweep's file without Ray."""

    def __init__(self, tmp_path: Path, more: str) -> None:
        self.sweep: Sweep = load_sweep(str(written(tmp_path, more)), [])


def test_grid_and_asha_take_their_points_at_once(tmp_path: Path) -> None:
    """The grid all, asha as many as it may; nothing a second time."""
    grid = FakeTrials(tmp_path, "").sweep
    asha = FakeTrials(tmp_path, "scheduler: asha\npoints: 2\n").sweep
    assert list(grid.points) == search.next_points(grid, [], lambda _: None, 4)
    few = search.next_points(asha, [], lambda _: None, 4)
    assert (2, []) == (len(few), search.next_points(asha, few, lambda _: None, 4))


def test_optuna_never_tries_a_point_twice(tmp_path: Path) -> None:
    """Batch by batch until its points are used; the same results give the same suggestions."""
    pytest.importorskip("optuna")
    sweep = FakeTrials(tmp_path, "scheduler: optuna\npoints: 3\n").sweep

    def searched() -> list[dict[str, Any]]:
        tried: list[dict[str, Any]] = []
        while batch := search.next_points(sweep, tried, lambda point: float("pot" in point["mixture.ratios"]), 2):
            assert not any(point in tried for point in batch)
            tried += batch
        return tried

    first = searched()
    assert 3 == len(first)
    assert first == searched()


def test_early_stopping_knows_what_ended_before_a_restart() -> None:
    """A trial below the upper third of those told of is stopped at the first rung; one above goes on."""
    before = [{1: score} for score in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)]
    decisions = []
    for score in (0.05, 0.9):
        scheduler = search.early_stopping(9, before)
        now = search.Ended("now")
        scheduler.on_trial_add(None, now)
        decisions.append(scheduler.on_trial_result(None, now, {"epoch": 1, "score": score}))
    assert ["STOP", "CONTINUE"] == decisions


def test_the_score_of_an_epoch_is_dev_accuracy_else_dev_loss(tmp_path: Path) -> None:
    """Higher is better for both."""
    run_dir = RunDirectory(str(tmp_path))
    lines = [{"step": 3, "epoch": 0.5, "loss": 2.0}, {"step": 6, "epoch": 1.0, "dev_loss": 1.5}]
    run_dir.write_bytes("\n".join(map(json.dumps, lines)).encode(), "metrics.jsonl")
    assert {1: -1.5} == trial.scores(run_dir)
    more = [*lines, {"step": 12, "epoch": 2.0, "dev_loss": 1.2, "dev_accuracy": 0.4}]
    run_dir.write_bytes("\n".join(map(json.dumps, more)).encode(), "metrics.jsonl")
    assert {1: -1.5, 2: 0.4} == trial.scores(run_dir)


def a_mixture(folder: Path) -> RunConfig:
    """A trial's folder as it is handed over, without a teacher: the rehearsal's own programs."""
    config = RunConfig(
        run_dir=str(folder),
        problems={"source": "generated", "count": 40, "families": ["in_all"]},
        evaluation_problems=[{"source": "generated", "split": "test", "count": 4, "families": ["in_all"]}],
        teacher={"kind": "rehearsal"},
        student={"model": "nano", "init": "random", "vocabulary": 300},
        training={"epochs": 3, "batch_size": 8, "use_gpu": False, "precision": "fp32"},
        evaluation={"max_tokens": 16},
    )
    run_dir = RunDirectory(config.run_dir)
    problems = load(config.problems, 0)
    examples = [
        {
            "example_id": f"{problem.problem_id}/pot/0",
            "problem_id": problem.problem_id,
            "thought": "pot",
            "input": student_input(problem.question, THOUGHTS["pot"].trigger),
            "target": program_of_thought(read(problem.rationale)),
            "weight": 1.0,
        }
        for problem in problems
    ]
    run_dir.write_table(pa.Table.from_pylist(examples[:32], schema=MIXTURE_SCHEMA), "mixture", "train")
    run_dir.write_table(pa.Table.from_pylist(examples[32:], schema=MIXTURE_SCHEMA), "mixture", "dev")
    run_dir.write_table(to_table(load(config.evaluation_problems[0], 0)), "evaluation_problems")
    return config


def test_a_trial_trains_evaluates_and_measures_in_one_process(ray_cluster: None, tmp_path: Path) -> None:
    """Each epoch but the last is told once; the folder is a run's; checkpoints go; a second start does nothing."""
    config = a_mixture(tmp_path)
    need = trial.need_of(config, 1, None)
    told: list[int] = []
    try:
        trial.run(config, need, lambda epoch, score: told.append(epoch))
        assert trial.Status("done") == trial.status(config), (tmp_path / "log.txt").read_text()
        weights = (tmp_path / "student/model.safetensors").stat().st_mtime_ns
        trial.run(config, need, lambda epoch, score: told.append(epoch))
    finally:
        hardware.grant(None)
    assert [1, 2] == told
    assert weights == (tmp_path / "student/model.safetensors").stat().st_mtime_ns
    assert json.loads((tmp_path / "report/metrics.json").read_text())["evaluation"]
    assert not (tmp_path / "checkpoints").exists()


def test_a_trial_that_fails_says_why(ray_cluster: None, tmp_path: Path) -> None:
    """The error's own line becomes its reason, and nothing is raised; reopened, it is to run again."""
    config = a_mixture(tmp_path)
    (tmp_path / "evaluation_problems/part-00000.parquet").unlink()
    broken = config.model_copy(update={"training": config.training.model_copy(update={"max_target_tokens": 8})})
    try:
        trial.run(broken, trial.need_of(broken, 1, None), lambda epoch, score: None)
    finally:
        hardware.grant(None)
    found = trial.status(broken)
    assert ("failed", True) == (found.kind, "nothing to train on" in found.reason), found
    trial.reopen(RunDirectory(config.run_dir))
    assert "open" == trial.status(broken).kind


def test_a_trial_on_gpus_takes_a_share_by_its_students_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """An eighth for a tiny one, half for CodeT5-small's size, a whole one for base; what is set wins."""
    monkeypatch.setattr(hardware, "uses_gpu", lambda config: True)
    shares = {}
    for size in ("tiny", "small", "base"):
        config = RunConfig(run_dir="x", student={"model": size, "init": "random", "vocabulary": 32100})
        shares[size] = trial.need_of(config, 1, None).gpus, trial.need_of(config, 1, 0.25).gpus
    assert {"tiny": (0.125, 0.25), "small": (0.5, 0.25), "base": (1.0, 0.25)} == shares


def test_a_cpu_trial_asks_for_the_memory_of_its_student() -> None:
    """Sixteen bytes a parameter beside the process itself, so that large students are not packed into too little."""
    assert {"CPU": 2, "memory": 2**30 + 16 * 1000} == Need(2, 0.0, 2**30 + 16 * 1000).resources()
