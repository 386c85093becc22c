"""How a sweep looks through its grid: all points, all with early stopping, or those that the results so far suggest.

    grid     every point to its end
    asha     every point, or ``points`` of them drawn at random; the poorer two thirds stop after 1, 3, 9, ... epochs
    optuna   ``points`` of the grid in batches, each chosen by the tree-structured Parzen estimator from those before

Everything is a function of the file, its seeds and the results so far, so that a sweep that was killed goes on. Scores
are measured on dev: the test problems choose nothing.
"""

import math
from collections.abc import Callable, Sequence
from random import Random
from statistics import fmean
from typing import Any

from pipelines.errors import ConfigError
from ray_jobs.sweep_file import Point, Sweep

REDUCTION = 3  # asha: of so many that reach a rung, one goes on
_OPTUNA_POINTS = 20

Score = Callable[[Point], float | None]
"""The mean score of a point's finished trials; None while there is none."""


def next_points(sweep: Sweep, tried: Sequence[Point], score: Score, at_once: int) -> list[Point]:
    """The points to try next; none when the sweep is done. ``at_once``: points that the cluster runs together."""
    scheduler = sweep.config.scheduler
    if scheduler == "optuna":
        return _suggested(sweep, tried, score, at_once)
    if tried:
        return []
    most = sweep.config.points
    if scheduler == "grid" or most is None or most >= len(sweep.points):
        return list(sweep.points)
    chosen = sorted(Random(sweep.config.seeds[0]).sample(range(len(sweep.points)), most))
    return [sweep.points[index] for index in chosen]


def early_stopping(epochs: float, before: Sequence[dict[int, float]]) -> Any:
    """Tune's ASHA over epochs, told of the scores of trials that ended ``before`` this start."""
    from ray.tune.schedulers import ASHAScheduler

    scheduler = ASHAScheduler(
        time_attr="epoch",
        metric="score",
        mode="max",
        max_t=max(1, math.ceil(epochs)),
        grace_period=1,
        reduction_factor=REDUCTION,
        stop_last_trials=False,  # a trial at its last epoch is done, and is evaluated
    )
    for number, scores in enumerate(before):
        stand_in = Ended(f"before-{number}")
        scheduler.on_trial_add(None, stand_in)
        for epoch, score in sorted(scores.items()):
            scheduler.on_trial_result(None, stand_in, {"epoch": epoch, "score": score})
    return scheduler


class Ended:
    """What the scheduler looks at of a trial."""

    def __init__(self, trial_id: str) -> None:
        self.trial_id = trial_id


def check(sweep: Sweep) -> None:
    """Refuse a scheduler whose package is not there.

    Raises:
        ConfigError: one line.
    """
    if sweep.config.scheduler == "optuna":
        _optuna()


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise ConfigError(
            "scheduler: 'optuna' needs the package optuna: pip install 'thought-distill[sweep]'"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _suggested(sweep: Sweep, tried: Sequence[Point], score: Score, at_once: int) -> list[Point]:
    """The next batch, from a study that is rebuilt of all that was tried; a point is never tried twice."""
    left = min(sweep.config.points or _OPTUNA_POINTS, len(sweep.points)) - len(tried)
    optuna = _optuna()
    columns = {name: _distinct([point[name] for point in sweep.points]) for name in sweep.points[0]}
    space = {name: optuna.distributions.CategoricalDistribution(range(len(values))) for name, values in columns.items()}
    sampler = optuna.samplers.TPESampler(seed=sweep.config.seeds[0] + len(tried), constant_liar=True)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for point in tried:
        value = score(point)
        if value is not None:
            places = {name: columns[name].index(point[name]) for name in columns}
            study.add_trial(optuna.trial.create_trial(params=places, distributions=space, value=value))
    random = Random(f"{sweep.config.seeds[0]}/{len(tried)}")
    batch: list[Point] = []
    while len(batch) < min(at_once, left):
        asked = study.ask(space).params
        point = {name: values[asked[name]] for name, values in columns.items()}
        if point in tried or point in batch:  # the estimator repeats itself on a small grid
            point = random.choice([other for other in sweep.points if other not in tried and other not in batch])
        batch.append(point)
    return batch


def mean_score(scores: Sequence[float | None]) -> float | None:
    """The mean of what was measured; None where nothing was."""
    known = [score for score in scores if score is not None]
    return fmean(known) if known else None


def _distinct(values: Sequence[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found
