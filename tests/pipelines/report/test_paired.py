"""Paired tests, against scipy and statsmodels."""

import pytest
from scipy.stats import binomtest

from pipelines.report.paired import holm, mcnemar, pair


def test_pair_counts_who_solves_what():
    """Both, one alone, neither; b less a."""
    found = pair([True, True, True, False, False], [True, False, False, True, False])
    assert (5, 1, 2, 1, 1) == (found.n, found.both, found.only_a, found.only_b, found.neither)
    assert (-0.2, 1.0) == (found.difference, found.p)
    assert found.low < -0.2 < found.high


@pytest.mark.parametrize(
    ("only_a", "only_b", "p"),
    [
        (13, 31, 0.009559878856634896),
        (0, 5, 0.0625),
        (4, 4, 1.0),
        (1, 0, 1.0),
        (0, 0, 1.0),
        (120, 90, 0.045114087864840696),
    ],
)
def test_p_is_mcnemars_exact(only_a, only_b, p):
    """statsmodels 0.15 gives these with ``mcnemar(table, exact=True)``."""
    assert p == pytest.approx(mcnemar(only_a, only_b), rel=1e-12)


def test_p_is_the_binomial_test_of_one_half():
    """scipy's, for every split of up to 40 and one large one."""
    splits = [(k, n - k) for n in range(1, 41) for k in range(n + 1)] + [(5000, 5200)]
    for only_a, only_b in splits:
        assert binomtest(only_a, only_a + only_b).pvalue == pytest.approx(mcnemar(only_a, only_b), rel=1e-9)


def test_holm_by_hand():
    """Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1, none below the one before; statsmodels says the same."""
    assert [0.03, 0.06, 0.06, 0.02] == holm([0.01, 0.04, 0.03, 0.005])


def test_holm_stays_within_one():
    """A probability."""
    assert [1.0, 1.0] == holm([0.9, 0.8])
    assert [] == holm([])


def test_pairs_of_different_lengths_are_refused():
    """They cannot be the same problems."""
    with pytest.raises(ValueError, match="shorter"):
        pair([True, True], [True])
