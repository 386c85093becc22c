"""Which problems are held out for dev: whole groups of near questions, so that dev asks nothing that training asks.

    held_out(["d/1", "d/2", "d/3"], near=[[], [0], []], seed=0, dev_fraction=0.5)   -> frozenset({"d/3"})

A group is a question, those near it, those near them, and so on (``pipelines.mixture.overlap``); it goes where a
pseudo-random number of its first problem's id says. A group that is larger than dev is to be trains. Which problems
are proven, and what a recipe keeps, changes nothing, so that mixtures of the same problems have the same dev.
"""

from collections.abc import Sequence

from pipelines.mixture.example import in_dev


def held_out(ids: Sequence[str], near: Sequence[Sequence[int]], seed: int, dev_fraction: float) -> frozenset[str]:
    """The ids of the problems that are held out. ``near[i]`` lists the problems before i that i is near."""
    groups: dict[int, list[str]] = {}
    for name, group in zip(ids, _groups(near), strict=True):
        groups.setdefault(group, []).append(name)
    most = max(1.0, dev_fraction * len(ids))
    return frozenset(
        name
        for group in groups.values()
        if len(group) <= most and in_dev(seed, min(group), dev_fraction)
        for name in group
    )


def _groups(near: Sequence[Sequence[int]]) -> list[int]:
    """For each problem the number of the first of its group."""
    first = list(range(len(near)))

    def root(number: int) -> int:
        while first[number] != number:
            first[number] = first[first[number]]
            number = first[number]
        return number

    for number, earlier in enumerate(near):
        for other in earlier:
            a, b = sorted((root(number), root(other)))
            first[b] = a
    return [root(number) for number in range(len(near))]
