"""The policy of adaptive draws against brute force, and at its limits."""

import math
import random
from functools import cache

import pytest

from pipelines.teacher import Belief, Costs, fitted, policy

SURE = Belief(1e6, 1e-3)


def chance(hits: int, draws: int, belief: Belief) -> float:
    """The beta-binomial distribution, by its formula."""

    def beta(a: float, b: float) -> float:
        return math.gamma(a) * math.gamma(b) / math.gamma(a + b)

    return (
        math.comb(draws, hits) * beta(belief.right + hits, belief.wrong + draws - hits) / beta(*vars(belief).values())
    )


def cheapest(most: int, needed: int, belief: Belief, costs: Costs, drawn: int, right: int) -> dict[int, float]:
    """Expected cost to the end for each size of the next request, by plain recursion."""

    @cache
    def cost(drawn: int, right: int) -> float:
        return 0.0 if drawn == most or right >= needed else min(by_size(drawn, right).values())

    def by_size(drawn: int, right: int) -> dict[int, float]:
        now = Belief(belief.right + right, belief.wrong + drawn - right)
        return {
            draws: costs.request
            + draws * costs.completion
            + sum(chance(hits, draws, now) * cost(drawn + draws, right + hits) for hits in range(draws + 1))
            for draws in range(1, most - drawn + 1)
        }

    return by_size(drawn, right)


@pytest.mark.parametrize("ratio", [0.1, 0.7, 2.0, 6.0])
@pytest.mark.parametrize("belief", [Belief(), Belief(0.5, 2.0), Belief(6.0, 1.5), Belief(0.3, 0.2)])
@pytest.mark.parametrize(("most", "needed"), [(4, 1), (5, 2), (6, 3)])
def test_the_policy_is_the_cheapest_by_brute_force(most: int, needed: int, belief: Belief, ratio: float) -> None:
    """In every state that can be reached."""
    costs = Costs(ratio, 1.0)
    best = policy(most, needed, belief, costs)
    for drawn in range(most):
        for right in range(min(drawn + 1, needed)):
            by_size = cheapest(most, needed, belief, costs, drawn, right)
            assert pytest.approx(min(by_size.values()), rel=1e-9) == by_size[int(best[drawn, right])]


def test_where_every_draw_is_right_just_what_is_needed_is_asked() -> None:
    """One request, no draw too many."""
    assert 3 == policy(8, 3, SURE, Costs(1.0, 1.0))[0, 0]


def test_where_completions_cost_next_to_nothing_all_are_asked_at_once() -> None:
    """A second prompt would cost more."""
    assert 8 == policy(8, 1, Belief(), Costs(1000.0, 1.0))[0, 0]


def test_where_prompts_cost_next_to_nothing_no_completion_is_risked() -> None:
    """One at a time; and together those that will be needed in any case."""
    assert [1, 1, 1] == [policy(8, 1, Belief(), Costs(0.001, 1.0))[drawn, 0] for drawn in range(3)]
    assert 3 == policy(8, 3, Belief(), Costs(0.0, 1.0))[0, 0]


def test_where_nothing_is_ever_right_all_are_asked_at_once() -> None:
    """Stopping early will not happen, so that every further prompt is wasted."""
    assert 8 == policy(8, 1, Belief(1e-3, 1e6), Costs(1.0, 1.0))[0, 0]


def test_nothing_seen_leaves_the_belief_uniform() -> None:
    """And a few problems move it only a little."""
    assert Belief(1.0, 1.0) == fitted([])
    few = fitted([(2, 2)] * 2)
    assert 0.5 < few.right / (few.right + few.wrong) < 0.85


@pytest.mark.parametrize(("right", "wrong"), [(0.6, 1.4), (4.0, 1.0), (0.5, 0.5)])
def test_the_fit_finds_the_distribution_though_drawing_stopped_at_the_first_right_draw(
    right: float, wrong: float
) -> None:
    """2,000 problems, at most 8 draws each, one at a time: mean within 0.03, spread within 0.05."""
    dice = random.Random(0)
    counts = []
    for _ in range(2000):
        share = dice.betavariate(right, wrong)
        drawn = hits = 0
        while drawn < 8 and not hits:
            drawn += 1
            hits += dice.random() < share
        counts.append((hits, drawn))
    found, true = fitted(counts), Belief(right, wrong)

    def mean(belief: Belief) -> float:
        return belief.right / (belief.right + belief.wrong)

    def spread(belief: Belief) -> float:
        return math.sqrt(mean(belief) * (1 - mean(belief)) / (belief.right + belief.wrong + 1))

    assert pytest.approx(mean(true), abs=0.03) == mean(found)
    assert pytest.approx(spread(true), abs=0.05) == spread(found)
