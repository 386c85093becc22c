"""One trial of a sweep: train, evaluate and measure in one process, in a run directory of its own.

trials/<id>/  config.yaml  problems/ evaluation_problems/ mixture/ (handed over)  student/ predictions/ report/
              log.txt      trial.json (where it failed or was stopped: how, and why)

Which trials there are is ``ray_jobs.sweep_file``'s matter, when they run is Ray Tune's. Inside a trial nothing asks
Ray for more: a trial that waited for what other trials hold would wait for ever.
"""

import contextlib
import gc
import json
import math
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, TextIO

from pipelines.config import RunConfig
from pipelines.errors import DataError, ThoughtDistillError
from pipelines.student import parameter_count_of
from pipelines.student.cost import BYTES_PER_PARAMETER
from ray_jobs import evaluate, hardware, train
from ray_jobs.report import REPORT
from ray_jobs.run_directory import RunDirectory
from ray_jobs.stage import execute, pending
from ray_jobs.student_files import pinned

RECORD = "trial.json"
OnEpoch = Callable[[int, float], None]
"""Called at the end of each epoch but the last with its number and a score, the higher the better."""

_PATIENCE_S = 60  # for a killed sweep's process to let go of the trial's folder
_GIB = 2**30
_PROCESS_BYTES = _GIB  # Python, torch and the mixture
_GPU_SHARES = ((10e6, 0.125), (100e6, 0.5))  # parameters up to, and the share of a 24 GB GPU they are given


@dataclass(frozen=True)
class Status:
    """Where a trial stands; ``reason`` says why it failed, or when it was stopped."""

    kind: Literal["open", "done", "stopped", "failed"]
    reason: str = ""


@dataclass(frozen=True)
class Need:
    """What a trial holds while it runs; ``memory`` in bytes."""

    cpus: float
    gpus: float
    memory: int

    def resources(self) -> dict[str, float]:
        """As Ray names them."""
        return {"CPU": self.cpus, "memory": self.memory} | ({"GPU": self.gpus} if self.gpus else {})


def need_of(config: RunConfig, cpus: float, gpus: float | None) -> Need:
    """What a trial asks for; ``gpus`` None: by the student's size, where the cluster has GPUs and the run uses them."""
    parameters = parameter_count_of(config.student, config.student.vocabulary)
    if not hardware.uses_gpu(config):
        gpus = 0.0
    elif gpus is None:
        gpus = next((share for most, share in _GPU_SHARES if parameters <= most), 1.0)
    return Need(cpus, gpus, _PROCESS_BYTES + (0 if gpus else parameters * BYTES_PER_PARAMETER))


def run(config: RunConfig, need: Need, on_epoch: OnEpoch) -> None:
    """Train, evaluate and measure what is not done yet; a failure is written down and goes no further."""
    hardware.grant(need.cpus)
    _keep_to_share(need)
    run_dir = RunDirectory(config.run_dir)
    with _patiently_locked(run_dir), _log(run_dir) as log, contextlib.redirect_stderr(log):
        try:
            config = pinned(config, run_dir)
            for stage in (
                replace(train.TRAIN, run=partial(train.run_here, on_log=_epochs(run_dir, on_epoch))),
                replace(evaluate.EVALUATE, run=evaluate.run_here),
                replace(evaluate.EVALUATE_DEV, run=evaluate.run_dev_here),
                REPORT,
            ):
                execute(stage, config, run_dir)
        except Exception as error:
            traceback.print_exc(file=log)
            line = str(error) if isinstance(error, ThoughtDistillError) else f"{type(error).__name__}: {error}"
            record(run_dir, Status("failed", " ".join(line.split())))
        else:
            _clear(run_dir)
    gc.collect()  # the next trial may run in this process


def status(config: RunConfig) -> Status:
    """Where a trial stands, by its folder alone."""
    run_dir = RunDirectory(config.run_dir)
    if run_dir.exists(RECORD):
        return Status(**json.loads(run_dir.read_bytes(RECORD)))
    finished = run_dir.manifest("predictions") is not None and pending(REPORT, config, run_dir) is None
    return Status("done" if finished else "open")


def record(run_dir: RunDirectory, what: Status) -> None:
    """Write down that a trial failed or was stopped."""
    run_dir.write_bytes(json.dumps(vars(what)).encode(), RECORD)


def reopen(run_dir: RunDirectory) -> None:
    """Forget that a trial failed or was stopped, so that it runs again, from its checkpoint."""
    if run_dir.exists(RECORD):
        run_dir.filesystem.delete_file(run_dir.path(RECORD))


def scores(run_dir: RunDirectory) -> dict[int, float]:
    """The score at the end of each epoch so far, by epoch; the last one included."""
    if not run_dir.exists("metrics.jsonl"):
        return {}
    records = map(json.loads, run_dir.read_bytes("metrics.jsonl").splitlines())
    return {math.ceil(line["epoch"]): score for line in records if (score := _score(line)) is not None}


def final_score(run_dir: RunDirectory) -> float | None:
    """What dev says of the student that was exported; None where nothing was measured.

    Accuracy of the headline on the dev problems that chose nothing: one measurement of each trial, however many epochs
    it had to choose from. Without them, the figure that the export was chosen by.
    """
    if run_dir.exists("report", "metrics.json"):
        on_dev = json.loads(run_dir.read_bytes("report", "metrics.json")).get("dev") or {}
        if on_dev.get("headline"):
            return float(on_dev["headline"]["accuracy"])
    student = run_dir.manifest("student")
    if student is not None and student.notes.get("dev_accuracy") is not None:
        return float(student.notes["dev_accuracy"])
    seen = scores(run_dir)
    return seen[max(seen)] if seen else None


def _score(line: dict[str, Any]) -> float | None:
    """Dev accuracy; where it is not measured, the dev loss, which compares only students of one mixture."""
    if "dev_accuracy" in line:
        return float(line["dev_accuracy"])
    return -float(line["dev_loss"]) if "dev_loss" in line else None


def _epochs(run_dir: RunDirectory, on_epoch: OnEpoch) -> Callable[[dict[str, Any]], None]:
    """Reports each epoch once: those before a restart now, later ones as the log line comes."""
    told: set[int] = set()

    def tell(epoch: int, score: float) -> None:
        if epoch not in told:
            told.add(epoch)
            on_epoch(epoch, score)

    def on_log(line: dict[str, Any]) -> None:
        if line["step"] < line["steps"] and (score := _score(line)) is not None:
            if not told:
                for epoch, before in scores(run_dir).items():
                    tell(epoch, before)
            tell(math.ceil(line["epoch"]), score)

    return on_log


def _keep_to_share(need: Need) -> None:
    """Keep to a share of the GPU's memory: what does not fit shows before the first step, not beside another trial."""
    import torch

    if 0 < need.gpus < 1:
        torch.cuda.set_per_process_memory_fraction(need.gpus)


@contextlib.contextmanager
def _patiently_locked(run_dir: RunDirectory) -> Iterator[None]:
    """The folder's lock; a trial of a sweep that was just killed may hold it for a moment."""
    deadline = time.monotonic() + _PATIENCE_S
    with contextlib.ExitStack() as stack:
        while True:
            try:
                stack.enter_context(run_dir.locked())
                break
            except DataError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(1)
        yield


@contextlib.contextmanager
def _log(run_dir: RunDirectory) -> Iterator[TextIO]:
    """Where a trial's own words go; beside many others' they would drown the sweep's."""
    if not run_dir.is_local:
        yield sys.stderr
        return
    with open(run_dir.path("log.txt"), "a", encoding="utf-8") as log:  # noqa: PTH123 - strings, as in RunDirectory
        yield log


def _clear(run_dir: RunDirectory) -> None:
    """Drop the training states of a finished trial: three times a student each, and nothing asks for them again."""
    if run_dir.exists("checkpoints"):
        run_dir.filesystem.delete_dir(run_dir.path("checkpoints"))
