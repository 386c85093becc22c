"""A stage: what it reads, what defines its rows, and when it need not run again.

Stage(name="verify", folder="verdicts", inputs=("problems", "samples"),
      fields=lambda config: {"verification": ...}, run=run)
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pipelines.config import RunConfig
from pipelines.errors import DataError
from ray_jobs.run_directory import Manifest, RunDirectory, Stopwatch, digest, fingerprint


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a stage's run reports: rows written, and notes for the manifest and the last line."""

    rows: int
    summary: str
    notes: dict[str, Any] = field(default_factory=dict)
    is_final: bool = True  # False: the same command tries again what failed


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage of a run.

    ``folder`` is what it writes and where its manifest lies. ``optional`` inputs are used where they are there.
    ``on_gpus``: it uses GPUs where the configuration allows and the cluster has them.
    ``fields`` gives the configuration that defines the stage's rows; anything else may change without a rerun.
    """

    name: str
    folder: str
    inputs: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    needs_ray: bool = True
    on_gpus: bool = False
    fields: Callable[[RunConfig], dict[str, Any]]
    run: Callable[[RunConfig, RunDirectory], Result]


def pending(stage: Stage, config: RunConfig, run_dir: RunDirectory) -> tuple[str, dict[str, str]] | None:
    """The fingerprint and inputs the stage would run with, or None where it is done already.

    Raises:
        DataError: an input is missing or unfinished.
    """
    inputs: dict[str, str] = {}
    for folder in (*stage.inputs, *stage.optional):
        version = run_dir.version(folder)
        if version is not None:
            inputs[folder] = version
        elif folder in stage.inputs:
            raise DataError(
                f"{run_dir.path(folder)}: missing or unfinished, and {stage.name} reads it; run the stage before"
            )
    print_ = fingerprint(stage.name, stage.fields(config), inputs)
    manifest = run_dir.manifest(stage.folder)
    if manifest is not None and manifest.fingerprint == print_ and manifest.notes.get("is_final", True):
        return None
    return print_, inputs


def execute(stage: Stage, config: RunConfig, run_dir: RunDirectory) -> None:
    """Run the stage unless it is done; publish its manifest last."""
    todo = pending(stage, config, run_dir)
    if todo is None:
        say(f"{stage.name}: done already, not repeated")
        return
    print_, inputs = todo
    run_dir.start(stage.folder)
    stopwatch = Stopwatch()
    result = stage.run(config, run_dir)
    run_dir.publish(
        stage.folder,
        Manifest(
            stage=stage.name,
            fingerprint=print_,
            version=result.notes.get("version") or digest([print_, result.rows]),
            fields=stage.fields(config),
            inputs=inputs,
            files=run_dir.written(stage.folder),
            rows=result.rows,
            wall_s=stopwatch.seconds(),
            notes={**result.notes, "is_final": result.is_final},
        ),
    )
    say(f"{stage.name}: {result.summary} ({stopwatch.seconds():.1f} s)")


def say(line: str) -> None:
    """A plain line for the terminal or the job log."""
    print(line, file=sys.stderr, flush=True)
