"""Shares and differences of shares with score intervals, against published examples, scipy and statsmodels."""

import math

import pytest
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import binomtest, norm

from pipelines.report.intervals import mean_of, paired, share, unpaired, wilson


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


@pytest.mark.parametrize("n", [1, 2, 7, 200, 1319])
def test_share_is_scipys_wilson_interval(n):
    """Every eighth of n, both ends included."""
    for correct in {round(n * eighths / 8) for eighths in range(9)}:
        found, theirs = share(correct, n), binomtest(correct, n).proportion_ci(method="wilson")
        assert (theirs.low, theirs.high) == pytest.approx((found.low, found.high), abs=1e-12)


def test_the_mean_of_right_and_wrong_has_the_interval_of_the_share():
    """Scores of 0 and 1, however many trials each had; both ends included."""
    for correct in (0, 3, 10):
        scores = [1.0] * correct + [0.0] * (10 - correct)
        assert (share(correct, 10).low, share(correct, 10).high) == pytest.approx(mean_of(scores, 1), abs=1e-12)


def test_scores_that_vary_less_count_for_more_problems():
    """Half the scores 0.25, half 0.75: variance 1/16 of a possible 1/4, so 10 problems count as 40."""
    assert wilson(20, 40) == pytest.approx(mean_of([0.25, 0.75] * 5, 4))


def test_scores_count_for_no_more_than_their_trials():
    """All 0.5 has no variance, and ten problems of two trials are not more than twenty."""
    assert wilson(10, 20) == pytest.approx(mean_of([0.5] * 10, 2))


@pytest.mark.parametrize(
    ("a", "b", "low", "high"),
    [
        ((48, 80), (56, 70), 0.05243147, 0.33387265),
        ((3, 10), (9, 10), 0.17052272, 0.80901797),
        ((0, 20), (10, 10), 0.67908604, 1.0),
        ((0, 29), (5, 56), -0.03813715, 0.19256001),
    ],
)
def test_unpaired_difference_is_the_published_one(a, b, low, high):
    """Newcombe (1998), table II, method 10; the digits are statsmodels 0.15's, method "newcomb"."""
    found = unpaired(share(*a), share(*b))
    assert b[0] / b[1] - a[0] / a[1] == found.difference
    assert (low, high) == pytest.approx((found.low, found.high), abs=1e-7)


def tango(only_a, only_b, n):
    """The same interval from its definition: the likelihood maximised numerically, the score's zeros by brentq."""

    def score(true):
        def unlikely(p):
            rest = 1 - 2 * p - true
            terms = ((only_a, p), (only_b, p + true), (n - only_a - only_b, rest))
            return -sum(count * math.log(max(share, 1e-300)) for count, share in terms)

        bounds = (max(0.0, -true), (1 - true) / 2)
        p = minimize_scalar(unlikely, bounds=bounds, method="bounded", options={"xatol": 1e-13}).x
        return (only_b - only_a - n * true) / math.sqrt(n * (2 * p + true - true**2))

    z, difference = norm.ppf(0.975), (only_b - only_a) / n
    low = brentq(lambda true: score(true) - z, -0.9999, difference)
    high = brentq(lambda true: score(true) + z, difference, 0.9999)
    return low, high


@pytest.mark.parametrize(("only_a", "only_b", "n"), [(13, 31, 1319), (9, 5, 50), (14, 3, 54), (4, 4, 20), (2, 1, 5)])
def test_paired_difference_is_the_score_interval(only_a, only_b, n):
    """Tango's closed form agrees with the constrained maximum likelihood that it stands for."""
    found = paired(only_a, only_b, n)
    assert (only_b - only_a) / n == found.difference
    assert tango(only_a, only_b, n) == pytest.approx((found.low, found.high), abs=1e-5)


def test_paired_interval_has_a_width_where_nothing_differs():
    """0 of n differ: z² / (n + z²) on either side, as Wilson's upper end of 0 of n."""
    found = paired(0, 0, 100)
    assert share(0, 100).high == pytest.approx(found.high) == pytest.approx(-found.low)


@pytest.mark.parametrize(("only_a", "only_b", "low", "high"), [(0, 10, 0.4449344, 1.0), (10, 0, -1.0, -0.4449344)])
def test_paired_interval_ends_at_one(only_a, only_b, low, high):
    """All ten differ in one direction: (1 - x) / (1 + x) = z² / 10 gives x = 0.44493."""
    found = paired(only_a, only_b, 10)
    assert (low, high) == pytest.approx((found.low, found.high), abs=1e-7)


def test_a_difference_from_nothing_is_refused():
    """No problems, no difference."""
    with pytest.raises(ValueError, match="not known"):
        paired(0, 0, 0)
    with pytest.raises(ValueError, match="not known"):
        unpaired(share(0, 0), share(1, 2))
