"""Adaptive draws: how many completions the next request for a problem should ask for, until enough are right.

    policy(most=8, needed=1, belief=Belief(right=2.1, wrong=0.7), costs=Costs(request=1.7, completion=1.0))[0, 0]  -> 1

A request for ``n`` draws pays its prompt once and ``n`` completions, whatever comes of them. Few draws a request
pay the prompt again and again, many pay for completions that nobody needed. How right a problem's draws are is taken
as beta distributed over the problems, its draws as independent given that (beta-binomial). Nothing is asked here.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Means by logit and concentrations by octaves; (0, 2) is the uniform distribution, where the belief starts.
_LOGITS = np.linspace(-4.5, 4.5, 91)
_CONCENTRATIONS = 2.0 ** np.linspace(-3, 6, 37)


@dataclass(frozen=True)
class Costs:
    """Of a request whatever it asks for, and of each completion, in one unit: dollars, or tokens by their weight."""

    request: float
    completion: float


@dataclass(frozen=True)
class Belief:
    """The beta distribution of the share of right draws over problems; (1, 1), uniform, knows nothing."""

    right: float = 1.0
    wrong: float = 1.0


def fitted(counts: Iterable[tuple[int, int]]) -> Belief:
    """The most likely belief after what was seen, (right, drawn) for each problem, shrunk towards uniform.

    By posterior mode, not by moments: drawing stops once enough are right, which biases the moments of right/drawn
    and leaves the likelihood as it is. Prior: Beta(2, 2) on the mean, log2 of the concentration normal (1, 1.5).
    """
    seen = Counter(counts)
    longest = max((drawn for _, drawn in seen), default=0)
    mean = 1 / (1 + np.exp(-_LOGITS))[:, None, None]
    concentration = _CONCENTRATIONS[None, :, None]
    likely = np.log(mean * (1 - mean))[..., 0] - (np.log2(concentration[..., 0]) - 1) ** 2 / (2 * 1.5**2)
    right, wrong, both = (  # log of a(a+1)...(a+n-1) for each n
        np.concatenate([np.zeros((*start.shape[:2], 1)), np.log(start + np.arange(longest)).cumsum(-1)], axis=-1)
        for start in (mean * concentration, (1 - mean) * concentration, np.ones_like(mean) * concentration)
    )
    for (hits, drawn), problems in seen.items():
        likely += problems * (right[..., hits] + wrong[..., drawn - hits] - both[..., drawn])
    row, column = np.unravel_index(likely.argmax(), likely.shape)
    center, weight = float(mean[row, 0, 0]), float(_CONCENTRATIONS[column])
    return Belief(center * weight, (1 - center) * weight)


def policy(most: int, needed: int, belief: Belief, costs: Costs) -> npt.NDArray[np.int64]:
    """Draws of the next request, (drawn, right) int [most, needed], that cost least until the end is expected to come.

    The end is ``needed`` right draws or ``most`` draws. Exact, by going backwards over what may be drawn and right;
    of equally cheap requests the largest, for fewer rounds. Time grows as (most * needed)².
    """
    left = np.zeros((most + 1, needed + 1))  # expected cost from here to the end
    best = np.zeros((most, needed), dtype=np.int64)
    right = np.arange(needed)
    for drawn in reversed(range(most)):
        reached = np.eye(needed, needed + 1)  # [right now, right after the request]; the last column: enough
        lowest = np.full(needed, np.inf)
        for draws in range(1, most - drawn + 1):
            hit = np.minimum((belief.right + right) / (belief.right + belief.wrong + drawn + draws - 1), 1.0)
            gained = reached[:, :-1] * hit
            reached[:, :-1] -= gained
            reached[:, 1:] += gained
            cost = costs.request + draws * costs.completion + reached @ left[drawn + draws]
            cheap = cost <= lowest * (1 + 1e-9)  # equal but for rounding counts as equal
            best[drawn, cheap] = draws
            lowest = np.minimum(cost, lowest)
        left[drawn, :-1] = lowest
    return best
