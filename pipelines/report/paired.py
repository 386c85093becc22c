"""Two ways of answering, on the same problems: who solves what the other does not, and whether that is more than luck.

    pair([True, True, False], [True, False, False])
    -> Pair(n=3, both=1, only_a=1, only_b=0, neither=1, difference=-0.333, low=..., high=..., p=1.0)

``difference`` is b's accuracy less a's, with Tango's interval; ``p`` is McNemar's test, exact: of the problems that
one alone solves, how probable is a split at least as uneven as this one if either were equally likely.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from pipelines.report.intervals import paired


@dataclass(frozen=True)
class Pair:
    """Counts of problems that both, one alone or neither solves, and the comparison."""

    n: int
    both: int
    only_a: int
    only_b: int
    neither: int
    difference: float
    low: float
    high: float
    p: float


def pair(a: Sequence[bool], b: Sequence[bool]) -> Pair:
    """``a`` and ``b``: whether each problem is solved, the same problems in the same order."""
    both = sum(x and y for x, y in zip(a, b, strict=True))
    only_a, only_b = sum(a) - both, sum(b) - both
    found = paired(only_a, only_b, len(a))
    neither = len(a) - both - only_a - only_b
    return Pair(len(a), both, only_a, only_b, neither, found.difference, found.low, found.high, mcnemar(only_a, only_b))


def mcnemar(only_a: int, only_b: int) -> float:
    """The exact two-sided p-value: the binomial test of the discordant problems against one half.

    McNemar, Psychometrika 12 (1947); 1 where the two never differ.
    """
    n, less = only_a + only_b, min(only_a, only_b)
    term = tail = 1
    for k in range(1, less + 1):
        term = term * (n - k + 1) // k
        tail += term
    return min(1.0, float(Fraction(2 * tail, 2**n)))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values adjusted for having looked at all of them (Holm, Scandinavian Journal of Statistics 6, 1979).

    Rejecting those below 0.05 errs at all in at most 5 % of such families, however the tests depend on each other.
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [1.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted
