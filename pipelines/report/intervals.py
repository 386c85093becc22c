"""Shares and differences of shares with their uncertainty: ``share(152, 200)`` is 0.76, 95 % interval 0.696 to 0.814.

All intervals are score intervals: Wilson's (1927) for a share, Newcombe's (1998, method 10) for two shares of different
problems, Tango's (1998) for two shares of the same problems. They stay within their bounds and are honest where
nothing or everything is right, where the normal approximation has no width. They are about the sampling of problems
only, not about seeds, teachers or prompts.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Z_95 = 1.959963984540054  # normal quantile of 0.975
_HALVINGS = 60


@dataclass(frozen=True)
class Share:
    """``correct`` of ``n``; ``accuracy``, ``low`` and ``high`` are fractions. Of nothing, everything is possible."""

    n: int
    correct: int
    accuracy: float | None
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """A difference of two fractions with its interval, all between -1 and 1."""

    difference: float
    low: float
    high: float


def share(correct: int, n: int) -> Share:
    """``correct`` of ``n`` with its 95 % Wilson interval."""
    if not 0 <= correct <= n:
        raise ValueError(f"{correct} of {n} is not a share")
    return Share(n, correct, correct / n if n else None, *wilson(correct, n))


def wilson(correct: float, n: float) -> tuple[float, float]:
    """The 95 % score interval of ``correct`` of ``n``, which need not be whole numbers (``mean_of``)."""
    if n == 0:
        return 0.0, 1.0
    p, z2 = correct / n, Z_95**2
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_95 * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    low = 0.0 if correct == 0 else middle - half  # exact at the ends, where rounding would leave 1e-18
    high = 1.0 if correct == n else middle + half
    return low, high


def mean_of(scores: Sequence[float], trials: int) -> tuple[float, float]:
    """The 95 % interval of the mean of problems' scores, each the share of ``trials`` that solve the problem.

    Wilson's at the effective number of problems, n p (1 - p) / variance (Kish, *Survey Sampling*, 1965): n where each
    score is 0 or 1, more where several trials make it less variable, and never more than n x trials.
    """
    n = len(scores)
    p = math.fsum(scores) / n
    variance = math.fsum((score - p) ** 2 for score in scores) / n
    if p in (0, 1):
        return wilson(p * n, n)
    effective = min(n * p * (1 - p) / variance, n * trials) if variance else n * trials
    return wilson(p * effective, effective)


def unpaired(a: Share, b: Share) -> Difference:
    """Accuracy of b less that of a, on different problems: Newcombe's hybrid score interval.

    *Interval estimation for the difference between independent proportions*, Statistics in Medicine 17 (1998), 873-890.
    """
    if a.accuracy is None or b.accuracy is None:
        raise ValueError("the difference from nothing is not known")
    difference = b.accuracy - a.accuracy
    low = difference - math.hypot(b.accuracy - b.low, a.high - a.accuracy)
    high = difference + math.hypot(b.high - b.accuracy, a.accuracy - a.low)
    return Difference(difference, low, high)


def paired(only_a: int, only_b: int, n: int) -> Difference:
    """Accuracy of b less that of a on the same ``n`` problems, of which ``only_a`` and ``only_b`` one alone solves.

    Tango's score interval (*Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design*, Statistics in Medicine 17 (1998), 891-908): the differences that the score test, McNemar's
    at 0, does not reject.
    """
    if n == 0:
        raise ValueError("the difference on no problems is not known")
    difference = (only_b - only_a) / n

    def score(true: float) -> float:
        """The standardised distance between the difference observed and the ``true`` one; falls with ``true``."""
        b = (2 * n - only_b + only_a) * true - only_b - only_a
        c = -only_a * true * (1 - true)
        likeliest = (math.sqrt(max(b * b - 8 * n * c, 0.0)) - b) / (4 * n)  # of a alone being right, given ``true``
        variance = max(n * (2 * likeliest + true * (1 - true)), 0.0)
        distance = only_b - only_a - n * true
        return distance / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, distance)

    low = -1.0 if only_a == n else _root(lambda true: score(true) - Z_95, -1.0, difference)
    high = 1.0 if only_b == n else _root(lambda true: score(true) + Z_95, difference, 1.0)
    return Difference(difference, low, high)


def _root(falling: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling function crosses zero."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2
