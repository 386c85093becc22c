"""Accuracy against one axis of a sweep, a line for each setting of the others, as shapes that a page draws.

    lines(points, "gsm8k")[0]  →  LineChart(axis="student.model", series=[Series(name="PoT", marks=[Mark(x=.., ..)])])

Numbers lie at their value (students at their parameters, on a logarithmic axis), words side by side. An axis of the
mixture's shares has the ternary map and no line. Whiskers are intervals over seeds.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.report import palette
from pipelines.report.over_seeds import Mean
from pipelines.report.sweep_findings import MIX_AXES
from pipelines.report.sweep_table import HEADLINE, SweepPoint, text

WIDTH, HEIGHT = 760, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 150.0, 14.0, 44.0
_MOST_SERIES = 8
_WORDS = {
    "student": "student",
    "student.model": "student, parameters",
    "mixture.fraction": "share of the training problems",
    "mixture.max_per_problem": "draws kept per problem and thought",
    "teacher.rehearsal.mistakes": "share of the teacher's thoughts with a mistake",
    "verification.missed_proofs": "share of right thoughts that the solver misses",
    "verification.false_proofs": "share of other thoughts that the solver takes for right",
    "training.learning_rate": "learning rate",
}


@dataclass(frozen=True)
class Mark:
    """A point: its place, the ends of its whisker (None without an interval), and its mean."""

    x: float
    y: float
    low: float | None
    high: float | None
    mean: Mean
    at: str


@dataclass(frozen=True)
class Series:
    """A line with its name, where the name stands, and its ink."""

    name: str
    marks: list[Mark]
    path: str
    label_y: float
    ink: palette.Ink


@dataclass(frozen=True)
class LineChart:
    """One axis of the sweep on one test set; ``left_out`` counts series beyond those drawn, the highest."""

    axis: str
    words: str
    dataset: str
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    series: list[Series]
    left_out: int


def lines(points: Sequence[SweepPoint], dataset: str) -> list[LineChart]:
    """A chart for each axis with at least two values, but those of the mixture."""
    measured = [point for point in points if HEADLINE in point.accuracy.get(dataset, {})]
    axes = [name for name in (measured[0].point if measured else {}) if name not in MIX_AXES]
    charts = []
    for axis in axes:
        if len({json.dumps(point.point[axis]) for point in measured}) > 1:
            charts.append(_chart(measured, axis, dataset))
    return charts


def _chart(points: Sequence[SweepPoint], axis: str, dataset: str) -> LineChart:
    scale = _Scale(points, axis)
    groups: dict[str, list[SweepPoint]] = {}
    for point in points:
        groups.setdefault(_name(point, axis), []).append(point)
    ranked = sorted(groups, key=lambda name: -max(p.accuracy[dataset][HEADLINE].mean for p in groups[name]))
    shown = ranked[:_MOST_SERIES]
    top = max(_upper(point.accuracy[dataset][HEADLINE]) for name in shown for point in groups[name])
    ceiling = next(limit for limit in (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0) if top <= limit or limit == 1.0)
    plot_height = HEIGHT - _TOP - _BOTTOM

    def y(value: float) -> float:
        return round(_TOP + plot_height * (1 - min(max(value, 0.0), ceiling) / ceiling), 1)

    series = []
    for name in shown:
        ordered = sorted(groups[name], key=scale.place)
        marks = [_mark(point, point.accuracy[dataset][HEADLINE], scale, y) for point in ordered]
        path = " ".join(f"{mark.x},{mark.y}" for mark in marks)
        series.append(Series(name, marks, path, marks[-1].y, _ink(ordered[0], name, shown)))
    y_ticks = [(y(ceiling * part / 4), f"{100 * ceiling * part / 4:g}") for part in range(5)]
    return LineChart(
        axis, _WORDS.get(axis, axis), dataset, scale.ticks(), y_ticks, _spread(series), len(ranked) - len(shown)
    )


def _mark(point: SweepPoint, mean: Mean, scale: "_Scale", y: Any) -> Mark:
    low = None if mean.low is None else y(mean.low)
    high = None if mean.high is None else y(mean.high)
    return Mark(scale.place(point), y(mean.mean), low, high, mean, scale.label(point))


class _Scale:
    """Where the values of an axis lie from left to right."""

    def __init__(self, points: Sequence[SweepPoint], axis: str) -> None:
        self._axis = axis
        self._is_size = axis in ("student", "student.model") and all(point.parameters for point in points)
        values = {json.dumps(point.point[axis]): self._value(point) for point in points}
        numbers = [value for value in values.values() if isinstance(value, int | float)]
        self._numeric = len(numbers) == len(values) and not any(isinstance(value, bool) for value in numbers)
        self._order = list(values)
        self._log = self._numeric and min(numbers) > 0 and max(numbers) / min(numbers) >= 8
        places = [self._number(value) for value in numbers] if self._numeric else [0.0, float(len(values) - 1)]
        self._low, self._high = min(places), max(places)
        self._labels = {key: self._label(key, value) for key, value in values.items()}
        self._values = values

    def place(self, point: SweepPoint) -> float:
        return self._x(json.dumps(point.point[self._axis]))

    def label(self, point: SweepPoint) -> str:
        return self._labels[json.dumps(point.point[self._axis])]

    def ticks(self) -> list[tuple[float, str]]:
        return sorted((self._x(key), label) for key, label in self._labels.items())

    def _x(self, key: str) -> float:
        place = self._number(self._values[key]) if self._numeric else float(self._order.index(key))
        share = (place - self._low) / ((self._high - self._low) or 1.0)
        return round(_LEFT + 14 + share * (WIDTH - _LEFT - _RIGHT - 28), 1)

    def _value(self, point: SweepPoint) -> Any:
        return point.parameters if self._is_size else point.point[self._axis]

    def _number(self, value: float) -> float:
        return math.log(value) if self._log else float(value)

    def _label(self, key: str, value: Any) -> str:
        if self._is_size:
            named = json.loads(key)
            name = named["model"] if isinstance(named, dict) else named
            return f"{str(name).rsplit('/', 1)[-1]} {_compact(value)}"
        return str(text(json.loads(key)))


def _name(point: SweepPoint, axis: str) -> str:
    """A series' name: the thought set with its shares, then the other axes that vary."""
    parts = []
    if any(name in point.point for name in MIX_AXES):
        shares = point.mix.shares
        even = point.mix.is_even
        parts.append(point.mix.name if even or not shares else " ".join(f"{s:.2g} {t}" for t, s in shares.items()))
    for name, value in point.point.items():
        if name not in MIX_AXES and name != axis:
            parts.append(f"{name.split('.')[-1].replace('_', ' ')} {text(value)}")
        elif name == "mixture.size":
            parts.append(str(value).replace("_", " "))
    return ", ".join(parts) or "headline"


def _ink(point: SweepPoint, name: str, shown: Sequence[str]) -> palette.Ink:
    if len(point.mix.thoughts) == 1 and point.mix.recipe == "etd" and any(n in point.point for n in MIX_AXES):
        return palette.colour(point.mix.thoughts[0])
    return palette.NEUTRAL if len(shown) == 1 or name == shown[0] else palette.colour(name, tuple(shown))


def _upper(mean: Mean) -> float:
    return max(mean.mean, min(mean.high, 1.0)) if mean.high is not None else mean.mean


def _spread(series: list[Series]) -> list[Series]:
    """The names beside the lines, moved apart where lines end close together."""
    placed: list[Series] = []
    last = -math.inf
    for one in sorted(series, key=lambda item: item.label_y):
        y = max(one.label_y, last + 16)
        placed.append(Series(one.name, one.marks, one.path, y, one.ink))
        last = y
    return placed


def _compact(number: float) -> str:
    return f"{number / 1e6:.3g} M" if number >= 1e6 else f"{number / 1e3:.3g} k"
