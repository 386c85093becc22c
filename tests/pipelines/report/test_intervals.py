"""Shares with Wilson intervals."""

import pytest

from pipelines.report.intervals import share


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_interval_is_the_published_one(correct, n, low, high):
    """The four worked examples of Newcombe (1998), table I, method 3 (score, no continuity correction)."""
    found = share(correct, n)
    assert (low, high) == (round(found.low, 4), round(found.high, 4))


def test_interval_by_hand():
    """5 of 10: middle 1/2, half width z / (2 sqrt(10 + z²)) = 1.95996 / (2 * 3.72042) = 0.26341."""
    found = share(5, 10)
    assert found.accuracy == 0.5
    assert (0.23659, 0.76341) == (round(found.low, 5), round(found.high, 5))


def test_all_correct_ends_at_one():
    """n of n has an exact upper end and a lower end below it."""
    found = share(20, 20)
    assert found.high == 1.0
    assert round(found.low, 4) == round(1 - 0.1611, 4)


def test_share_of_nothing_claims_nothing():
    """0 of 0 has no accuracy, and everything is possible."""
    found = share(0, 0)
    assert (None, 0.0, 1.0) == (found.accuracy, found.low, found.high)


def test_impossible_share_is_refused():
    """More correct than there are is an error of the caller."""
    with pytest.raises(ValueError, match="3 of 2"):
        share(3, 2)
