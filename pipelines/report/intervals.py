"""A share with its uncertainty: ``share(152, 200)`` is 0.76 with the 95 % interval 0.696 to 0.814.

The interval is Wilson's (1927, *Probable inference, the law of succession, and statistical inference*): it stays within
0 and 1 and is honest at 0 of n and n of n, where the normal approximation has no width. It is about the sampling of
problems only, not about seeds, teachers or prompts.
"""

import math
from dataclasses import dataclass

Z_95 = 1.959963984540054  # normal quantile of 0.975


@dataclass(frozen=True)
class Share:
    """``correct`` of ``n``; ``accuracy``, ``low`` and ``high`` are fractions. Of nothing, everything is possible."""

    n: int
    correct: int
    accuracy: float | None
    low: float
    high: float


def share(correct: int, n: int) -> Share:
    """``correct`` of ``n`` with its 95 % Wilson interval."""
    if not 0 <= correct <= n:
        raise ValueError(f"{correct} of {n} is not a share")
    if n == 0:
        return Share(0, 0, None, 0.0, 1.0)
    p, z2 = correct / n, Z_95**2
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_95 * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    low = 0.0 if correct == 0 else middle - half  # exact at the ends, where rounding would leave 1e-18
    high = 1.0 if correct == n else middle + half
    return Share(n, correct, p, low, high)
