"""The table of a sweep: its trials as flat rows for other tools, and points with their means over seeds.

    trial = SweepTrial(trial_id="pot-1_s0_3f2a", status="done", point={"mixture.ratios": {"pot": 1}}, seed=0,
                       config={...}, evaluation=[{"dataset": "gsm8k", "selection": "pot", "accuracy": 0.31, ...}], ...)
    flat([trial])    → [{"trial": "pot-1_s0_3f2a", "status": "done", "mixture.ratios": "{pot: 1}", "seed": 0, ...}]
    points([trial])  → [SweepPoint(point={...}, mix=Mix(...), accuracy={"gsm8k": {"pot": Mean(...)}})]

Only trials that ran to their end are results: failed and stopped ones stand in the flat rows with their reason.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from pipelines.report import palette
from pipelines.report.over_seeds import Mean, over_seeds
from pipelines.report.tables import Row

ETD = ("pot", "eot", "cot")
HEADLINE = "headline"


@dataclass(frozen=True, kw_only=True)
class SweepTrial:
    """One trial: what was asked (``point``, ``seed``, the resolved ``config``), how it ended, and what it measured.

    ``card`` is the mixture's card, ``student`` the training's figures, ``evaluation`` the records of ``metrics.json``;
    ``score`` is the exported student's accuracy on dev problems that chose nothing, one measurement of each trial;
    seconds are None where the trial did not come so far.
    """

    trial_id: str
    status: str
    reason: str
    point: Row
    seed: int
    config: Row
    sampling: str
    score: float | None = None
    card: Row = field(default_factory=dict)
    student: Row = field(default_factory=dict)
    evaluation: list[Row] = field(default_factory=list)
    train_s: float | None = None
    evaluate_s: float | None = None


@dataclass(frozen=True)
class Mix:
    """What a point's mixture is made of: thoughts in the palette's order with their shares (None: the union)."""

    recipe: str
    size: str
    thoughts: tuple[str, ...]
    shares: dict[str, float] | None

    @property
    def name(self) -> str:
        """The thought set as the papers name it."""
        names = " + ".join(palette.label(thought) for thought in self.thoughts)
        if self.recipe == "label":
            return "Label"
        if self.recipe == "md":
            return f"MD ({names})"
        return f"ETD ({names})" if set(self.thoughts) == set(ETD) else names

    @property
    def is_even(self) -> bool:
        """Whether no thought is preferred: the union, or equal shares."""
        return self.shares is None or len(set(self.shares.values())) == 1


@dataclass(frozen=True)
class SweepPoint:
    """A point with the means over its finished seeds, by data set and selection; ``headline`` is a selection too.

    ``by_seed`` are the headline's accuracies, ``scores`` what dev says by seed, ``score`` its mean where all have one.
    """

    point: Row
    mix: Mix
    model: str
    parameters: int
    trials: list[SweepTrial]
    accuracy: dict[str, dict[str, Mean]]
    by_seed: dict[str, dict[int, float]]
    scores: dict[int, float]
    score: float | None

    def rest(self, *left_out: str) -> Row:
        """The point without some axes."""
        return {name: value for name, value in self.point.items() if name not in left_out}


def mix_of(config: Row) -> Mix:
    """The mixture that a configuration describes."""
    mixture, sampled = config["mixture"], config["sampling"]["thoughts"]
    ratios = mixture.get("ratios")
    given = {t: share for t, share in ratios.items() if share > 0} if ratios else None
    thoughts = palette.ordered(set(given or sampled))
    total = sum(given.values()) if given else 1.0
    shares = {t: given[t] / total for t in thoughts} if given else None
    return Mix(mixture["recipe"], mixture["size"], thoughts, shares)


def points(trials: Sequence[SweepTrial]) -> list[SweepPoint]:
    """The points that have a finished trial, in the order of the trials."""
    groups: dict[str, list[SweepTrial]] = {}
    for trial in trials:
        if trial.status == "done" and trial.evaluation:
            groups.setdefault(json.dumps(trial.point, sort_keys=True), []).append(trial)
    return [_point(group) for group in groups.values()]


def flat(trials: Sequence[SweepTrial]) -> list[Row]:
    """One row for each trial, data set and selection; one alone for a trial that has no results."""
    rows = []
    for trial in trials:
        mix = mix_of(trial.config)
        tokens = trial.card.get("target_tokens") or {}
        row: Row = {
            "trial": trial.trial_id,
            "status": trial.status,
            "reason": trial.reason,
            **{name: text(value) for name, value in trial.point.items()},
            "seed": trial.seed,
            "thoughts": "+".join(mix.thoughts),
            "model": trial.config["student"]["model"],
            "parameters": trial.student.get("parameters"),
            "examples": trial.student.get("examples"),
            "target_tokens": sum(tokens.values()) or None,
            "steps": trial.student.get("steps"),
            "loss": trial.student.get("loss"),
            "dev_score": trial.score,
            "train_s": trial.train_s,
            "evaluate_s": trial.evaluate_s,
            "sampling": trial.sampling,
        }
        measured = ("dataset", "selection", "headline", "n", "correct", "accuracy", "low", "high")
        for record in trial.evaluation if trial.status == "done" and trial.evaluation else [{}]:
            rows.append(row | {name: record.get(name) for name in measured})
    return rows


def as_table(trials: Sequence[SweepTrial]) -> pa.Table:
    """The flat rows as a table whose columns have one type each."""
    rows = flat(trials)
    columns = {name: [row.get(name) for row in rows] for name in rows[0]} if rows else {}
    return pa.table({name: _column(values) for name, values in columns.items()})


def text(value: Any) -> Any:
    """An axis' value as a cell: numbers and words as they are, the rest as short text."""
    if isinstance(value, (dict, list)):
        return json.dumps(value).replace('"', "")
    return value


def _column(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # an axis of numbers and words
        return pa.array([None if value is None else str(value) for value in values])


def _point(trials: list[SweepTrial]) -> SweepPoint:
    values: dict[str, dict[str, list[float]]] = {}
    by_seed: dict[str, dict[int, float]] = {}
    for trial in trials:
        for record in trial.evaluation:
            if record["accuracy"] is None:
                continue
            names = [record["selection"], HEADLINE] if record["headline"] else [record["selection"]]
            for name in names:
                values.setdefault(record["dataset"], {}).setdefault(name, []).append(record["accuracy"])
            if record["headline"]:
                by_seed.setdefault(record["dataset"], {})[trial.seed] = record["accuracy"]
    scores = {trial.seed: trial.score for trial in trials if trial.score is not None}
    first = trials[0]
    return SweepPoint(
        point=first.point,
        mix=mix_of(first.config),
        model=first.config["student"]["model"],
        parameters=first.student.get("parameters") or 0,
        trials=trials,
        accuracy={
            dataset: {name: over_seeds(found) for name, found in selections.items()}
            for dataset, selections in values.items()
        },
        by_seed=by_seed,
        scores=scores,
        score=sum(scores.values()) / len(scores) if len(scores) == len(trials) else None,
    )
