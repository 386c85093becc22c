"""Comparisons within a run and between two; counts by hand."""

import pytest

from pipelines.inference.selection import Choice
from pipelines.report.comparison import Side, between, side_by_side, within
from pipelines.report.outcomes import Outcome


def outcome(number, dataset="d", **right):
    """A problem with whether each selection is right; "pot>cot" is written pot_cot."""
    choices = {name.replace("_", ">"): Choice("1", is_right, None) for name, is_right in right.items()}
    return Outcome(f"{dataset}/{number}", dataset, None, None, choices)


def outcomes(**right):
    """Problems from a string per selection: pot="110"."""
    length = len(next(iter(right.values())))
    return [outcome(i, **{name: marks[i] == "1" for name, marks in right.items()}) for i in range(length)]


def side(found, headline="pot>cot", questions=None):
    asked = {o.problem_id: (f"question {o.problem_id}", "1") for o in found} | (questions or {})
    return Side(found, asked, headline, None)


def find(records, a, b):
    (found,) = [record for record in records if (record["a"], record["b"]) == (a, b)]
    return found


def test_headline_is_compared_with_every_other_main_selection():
    """Thoughts, dev's order, adaptive, votes; other orders and the oracle are not main."""
    found = outcomes(pot="1", cot="1", pot_cot="1", cot_pot="1", adaptive="1", majority="1", weighted="1", oracle="1")
    records = within(found, "pot>cot", None)
    assert ["pot", "cot", "adaptive", "majority", "weighted"] == [record["b"] for record in records]
    assert {"pot>cot"} == {record["a"] for record in records}
    assert "cot>pot" in [record["b"] for record in within(found, "pot>cot", "cot>pot")]


def test_confidence_is_also_compared_with_majority_and_devs_order():
    """They are its rivals; a headline that is dev's order is compared once."""
    found = outcomes(pot="1", cot="1", pot_cot="1", cot_pot="1", majority="1", confidence="1")
    other = [(r["a"], r["b"]) for r in within(found, "pot>cot", "cot>pot") if r["a"] != "pot>cot"]
    assert [("majority", "confidence"), ("cot>pot", "confidence")] == other
    same = [(r["a"], r["b"]) for r in within(found, "pot>cot", "pot>cot")]
    assert len(set(same)) == len(same)


def test_counts_and_difference_are_of_b_less_a():
    """Both 1, only the headline 1, only PoT 2, neither 1: 3/5 less 2/5."""
    record = find(within(outcomes(pot_cot="11000", pot="10110"), "pot>cot", None), "pot>cot", "pot")
    assert (1, 1, 2, 1) == tuple(record[name] for name in ("both", "only_a", "only_b", "neither"))
    assert (0.4, 0.6) == (record["accuracy_a"], record["accuracy_b"])
    assert pytest.approx(0.2) == record["difference"]


def test_holm_adjusts_within_a_data_set():
    """One pair per data set: nothing to adjust; p stands beside it."""
    found = [outcome(i, dataset, pot=i > 5, pot_cot=False) for dataset in ("d", "e") for i in range(12)]
    records = within(found, "pot>cot", None)
    assert ["d", "e"] == [record["dataset"] for record in records]
    assert [record["p"] for record in records] == [record["p_holm"] for record in records]


def test_data_sets_stand_side_by_side_with_their_difference_from_the_first():
    """3 of 4 on the first, 1 of 4 on the second: other problems, so an unpaired interval."""
    found = [outcome(i, "known", pot=i > 0) for i in range(4)] + [outcome(i, "other", pot=i > 2) for i in range(4)]
    first, second = side_by_side(found, ["pot", None])
    assert (None, None) == (first["against"], first["difference"])
    assert ("known", -0.5) == (second["against"], second["difference"])
    assert second["difference_low"] < -0.5 < second["difference_high"]


def test_two_runs_are_compared_on_the_problems_they_share():
    """Same id, question and gold; a problem asked otherwise, or in one run alone, is counted apart."""
    a, b = outcomes(pot="1101"), outcomes(pot="011")
    records = between(side(a, "pot"), side(b, "pot", {"d/2": ("another question", "1")}))
    record = find(records, "pot", "pot")
    assert (2, 2, 1) == (record["n"], record["n_only_a"], record["n_only_b"])
    assert (1.0, 0.5, -0.5) == (record["accuracy_a"], record["accuracy_b"], record["difference"])


def test_what_each_side_costs_stands_beside_its_accuracy():
    """A majority over three completions is not the one over one."""
    a, b = ([Outcome("d/0", "d", None, None, {"majority": Choice("1", True, None, count)})] for count in (3, 1))
    record = find(between(side(a, "majority"), side(b, "majority")), "majority", "majority")
    assert (3, 1) == (record["completions_a"], record["completions_b"])


def test_headlines_that_differ_are_compared_with_each_other():
    """As what each run is judged by."""
    a, b = outcomes(pot_cot="10", cot_pot="00"), outcomes(pot_cot="00", cot_pot="11")
    record = find(between(side(a), side(b, "cot>pot")), "pot>cot", "cot>pot")
    assert (0.5, 1.0) == (record["accuracy_a"], record["accuracy_b"])


def test_selections_of_one_run_alone_are_left_out():
    """A student without EoT has none to compare."""
    records = between(side(outcomes(pot="1", eot="1"), "pot"), side(outcomes(pot="1"), "pot"))
    assert [("pot", "pot")] == [(record["a"], record["b"]) for record in records]


def test_data_sets_without_a_shared_problem_are_named():
    """With their counts and no figures."""
    (record,) = between(side([outcome(0, "d", pot=True)]), side([]))
    assert ("d", 0, 1, 0) == tuple(record[name] for name in ("dataset", "n", "n_only_a", "n_only_b"))


def test_a_run_against_itself_differs_in_nothing():
    """p is 1 and the interval holds 0."""
    found = outcomes(pot="1101", cot="0001", pot_cot="1101")
    for record in between(side(found), side(found)):
        assert (0, 0, 0.0, 1.0) == tuple(record[name] for name in ("only_a", "only_b", "difference", "p"))
        assert record["low"] < 0 < record["high"]
