"""A mean over seeds with its uncertainty: ``over_seeds([0.71, 0.74, 0.69])`` is 0.713 with 0.651 to 0.776.

The interval is Student's (1908, *The probable error of a mean*), 95 %: it says how far another set of seeds would land,
for whatever the seeds change (weights, order, and with generated problems the problems too). One seed has no interval.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

_T_95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131)
"""Quantiles of 0.975 for 1, 2, ... degrees of freedom (Student's own table)."""


@dataclass(frozen=True)
class Mean:
    """The mean of ``n`` seeds; ``low`` and ``high`` are None where one seed says nothing of its spread."""

    n: int
    mean: float
    low: float | None
    high: float | None


def over_seeds(values: Sequence[float]) -> Mean:
    """The mean with its 95 % interval; at least one value."""
    mean = fmean(values)
    if len(values) < 2:
        return Mean(len(values), mean, None, None)
    half = t_95(len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return Mean(len(values), mean, mean - half, mean + half)


def t_95(freedom: int) -> float:
    """The two-sided 95 % quantile of Student's t; beyond 15 degrees of freedom within 0.002."""
    if freedom <= len(_T_95):
        return _T_95[freedom - 1]
    z = 1.959964
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
