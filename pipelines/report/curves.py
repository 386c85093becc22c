"""Training curves as geometry: where lines, dots and ticks go, in percent of the plot's width and height.

    chart({"loss": [[20, 5.1], [40, 4.2]], "dev_loss": [[40, 4.0]]})
    →  Chart(line="0.00,0.00 100.00,87.2", dots=(Dot(x=100.0, y=100.0, text="4.00"),), ...)

The loss is drawn on a logarithmic axis, since it falls by orders of magnitude. Long logs are averaged into bins.
"""

import math
from dataclasses import dataclass

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
class Chart:
    """``line`` are the points of an SVG polyline in a 100 × 100 box; ``dots`` the dev losses."""

    line: str
    dots: tuple[Dot, ...]
    dev_line: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


def binned(points: list[Point], bins: int = BINS) -> list[Point]:
    """At most ``bins`` points, each the mean of as many neighbours as it takes."""
    size = math.ceil(len(points) / bins) or 1
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    return [[sum(values) / len(group) for values in zip(*group, strict=True)] for group in groups]


def chart(curves: dict[str, list[Point]]) -> Chart | None:
    """The loss and dev loss as a chart, or None where there are fewer than two positive values to draw."""
    loss = binned([point for point in curves["loss"] if point[1] > 0])
    dev = [point for point in curves["dev_loss"] if point[1] > 0]
    both = loss + dev
    if len(both) < 2:
        return None
    last = max(step for step, _ in both)
    lowest, highest = min(value for _, value in both), max(value for _, value in both)
    bottom, top = math.log10(lowest) - 0.05, math.log10(highest) + 0.05

    def place(point: Point) -> tuple[float, float]:
        return 100 * point[0] / (last or 1), 100 * (top - math.log10(point[1])) / (top - bottom)

    def line(points: list[Point]) -> str:
        return " ".join("{:.2f},{:.2f}".format(*place(point)) for point in points)

    return Chart(
        line=line(loss),
        dots=tuple(Dot(*place(point), f"{point[1]:.3g}") for point in dev),
        dev_line=line(dev),
        x_ticks=tuple(Tick(100 * step / last, f"{step:,}") for step in _round_steps(last)),
        y_ticks=tuple(Tick(place([0, value])[1], f"{value:g}") for value in round_values(lowest, highest)),
    )


def _round_steps(last: float) -> list[int]:
    """Three to six round numbers from 0 to ``last``."""
    if last <= 0:
        return []
    unit = 10 ** math.floor(math.log10(last))
    width = next(unit * m for m in (0.1, 0.2, 0.25, 0.5, 1, 2) if last / (unit * m) < 6)
    return [round(width * i) for i in range(math.floor(last / width) + 1)] if width >= 1 else [0, round(last)]


def round_values(lowest: float, highest: float) -> list[float]:
    """The values 1, 2 and 5 times a power of ten that lie between; powers alone where that is too many."""
    powers = range(math.floor(math.log10(lowest)), math.ceil(math.log10(highest)) + 1)
    for mantissas in ((1, 2, 5), (1, 3), (1,)):
        ticks = [m * 10.0**p for p in powers for m in mantissas if lowest * 0.95 <= m * 10.0**p <= highest * 1.05]
        if len(ticks) <= 6:
            break
    return ticks
