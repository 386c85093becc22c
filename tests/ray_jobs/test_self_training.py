"""Self-training: what of the student's own joins the next round, and going on after a kill in the middle of one."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipelines.config import RunConfig
from pipelines.errors import ConfigError, DataError
from pipelines.mixture import in_dev
from ray_jobs import cli, self_training
from ray_jobs.evaluate import PREDICTION_SCHEMA
from ray_jobs.problems import EVALUATION_PROBLEMS, PROBLEMS
from ray_jobs.report import gather
from ray_jobs.run_directory import Manifest, RunDirectory
from ray_jobs.self_training import own_samples
from ray_jobs.stage import Result, Stage, execute

ROOT = Path(__file__).parent.parent.parent


def prediction(problem: str, decoding: str, draw: int, completion: str, correct: bool) -> dict[str, Any]:
    row = {"problem_id": problem, "dataset": "d", "split": "train", "thought": "pot", "draw": draw}
    verdict = {"status": "solved", "answer": "1", "correct": correct}
    return {**row, "decoding": decoding, "completion": completion, "tokens": 3, **verdict, "logprob": -1.0}


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        ("all", {"d/train/0/pot/1001": "right", "d/train/1/pot/1000": "also right"}),
        ("where_it_fails", {"d/train/1/pot/1000": "also right"}),
    ],
)
def test_right_samples_join_the_next_round(tmp_path: Path, keep: str, expected: dict[str, str]) -> None:
    """All of them, or those of thoughts that the student gets wrong when it is not sampled; greedy ones never."""
    rows = [
        prediction("d/train/0", "greedy", 0, "greedily right", True),
        prediction("d/train/0", "sample", 0, "wrong", False),
        prediction("d/train/0", "sample", 1, "right", True),
        prediction("d/train/1", "greedy", 0, "greedily wrong", False),
        prediction("d/train/1", "sample", 0, "also right", True),
    ]
    run_dir = RunDirectory(str(tmp_path))
    run_dir.write_table(pa.Table.from_pylist(rows, schema=PREDICTION_SCHEMA), "rounds", "1", "own", "predictions")
    config = RunConfig.model_validate({"run_dir": str(tmp_path), "self_training": {"rounds": 2, "keep": keep}})
    found = own_samples(config, run_dir, 2).to_pylist()
    assert expected == {row["sample_id"]: row["completion"] for row in found}
    assert {"student of round 1"} == {row["model"] for row in found}


def test_a_rounds_report_counts_the_teachers_thoughts_alone(tmp_path: Path) -> None:
    """Of the student's own only right ones are there: they would flatter the teacher."""
    run_dir = RunDirectory(str(tmp_path))
    names = {"d/0/pot/0": "gpt-x", "d/0/pot/1001": "student of round 1", "d/1/pot/0": None}
    run_dir.write_table(pa.table({"sample_id": list(names), "model": list(names.values())}), "samples")
    run_dir.write_table(pa.table({"sample_id": list(names), "status": ["solved"] * 3}), "verdicts")
    tables = gather(RunConfig.model_validate({"run_dir": str(tmp_path)}), run_dir)
    for table in (tables.samples, tables.verdicts):
        assert table is not None
        assert ["d/0/pot/0", "d/1/pot/0"] == table["sample_id"].to_pylist()


def test_rounds_need_dev_problems() -> None:
    """They stop by accuracy on dev, so without any the configuration is refused."""
    with pytest.raises(ConfigError, match="dev_fraction"):
        cli.load_config(None, ["run_dir=x", "self_training.rounds=2", "mixture.dev_fraction=0"])


@pytest.mark.parametrize("recipe", ["md", "label"])
def test_rounds_are_for_recipes_that_gain_by_more_thoughts(recipe: str) -> None:
    """Votes would be biased, labels would stay the same."""
    with pytest.raises(ConfigError, match="adds right thoughts"):
        cli.load_config(None, ["run_dir=x", "self_training.rounds=2", f"mixture.recipe={recipe}"])


def test_dev_problems_are_those_that_the_mixture_held_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is near a test problem is no dev problem, and does not train either."""
    stand_ins(monkeypatch, dev_right=[2, 2], ran=[])
    config, run_dir = first_round(tmp_path)
    self_training.run(config, run_dir)
    asked = {
        kind: set(RunDirectory(f"{run_dir.uri}/rounds/1/{kind}").table("evaluation_problems")["problem_id"].to_pylist())
        for kind in ("dev", "own")
    }
    assert set(json.loads(run_dir.read_bytes("mixture", "held_out.json"))) == asked["dev"]
    left = {f"generated/train/{number}" for number in range(20)} - asked["dev"] - asked["own"]
    assert 1 == len(left) and in_dev(0, left.pop(), 0.5)


def test_no_dev_problem_fell_to_a_small_run(tmp_path: Path) -> None:
    """One line says what to change; nothing is decoded."""
    config, run_dir = first_round(tmp_path)
    run_dir.write_bytes(b"[]", "mixture", "held_out.json")
    with pytest.raises(DataError, match="no problem held out for dev has a gold answer"):
        self_training.run(config, run_dir)


def stand_ins(monkeypatch: pytest.MonkeyPatch, dev_right: list[int], ran: list[str]) -> None:
    """Stages that take no time: a student is the number of its round, and its dev predictions are as many right."""

    def predicted(_: RunConfig, place: RunDirectory) -> Result:
        number = int(place.read_bytes("student", "weights"))
        asked = place.read_table("evaluation_problems", columns=["problem_id"])
        assert asked is not None
        names = asked["problem_id"].to_pylist()
        right = dev_right[number - 1] if place.uri.endswith("/dev") else len(names)
        rows = [prediction(name, "greedy", 0, "ans = 1", at < right) for at, name in enumerate(names)]
        rows += [prediction(name, "sample", 0, f"ans = {number}", True) for name in names]
        place.write_table(pa.Table.from_pylist(rows, schema=PREDICTION_SCHEMA), "predictions")
        ran.append("/".join(place.uri.split("/")[-2:]))
        return Result(rows=len(rows), summary="")

    def trained(_: RunConfig, place: RunDirectory) -> Result:
        place.write_bytes(place.uri.split("/")[-1].encode(), "student", "weights")
        table = place.read_table("samples")
        ran.append(f"train {table.num_rows if table else 0}")
        return Result(rows=1, summary="")

    def fake(folder: str, run: Any, *inputs: str) -> Stage:
        return Stage(name=folder, folder=folder, inputs=inputs, needs_ray=False, fields=lambda _: {}, run=run)

    none = [Stage(name=n, folder=n, needs_ray=False, fields=lambda _: {}, run=lambda *_: Result(rows=0, summary=""))
            for n in ("verdicts", "mixture", "report")]  # fmt: skip
    for place, stage in zip(("verify.VERIFY", "mix.MIX", "REPORT"), none, strict=True):
        monkeypatch.setattr(f"ray_jobs.self_training.{place}", stage)
    monkeypatch.setattr("ray_jobs.self_training.train.TRAIN", fake("student", trained, "samples"))
    monkeypatch.setattr("ray_jobs.self_training.evaluate.EVALUATE", fake("predictions", predicted, "student"))


def first_round(folder: Path) -> tuple[RunConfig, RunDirectory]:
    """A run whose first round is done, as far as self-training looks at it."""
    tree = {"source": "generated", "count": 20}
    settings = {"run_dir": str(folder), "problems": tree, "evaluation_problems": [{**tree, "split": "test"}]}
    settings |= {"mixture": {"dev_fraction": 0.5}, "self_training": {"rounds": 4, "draws": 1}}
    config, run_dir = RunConfig.model_validate(settings), RunDirectory(str(folder))
    execute(PROBLEMS, config, run_dir)
    execute(EVALUATION_PROBLEMS, config, run_dir)
    names = run_dir.table("problems")["problem_id"].to_pylist()
    held_out = [name for name in names if in_dev(0, name, 0.5)]
    run_dir.write_bytes(json.dumps(held_out[1:]).encode(), "mixture", "held_out.json")  # one is near a test problem
    samples = {"sample_id": "s", "problem_id": "p", "thought": "pot", "draw": 0, "completion": "ans = 0"}
    run_dir.start("samples")
    run_dir.write_table(pa.Table.from_pylist([samples]), "samples")
    run_dir.write_bytes(b"1", "student", "weights")
    for name in ("samples", "student"):
        made = {"fields": {}, "inputs": {}, "files": run_dir.written(name), "rows": 1, "wall_s": 0.0}
        run_dir.publish(name, Manifest(stage=name, fingerprint=name, version=name, **made))
    return config, run_dir


def test_rounds_stop_when_dev_accuracy_does_and_are_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Round 3 of four is no better: the second is named; the same again finds everything done."""
    ran: list[str] = []
    stand_ins(monkeypatch, dev_right=[2, 4, 4, 9], ran=ran)
    config, run_dir = first_round(tmp_path)
    self_training.run(config, run_dir)
    own = 20 - sum(in_dev(0, f"generated/train/{number}", 0.5) for number in range(20))
    expected = ["1/dev", "1/own", f"train {1 + own}", "rounds/2", "2/dev", "2/own", f"train {1 + 2 * own}", "rounds/3"]
    assert [*expected, "3/dev"] == ran
    assert 2 == json.loads((tmp_path / "rounds/rounds.json").read_text())["best"]
    ran.clear()
    self_training.run(config, run_dir)
    assert [] == ran


OVERRIDES = (
    *("problems.count=40", "evaluation_problems=[{source: generated, split: test, count: 10}]"),
    *("sampling.thoughts=[pot]", "training.epochs=3", "mixture.dev_fraction=0.2", "evaluation.max_tokens=16"),
    *("evaluation.select=[pot]", "self_training={rounds: 2, draws: 1}"),
)


def start(folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "ray_jobs.distill", "--config", "configs/quickstart.yaml", f"run_dir={folder}/run"]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen([*command, *OVERRIDES], cwd=ROOT, stdout=log, stderr=log, start_new_session=True)


@pytest.mark.slow
def test_a_kill_in_the_middle_of_round_two(tmp_path: Path) -> None:
    """The same command goes on: round 1 stays as it was, round 2 is finished, and the best round is named."""
    process = start(tmp_path)
    while not (tmp_path / "run/rounds/2/student/_unfinished").exists():
        assert process.poll() is None, (tmp_path / "log").read_text()
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = ("student", "predictions", "rounds/1/dev/predictions", "rounds/1/own/predictions", "rounds/2/mixture")
    manifests = [tmp_path / "run" / folder / "_manifest.json" for folder in done]
    before = [file.stat().st_mtime_ns for file in manifests]
    assert not (tmp_path / "run/rounds/2/student/_manifest.json").exists()
    assert 0 == start(tmp_path).wait(timeout=900), (tmp_path / "log").read_text()
    assert before == [file.stat().st_mtime_ns for file in manifests]
    assert (tmp_path / "run/rounds/2/report/report.html").exists()
    summary = json.loads((tmp_path / "run/rounds/rounds.json").read_text())
    assert 2 == len(summary["dev_accuracy"]) and summary["best"] in (1, 2)
    assert all("of 10 problems" in sentence for sentence in summary["test"])
