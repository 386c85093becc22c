"""What a sweep found: the best point, mixtures against the best single thought, and the ablation table.

    best(points, "gsm8k")           → the point with the highest dev accuracy; headline accuracy where dev has none
    against_single(points, "gsm8k") → Comparison(single=<PoT>, mixture=<pot 1, eot 1>, difference=Mean(3, 0.02, ...))
    ablation(points)                → [Ablation(title="full size", rows=[("PoT", {...}), ("MD (PoT + CoT)", ...)])]

The best of many points is better in the table than it is: chance helped to choose it. ``against_single`` therefore
also chooses on the dev problems of all seeds but one and measures on the test problems of that one, for each seed in
turn: neither the problems nor the students that are measured chose anything (``benchmarks/choices.py`` simulates it).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.report.over_seeds import Mean, over_seeds
from pipelines.report.sweep_table import HEADLINE, SweepPoint, text
from pipelines.report.tables import Row

MIX_AXES = ("mixture.ratios", "mixture.recipe", "mixture.size", "mixture")


@dataclass(frozen=True)
class Comparison:
    """The best mixture less the best single thought, of students alike in everything else.

    ``difference`` is paired by seed, of the two that are best over all seeds; ``held_out`` of the two that dev says are
    best on the other seeds, measured on each seed in turn (None with fewer than two seeds, or without dev accuracies).
    """

    others: Row
    single: SweepPoint
    mixture: SweepPoint
    difference: Mean
    held_out: Mean | None


@dataclass(frozen=True)
class Ablation:
    """Rows of thought sets at one size and one setting of the other axes: means by data set and selection."""

    title: str
    rows: list[tuple[str, dict[str, dict[str, Mean]], str]]
    columns: list[tuple[str, list[str]]]


def datasets(points: Sequence[SweepPoint]) -> list[str]:
    """The test sets in the order in which the runs name them."""
    return list(dict.fromkeys(name for point in points for name in point.accuracy))


def best(points: Sequence[SweepPoint], dataset: str) -> SweepPoint | None:
    """The best point: by dev accuracy where every point has one, else by the headline on this test set."""
    measured = [point for point in points if HEADLINE in point.accuracy.get(dataset, {})]
    if not measured:
        return None
    if chosen_on_dev(measured):
        return max(measured, key=lambda point: point.score or 0.0)
    return max(measured, key=lambda point: point.accuracy[dataset][HEADLINE].mean)


def chosen_on_dev(points: Sequence[SweepPoint]) -> bool:
    """Whether dev accuracy can choose: every point has it (a dev loss, below 0 as a score, compares no mixtures)."""
    return all(point.score is not None and point.score >= 0 for point in points) and any(p.score for p in points)


def others_of(point: SweepPoint) -> Row:
    """The axes that are no part of the mixture, and the size that shares are counted in."""
    return {name: text(value) for name, value in point.rest(*MIX_AXES).items()} | {"size": point.mix.size}


def against_single(points: Sequence[SweepPoint], dataset: str) -> list[Comparison]:
    """For each setting of the other axes that has mixtures and single thoughts: which wins, and by how much.

    A mixture counts once each of its thoughts was tried alone, so that a sweep that is under way claims nothing.
    """
    found = []
    for group in _grouped(points, dataset):
        seeds = sorted({seed for point in group for seed in point.by_seed[dataset]})
        whole = [point for point in group if set(seeds) == set(point.by_seed[dataset])]
        single = [point for point in whole if len(point.mix.thoughts) == 1 and point.mix.recipe == "etd"]
        alone = {thought for point in single for thought in point.mix.thoughts}
        mixed = [
            point
            for point in whole
            if len(point.mix.thoughts) > 1 and point.mix.recipe != "label" and alone.issuperset(point.mix.thoughts)
        ]
        if not single or not mixed:
            continue
        one, other = _winner(single, dataset, seeds), _winner(mixed, dataset, seeds)
        held_out = None
        if len(seeds) > 1 and chosen_on_dev(whole) and all(set(seeds) <= set(point.scores) for point in whole):
            differences = []
            for seed in seeds:
                rest = [other_seed for other_seed in seeds if other_seed != seed]
                pair = _winner_on_dev(mixed, rest), _winner_on_dev(single, rest)
                differences.append(pair[0].by_seed[dataset][seed] - pair[1].by_seed[dataset][seed])
            held_out = over_seeds(differences)
        difference = over_seeds([other.by_seed[dataset][seed] - one.by_seed[dataset][seed] for seed in seeds])
        found.append(Comparison(others_of(one), one, other, difference, held_out))
    return found


def ablation(points: Sequence[SweepPoint]) -> list[Ablation]:
    """The table that the papers print, at each size and setting; a thought set without even shares is a mean."""
    tables = []
    for name in dict.fromkeys(json.dumps(others_of(point)) for point in points):
        group = [point for point in points if json.dumps(others_of(point)) == name]
        sets = dict.fromkeys(point.mix.name for point in sorted(group, key=lambda p: (len(p.mix.thoughts), p.mix.name)))
        if len(sets) < 2:
            continue
        rows = []
        for thought_set in sets:
            members = [point for point in group if point.mix.name == thought_set]
            even = [point for point in members if point.mix.is_even]
            members = even or members
            note = "" if len(members) == 1 else f"mean of {len(members)} mixtures"
            rows.append((thought_set, _merged(members), note))
        tables.append(Ablation(_title(json.loads(name)), rows, _columns(rows)))
    return tables


def _grouped(points: Sequence[SweepPoint], dataset: str) -> list[list[SweepPoint]]:
    groups: dict[str, list[SweepPoint]] = {}
    for point in points:
        if dataset in point.by_seed:
            groups.setdefault(json.dumps(others_of(point)), []).append(point)
    return list(groups.values())


def _winner(points: Sequence[SweepPoint], dataset: str, seeds: Sequence[int]) -> SweepPoint:
    return max(points, key=lambda point: sum(point.by_seed[dataset][seed] for seed in seeds))


def _winner_on_dev(points: Sequence[SweepPoint], seeds: Sequence[int]) -> SweepPoint:
    return max(points, key=lambda point: sum(point.scores[seed] for seed in seeds))


def _merged(points: Sequence[SweepPoint]) -> dict[str, dict[str, Mean]]:
    """Means over points: of each point's mean; with one point, its own interval."""
    if len(points) == 1:
        return points[0].accuracy
    merged: dict[str, dict[str, Mean]] = {}
    for dataset in datasets(points):
        names = dict.fromkeys(name for point in points for name in point.accuracy.get(dataset, {}))
        for name in names:
            means = [point.accuracy[dataset][name].mean for point in points if name in point.accuracy[dataset]]
            merged.setdefault(dataset, {})[name] = Mean(len(means), sum(means) / len(means), None, None)
    return merged


def _columns(rows: Sequence[tuple[str, dict[str, dict[str, Mean]], str]]) -> list[tuple[str, list[str]]]:
    """Data sets with the selections that any row has: thoughts alone, then the headline."""
    columns: dict[str, list[str]] = {}
    for _, accuracy, _ in rows:
        for dataset, selections in accuracy.items():
            have = columns.setdefault(dataset, [])
            have += [name for name in selections if name not in have]
    order = ["pot", "eot", "cot", "label"]
    return [
        (dataset, [*(name for name in order if name in have), *(n for n in have if n == "majority"), HEADLINE])
        for dataset, have in columns.items()
    ]


def _title(others: Row) -> str:
    size = {"full": "full size", "equal_examples": "equal examples", "equal_tokens": "equal target tokens"}
    words = [f"{name.split('.')[-1]} {value}" for name, value in others.items() if name != "size"]
    return ", ".join([*words, size[others["size"]]])
