"""The ternary map: accuracy over the shares of three thoughts, as shapes that a page draws.

    ternary(points, "gsm8k")[0]  →  TernaryMap(title="tiny", corners=[...], cells=[...], dots=[Dot(x=190, y=40, ...)])

A corner is one thought alone, an edge a pair, the middle all three; a cell's colour is the mean of its corners. Colours
are given as a strength from 0 (the lowest mean on the map) to 1 (the highest), and the page turns them into ink.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from pipelines.report import palette
from pipelines.report.over_seeds import Mean
from pipelines.report.sweep_findings import MIX_AXES, best, others_of
from pipelines.report.sweep_table import HEADLINE, SweepPoint, text

WIDTH, HEIGHT = 380, 350
_LEFT, _TOP, _SIDE = 30.0, 34.0, 320.0


@dataclass(frozen=True)
class Corner:
    """A thought's corner, with the place of its name."""

    thought: str
    x: float
    y: float
    label_x: float
    label_y: float


@dataclass(frozen=True)
class Dot:
    """A point of the sweep: its place, its mean, how strong its colour is, and its words."""

    x: float
    y: float
    mean: Mean
    strength: float
    is_best: bool
    words: str


@dataclass(frozen=True)
class TernaryMap:
    """One student on one test set; ``low`` and ``high`` are the means of the weakest and the strongest colour."""

    title: str
    dataset: str
    corners: list[Corner]
    cells: list[tuple[str, float]]
    dots: list[Dot]
    low: float
    high: float


def ternary(points: Sequence[SweepPoint], dataset: str) -> list[TernaryMap]:
    """A map for each student and setting that has at least the three corners; none where thoughts are not three."""
    maps = []
    shared = [p for p in points if p.mix.shares is not None and HEADLINE in p.accuracy.get(dataset, {})]
    for setting in dict.fromkeys(json.dumps(others_of(point)) for point in shared):
        group = [point for point in shared if json.dumps(others_of(point)) == setting]
        thoughts = palette.ordered({thought for point in group for thought in point.mix.thoughts})
        alone = {point.mix.thoughts for point in group if len(point.mix.thoughts) == 1}
        if len(thoughts) == 3 and len(alone) == 3:
            maps.append(_map(group, thoughts, dataset))
    return maps


def _map(group: list[SweepPoint], thoughts: tuple[str, ...], dataset: str) -> TernaryMap:
    means = [point.accuracy[dataset][HEADLINE].mean for point in group]
    low, high = min(means), max(means)
    width = high - low or 1.0
    winner = best(group, dataset)
    corners = _corners(thoughts)
    dots = []
    for point, mean in zip(group, means, strict=True):
        assert point.mix.shares is not None
        x, y = _place(point.mix.shares, corners)
        shares = ", ".join(f"{palette.label(t)} {share:.2g}" for t, share in point.mix.shares.items())
        dots.append(
            Dot(x, y, point.accuracy[dataset][HEADLINE], (mean - low) / width, point is winner and low < high, shares)
        )
    others = [f"{text(value)}" for name, value in group[0].point.items() if name not in MIX_AXES]
    title = ", ".join(others) if others else group[0].model.rstrip("/").rsplit("/", 1)[-1]
    return TernaryMap(title, dataset, corners, _cells(dots), dots, low, high)


def _corners(thoughts: tuple[str, ...]) -> list[Corner]:
    """The last thought on top, the others left and right below."""
    height = _SIDE * math.sqrt(3) / 2
    left, right, top = thoughts
    base = _TOP + height
    return [
        Corner(left, _LEFT, base, _LEFT, base + 30),
        Corner(right, _LEFT + _SIDE, base, _LEFT + _SIDE, base + 30),
        Corner(top, _LEFT + _SIDE / 2, _TOP, _LEFT + _SIDE / 2 + 24, _TOP - 6),
    ]


def _place(shares: dict[str, float], corners: Sequence[Corner]) -> tuple[float, float]:
    x = sum(shares.get(corner.thought, 0.0) * corner.x for corner in corners)
    y = sum(shares.get(corner.thought, 0.0) * corner.y for corner in corners)
    return round(x, 1), round(y, 1)


def _cells(dots: Sequence[Dot]) -> list[tuple[str, float]]:
    """The smallest triangles between neighbouring dots, with the mean strength of their three."""
    distances = [math.dist((a.x, a.y), (b.x, b.y)) for a, b in combinations(dots, 2)]
    step = min(distances, default=0.0) * 1.02
    cells = []
    for three in combinations(dots, 3):
        if all(math.dist((a.x, a.y), (b.x, b.y)) <= step for a, b in combinations(three, 2)):
            cells.append((" ".join(f"{dot.x},{dot.y}" for dot in three), sum(dot.strength for dot in three) / 3))
    return cells
