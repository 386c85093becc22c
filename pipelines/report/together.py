"""What several thoughts do together: which solve what, how selections compare, what more paths bring.

    overlaps(metrics).lines[0]  →  Overlap(thoughts=("pot",), cells=[(16, 320), (2, 120)])
    pairs(metrics)[0].lines[0]  →  {"a": "confidence", "b": "majority", "only_a": 9, "only_b": 2, "p": 0.065, ...}

Metrics grouped and ordered for reading; where lines and circles go is the work of `curves` and `venn`.
"""

from collections import defaultdict
from dataclasses import dataclass
from statistics import median_low

from pipelines.inference.selection import MAJORITY
from pipelines.report import palette
from pipelines.report.curves import Chart, Series, accuracies
from pipelines.report.metrics import Metrics
from pipelines.report.tables import Row

FAR = 4  # times the median: a difference that would hide all others
LOW = 0.5  # of the majority's least accuracy: a thought alone that would flatten all other curves


@dataclass(frozen=True)
class Overlap:
    """Problems that exactly these thoughts solve: per data set how many, of how many."""

    thoughts: tuple[str, ...]
    cells: list[tuple[int, int]]


@dataclass(frozen=True)
class Overlaps:
    """The areas of a Venn diagram as a table: data sets across, sets of thoughts down."""

    datasets: list[str]
    lines: list[Overlap]


@dataclass(frozen=True)
class Curve:
    """Accuracy against the number of paths of one selection over these thoughts."""

    selection: str
    thoughts: tuple[str, ...]
    records: list[Row]

    def at(self, paths: int) -> Row | None:
        """The record of that many paths, None where there is none."""
        return next((record for record in self.records if record["paths"] == paths), None)


@dataclass(frozen=True)
class PathCurves:
    """One data set's curves: ``drawn`` are those of ``chart``'s lines, ``curves`` all of them, over ``ks`` paths.

    ``below`` are thoughts alone that are so much worse that they would flatten the rest.
    """

    dataset: str
    n: int
    ks: list[int]
    chart: Chart | None
    drawn: list[Curve]
    below: list[Curve]
    curves: list[Curve]


@dataclass(frozen=True)
class Pairs:
    """Paired comparisons of one data set; ``reach`` is the end of their scale, a fraction.

    It is the largest end of an interval, but for lines that lie many times farther out than most: those are pointed at.
    """

    dataset: str
    n: int
    lines: list[Row]
    reach: float


def overlaps(metrics: Metrics) -> Overlaps | None:
    """Which thoughts solve a problem, each alone: one thought only first, then two, all, none."""
    datasets = list(dict.fromkeys(record["dataset"] for record in metrics["solved_by"]))
    solved: dict[tuple[str, ...], dict[str, int]] = {}
    n: dict[str, int] = {}
    for record in metrics["solved_by"]:
        solved.setdefault(tuple(record["thoughts"]), {})[record["dataset"]] = record["problems"]
        n[record["dataset"]] = record["n"]
    if not any(len(solvers) > 1 for solvers in solved):
        return None
    order = sorted(solved, key=lambda solvers: (not solvers, len(solvers), -sum(solved[solvers].values())))
    lines = [Overlap(solvers, [(solved[solvers].get(name, 0), n[name]) for name in datasets]) for solvers in order]
    return Overlaps(datasets, lines)


def path_curves(metrics: Metrics) -> list[PathCurves]:
    """Accuracy against the number of paths (MD, table 3): drawn are all selections over every thought, and each
    thought's majority; the rest is in the table. Data sets with a single number of paths are left out."""
    records = [record for record in metrics.get("paths") or [] if record["n"]]
    found = []
    for dataset in dict.fromkeys(record["dataset"] for record in records):
        mine = [record for record in records if record["dataset"] == dataset]
        ks = sorted({record["paths"] for record in mine})
        if len(ks) < 2:
            continue
        grouped: defaultdict[tuple[str, tuple[str, ...]], list[Row]] = defaultdict(list)
        for record in sorted(mine, key=lambda record: record["paths"]):
            grouped[record["selection"], palette.ordered(set(record["thoughts"]))].append(record)
        curves = [Curve(selection, thoughts, group) for (selection, thoughts), group in grouped.items()]
        curves.sort(key=lambda curve: -len(curve.thoughts))
        most = len(curves[0].thoughts)
        whole = [curve for curve in curves if len(curve.thoughts) == most]
        alone = [curve for curve in curves if len(curve.thoughts) == 1 < most and curve.selection == MAJORITY]
        least = LOW * min((record["accuracy"] for curve in whole for record in curve.records), default=0)
        below = [curve for curve in alone if max(record["accuracy"] for record in curve.records) < least]
        drawn = whole + [curve for curve in alone if curve not in below]
        series = [
            Series(
                curve.selection,
                [[record["paths"], record["accuracy"]] for record in curve.records],
                [[record["paths"], record["low"], record["high"]] for record in curve.records]
                if curve.selection == MAJORITY and len(curve.thoughts) == most
                else [],
            )
            for curve in drawn
        ]
        found.append(
            PathCurves(dataset, max(record["n"] for record in mine), ks, accuracies(series, ks), drawn, below, curves)
        )
    return found


def pairs(metrics: Metrics) -> list[Pairs]:
    """Selections compared problem by problem, per data set."""
    records = metrics.get("paired") or []
    found = []
    for dataset in dict.fromkeys(record["dataset"] for record in records):
        mine = [record for record in records if record["dataset"] == dataset]
        ends = [max(abs(record["low"]), abs(record["high"])) for record in mine]
        reach = max(end for end in ends if end <= FAR * median_low(ends))
        found.append(Pairs(dataset, max(record["n"] for record in mine), mine, reach or 0.01))
    return found
