"""Curves as geometry: where lines, bands, dots and ticks go, in percent of the plot's width and height.

    losses({"loss": [[20, 5.1], [40, 4.2]], "dev_loss": [[40, 4.0]]})
    →  Chart(lines=(Line(name="loss", points="50.00,8.1 100.00,80.3", ...), Line(name="dev_loss", ...)), ...)

Losses are drawn on a logarithmic axis, since they fall by orders of magnitude; accuracies on a linear one that need
not begin at 0, as its ticks say. Long logs are averaged into bins. What is drawn in which colour is the page's matter.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

BINS = 400
Point = list[float]


@dataclass(frozen=True)
class Tick:
    """A label at a position, percent from the left or from the top."""

    at: float
    text: str


@dataclass(frozen=True)
class Dot:
    """A single measurement: percent from the left and from the top, and its value as text."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Series:
    """Measurements ``[x, y]`` to be drawn as one line; ``intervals`` are ``[x, low, high]`` of the same points."""

    name: str
    points: Sequence[Point]
    intervals: Sequence[Point] = ()
    dotted: bool = True


@dataclass(frozen=True)
class Line:
    """``points`` of an SVG polyline and ``band`` of a polygon in a 100 × 100 box; ``dots`` where dots are wanted."""

    name: str
    points: str
    band: str
    dots: tuple[Dot, ...]

    def at(self, x: float | None) -> Dot | None:
        """The dot that stands there, in percent from the left; the last one for None."""
        if x is None:
            return self.dots[-1] if self.dots else None
        return next((dot for dot in self.dots if math.isclose(dot.x, x, abs_tol=1e-6)), None)


@dataclass(frozen=True)
class Chart:
    """Lines in one box, the ticks of its axes, and where a step is marked, percent from the left."""

    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    mark: float | None = None


@dataclass(frozen=True)
class _Scale:
    """From values to percent, between ``low`` and ``high``."""

    low: float
    high: float
    transform: Callable[[float], float] = field(default=float)

    def place(self, value: float) -> float:
        low, high = self.transform(self.low), self.transform(self.high)
        return 100 * (self.transform(value) - low) / ((high - low) or 1)


def binned(points: Sequence[Point], bins: int = BINS) -> list[Point]:
    """At most ``bins`` points, each the mean of as many neighbours as it takes."""
    size = math.ceil(len(points) / bins) or 1
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    return [[sum(values) / len(group) for values in zip(*group, strict=True)] for group in groups]


def losses(curves: dict[str, list[Point]], marked: float | None = None) -> Chart | None:
    """The loss and dev loss over steps, one of which may be marked; None where fewer than two values are positive."""
    loss = binned([point for point in curves["loss"] if point[1] > 0])
    dev = [point for point in curves["dev_loss"] if point[1] > 0]
    both = loss + dev
    if len(both) < 2:
        return None
    last = max(step for step, _ in both)
    lowest, highest = min(value for _, value in both), max(value for _, value in both)
    x, y = _Scale(0, last), _Scale(lowest / 10**0.05, highest * 10**0.05, math.log10)
    return Chart(
        lines=tuple(
            _line(series, x, y, "{:.3g}") for series in (Series("loss", loss, dotted=False), Series("dev_loss", dev))
        ),
        x_ticks=_step_ticks(last),
        y_ticks=tuple(Tick(100 - y.place(value), f"{value:g}") for value in round_values(lowest, highest)),
        mark=_within(x, marked),
    )


def accuracies(
    series: Sequence[Series], x_ticks: Sequence[int] | None = None, marked: float | None = None
) -> Chart | None:
    """Accuracies (fractions) over steps, or, with ``x_ticks``, over those numbers; None where there are none.

    The axis of accuracies spans what there is to see, in whole steps of its ticks. A step may be ``marked``.
    """
    points = [point for one in series for point in one.points]
    if not points:
        return None
    values = [y for _, y in points] + [edge for one in series for _, *edges in one.intervals for edge in edges]
    ticks = _percent_ticks(min(values), max(values))
    first, last = (min(x_ticks), max(x_ticks)) if x_ticks else (0, max(x for x, _ in points))
    x, y = _Scale(first, last), _Scale(ticks[0], ticks[-1])
    return Chart(
        lines=tuple(_line(one, x, y, "{:.1%}") for one in series),
        x_ticks=tuple(Tick(x.place(tick), f"{tick:,}") for tick in x_ticks) if x_ticks else _step_ticks(last),
        y_ticks=tuple(Tick(100 - y.place(tick), f"{100 * tick:.0f}") for tick in ticks),
        mark=_within(x, marked),
    )


def _within(x: _Scale, marked: float | None) -> float | None:
    return x.place(marked) if marked is not None and x.low <= marked <= x.high else None


def _line(series: Series, x: _Scale, y: _Scale, form: str) -> Line:
    def path(points: Sequence[tuple[float, float]]) -> str:
        return " ".join(f"{x.place(px):.2f},{100 - y.place(py):.2f}" for px, py in points)

    lower = [(px, low) for px, low, _ in series.intervals]
    upper = [(px, high) for px, _, high in reversed(series.intervals)]
    dots = [Dot(x.place(px), 100 - y.place(py), form.format(py).replace("%", " %")) for px, py in series.points]
    return Line(series.name, path([(px, py) for px, py in series.points]), path(lower + upper),
                tuple(dots) if series.dotted else ())  # fmt: skip


def _step_ticks(last: float) -> tuple[Tick, ...]:
    """Three to six round numbers from 0 to ``last``."""
    if last <= 0:
        return ()
    unit = 10 ** math.floor(math.log10(last))
    width = next(unit * m for m in (0.1, 0.2, 0.25, 0.5, 1, 2) if last / (unit * m) < 6)
    steps = [round(width * i) for i in range(math.floor(last / width) + 1)] if width >= 1 else [0, round(last)]
    return tuple(Tick(100 * step / last, f"{step:,}") for step in steps)


def _percent_ticks(lowest: float, highest: float) -> list[float]:
    """Whole multiples of 1, 2, 5, 10 or 20 percent that enclose both values, at most seven, within 0 and 100."""
    for width in (1, 2, 5, 10, 20):
        low = math.floor(100 * lowest / width + 1e-9)
        high = max(math.ceil(100 * highest / width - 1e-9), low + 1)
        if high - low <= 6:
            break
    if high * width > 100:
        low, high = low - 1, high - 1
    return [width * i / 100 for i in range(low, high + 1)]


def round_values(lowest: float, highest: float) -> list[float]:
    """The values 1, 2 and 5 times a power of ten that lie between; powers alone where that is too many."""
    powers = range(math.floor(math.log10(lowest)), math.ceil(math.log10(highest)) + 1)
    for mantissas in ((1, 2, 5), (1, 3), (1,)):
        ticks = [m * 10.0**p for p in powers for m in mantissas if lowest * 0.95 <= m * 10.0**p <= highest * 1.05]
        if len(ticks) <= 6:
            break
    return ticks
