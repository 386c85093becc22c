"""A sweep's file: a base, the axes that are tried on it, the seeds, and how the combinations are searched.

    base: ../quickstart.yaml
    fields: {mixture.size: equal_tokens, training.epochs: 4}
    axes:
      mixture.ratios: {simplex: 4}                          # 15 mixtures of the sampled thoughts
      student: [{model: micro}, {model: tiny}]              # a section: its fields together
    seeds: [0, 1, 2]

A point is one combination of the axes' values; a trial is a point with a seed, and is one run. Every trial's
configuration is checked here, before Ray starts. Nothing is run here.
"""

import difflib
import itertools
import json
import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.config import RunConfig
from pipelines.errors import ConfigError
from ray_jobs import cli
from ray_jobs.run_directory import digest

Point = dict[str, Any]
"""A value for each axis, by dotted name."""

_MOST_POINTS = 2_000
_EXPONENT = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+")
_OWN = {"seed": "seeds", "run_dir": "run_dir"}


class Simplex(BaseModel):
    """All mixtures of the sampled thoughts whose shares are multiples of 1/r."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    simplex: int = Field(ge=1, le=20, description="r: steps from one corner to the next")


class SweepConfig(BaseModel):
    """A sweep, as its file says it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base: str = Field(description="the run's YAML file, relative to this one")
    run_dir: str | None = Field(None, description="the sweep's folder or URI; null: runs/ and this file's name")
    fields: dict[str, Any] = Field({}, description="fields that replace the base's, by dotted name")
    axes: dict[str, Simplex | list[Any]] = Field(
        min_length=1, description="values to try, by dotted name; {simplex: r}: mixtures of the sampled thoughts"
    )
    seeds: list[int] = Field([0], min_length=1, description="every point is tried with each of these seeds")
    scheduler: Literal["grid", "asha", "optuna"] = Field(
        "grid", description="grid: all points; asha: poor ones are stopped early; optuna: points chosen as results come"
    )
    points: int | None = Field(None, ge=1, description="asha, optuna: how many points; null: asha all, optuna 20")
    cpus_per_trial: float = Field(1, gt=0, description="CPUs of a trial")
    gpus_per_trial: float | None = Field(
        None, ge=0, description="GPUs of a trial where there are any; null: a share by the student's size"
    )


@dataclass(frozen=True)
class Trial:
    """One run of a sweep: ``trial_id`` names its folder and changes with everything that defines its rows."""

    trial_id: str
    point: Point
    seed: int
    config: RunConfig


@dataclass(frozen=True)
class Sweep:
    """A sweep ready to run: the grid's ``points`` in order, and how a point becomes a run."""

    name: str
    file: str
    run_dir: str
    config: SweepConfig
    points: tuple[Point, ...]
    base: dict[str, Any]

    def trial(self, point: Point, seed: int) -> Trial:
        """The run of a point with a seed.

        Raises:
            ConfigError: the point is impossible; names the file and the point.
        """
        tree = deepcopy(self.base) | {"run_dir": f"{self.run_dir}/trials", "seed": seed}
        for name, value in point.items():
            _set(tree, name, value)
        config = cli.validated(tree, lambda field: f"{self.file} at {words(point)}")
        if config.training.num_workers > 1:
            raise ConfigError(
                f"{self.file}: training.num_workers {config.training.num_workers}: a trial trains on one worker, and a "
                "sweep fills the cluster with trials; set it to 1"
            )
        if config.training.steps is not None and self.config.scheduler == "asha":
            raise ConfigError(
                f"{self.file}: training.steps {config.training.steps}: asha compares trials epoch by epoch; set "
                "training.epochs instead, or take another scheduler"
            )
        if config.self_training.rounds > 1:
            raise ConfigError(
                f"{self.file}: self_training.rounds {config.self_training.rounds}: a trial trains once; set it to 1, "
                "and run further rounds with ray_jobs.distill"
            )
        trial_id = f"{_slug(point)}_s{seed}_{definition(config)[:8]}"
        return Trial(trial_id, point, seed, config.model_copy(update={"run_dir": f"{self.run_dir}/trials/{trial_id}"}))

    def trials(self, points: Sequence[Point]) -> list[Trial]:
        """The runs of some points, seed by seed within a point."""
        return [self.trial(point, seed) for point in points for seed in self.config.seeds]


def definition(config: RunConfig) -> str:
    """A hash of all that defines the rows of a run, wherever it lies and whatever it runs on."""
    from ray_jobs.distill import STAGES

    return digest([[stage.name, stage.fields(config)] for stage in STAGES if stage.name != "report"])


def load_sweep(file: str | None, overrides: Sequence[str]) -> Sweep:
    """The sweep of a YAML file; overrides name the sweep's own fields or, dotted, those of the base.

    Raises:
        ConfigError: one line that names the file, the field, what was expected, and the nearest name or bad point.
    """
    if file is None:
        raise ConfigError("--config: missing; expected a sweep's file, e.g. --config configs/sweeps/mix_ratios.yaml")
    tree = cli.read_yaml(file)
    on_base = [one for one in overrides if one.partition("=")[0] not in SweepConfig.model_fields]
    for one in overrides:
        if one not in on_base:
            cli.override(tree, one)
    config = _parsed(tree, file)
    base = cli.read_yaml(str(Path(file).parent / config.base))
    for name, value in config.fields.items():
        _refuse_own(name, f"{file}: fields")
        _set(base, name, value)
    overridden = [cli.override(base, one) for one in on_base]
    for name in overridden:
        _refuse_own(name, "command line")
        if name in config.axes:
            raise ConfigError(f"command line: {name} is an axis of {file}; take it out of axes to fix it")
    name = Path(file).stem
    run_dir = cli.absolute(config.run_dir or f"runs/{name}")
    checked = cli.validated(
        deepcopy(base) | {"run_dir": run_dir},
        lambda field: "command line" if field in overridden else f"{file}: base {config.base}",
    )
    points = tuple(_points(config, checked.sampling.thoughts, file))
    sweep = Sweep(name, file, run_dir, config, points, base)
    if config.scheduler == "grid" and config.points is not None:
        raise ConfigError(f"{file}: points: scheduler 'grid' tries all {len(points)}; use asha or optuna to try fewer")
    sweep.trials(points)  # every combination is checked now
    return sweep


def compositions(parts: int, steps: int) -> Iterator[tuple[int, ...]]:
    """All ways to deal ``steps`` equal shares to so many parts: (4, 0, 0), (3, 1, 0), (3, 0, 1), ..."""
    if parts == 1:
        yield (steps,)
        return
    for first in range(steps, -1, -1):
        for rest in compositions(parts - 1, steps - first):
            yield (first, *rest)


def words(point: Point) -> str:
    """A point as people write it: "mixture.ratios {pot: 1, eot: 3}, student.model tiny"."""
    return ", ".join(f"{name} {_text(value)}" for name, value in point.items()) or "its only point"


def _points(config: SweepConfig, thoughts: Sequence[str], file: str) -> Iterator[Point]:
    values: dict[str, list[Any]] = {}
    for name, axis in config.axes.items():
        _refuse_own(name, f"{file}: axes")
        if isinstance(axis, Simplex):
            if name != "mixture.ratios":
                raise ConfigError(f"{file}: axes.{name}: simplex gives shares per thought; expected mixture.ratios")
            shares = compositions(len(thoughts), axis.simplex)
            values[name] = [{t: s for t, s in zip(thoughts, share, strict=True) if s} for share in shares]
        else:
            values[name] = [_number(value) for value in axis]
        if not values[name]:
            raise ConfigError(f"{file}: axes.{name}: no values; expected a list, e.g. [1, 2]")
        if len({_text(value) for value in values[name]}) < len(values[name]):
            raise ConfigError(f"{file}: axes.{name}: a value stands twice")
    count = 1
    for column in values.values():
        count *= len(column)
    if count > _MOST_POINTS:
        raise ConfigError(f"{file}: axes: {count:,} combinations, more than {_MOST_POINTS:,}; take values out")
    for combination in itertools.product(*values.values()):
        yield dict(zip(values, combination, strict=True))


def _number(value: Any) -> Any:
    """YAML 1.1 reads 5e-4 as text; users do not."""
    return float(value) if isinstance(value, str) and _EXPONENT.fullmatch(value) else value


def _set(tree: dict[str, Any], name: str, value: Any) -> None:
    """Put a value into the tree; of a section, the fields that the value names."""
    if isinstance(value, dict) and cli.is_section(name):
        for field, inner in value.items():
            _set(tree, f"{name}.{field}", inner)
    else:
        cli.put(tree, name, deepcopy(value))


def _refuse_own(name: str, where: str) -> None:
    if name in _OWN:
        raise ConfigError(f"{where}: {name} is the sweep's own; set {_OWN[name]} of the sweep's file instead")


def _parsed(tree: dict[str, Any], file: str) -> SweepConfig:
    try:
        config = SweepConfig.model_validate(tree)
    except ValidationError as error:
        first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")  # a misspelt name is missing too
        field = ".".join(str(part) for part in first["loc"] if part not in ("Simplex", "list[any]"))
        if first["type"] == "extra_forbidden" and len(first["loc"]) == 1:
            names = list(SweepConfig.model_fields)
            near = difflib.get_close_matches(field, names, n=1, cutoff=0.5)
            hint = f"did you mean '{near[0]}'?" if near else f"fields here: {', '.join(names)}"
            raise ConfigError(f"{file}: {field}: unknown field; {hint}") from None
        message = first["msg"][:1].lower() + first["msg"][1:]
        if field.startswith("axes."):
            axis = field.split(".simplex")[0]
            message = "expected a list of values, or {simplex: r} for mixture.ratios"
            raise ConfigError(f"{file}: {axis}: {message}, got {first['input']!r}") from None
        raise ConfigError(f"{file}: {field}: {message}") from None
    if len(set(config.seeds)) < len(config.seeds) or min(config.seeds) < 0:
        raise ConfigError(f"{file}: seeds: expected different numbers from 0, got {config.seeds}")
    return config


def _text(value: Any) -> str:
    return json.dumps(value).replace('"', "") if isinstance(value, (dict, list)) or value is None else str(value)


def _slug(point: Point) -> str:
    """A point as part of a folder's name; the hash behind it tells points apart that this does not."""
    parts = [re.sub(r"[^a-z0-9.]+", "-", _text(value).lower()).strip("-.") for value in point.values()]
    return "_".join(parts)[:60]
