"""Choosing one answer among judged thoughts; every expectation was worked out by hand."""

import math
from itertools import permutations

import pytest

from pipelines.inference.selection import Choice, Path, majority, select, weight


def path(thought, answer, *, right=False, draw=0, decoding="greedy", logprob=-1.0, status=None, gold=True, tokens=None):
    return Path(
        thought=thought,
        decoding=decoding,
        draw=draw,
        status=status or ("solved" if answer is not None else "no_answer"),
        answer=answer,
        correct=right if gold else None,
        logprob=logprob,
        tokens=tokens,
    )


def same_number(a, b):
    return abs(float(a) - float(b)) < 1e-3


def certain(paths, votes):
    """A model that calls every path right."""
    return [1.0] * len(paths)


def by_draw(*probabilities):
    """A model that gives draw 0, 1, ... these probabilities."""
    return lambda paths, votes: [probabilities[path.draw] for path in paths]


def test_every_thought_and_order_is_selected():
    """Three thoughts give three singles, six orders of two, six of three, adaptive, two votes and the oracle."""
    names = set(select([path("pot", "1"), path("eot", "2"), path("cot", "3")], same_number))
    orders = {">".join(order) for size in (1, 2, 3) for order in permutations(["cot", "eot", "pot"], size)}
    assert orders | {"adaptive", "majority", "weighted", "oracle"} == names


def test_first_solved_thought_of_an_order_answers():
    """PoT failed, so the orders that begin with it go on to the next thought."""
    choices = select([path("pot", None, status="timeout"), path("eot", "2", right=True), path("cot", "3")], same_number)
    assert "2" == choices["pot>eot>cot"].answer
    assert "3" == choices["pot>cot>eot"].answer
    assert Choice(None, False, None) == choices["pot"]


def test_wrong_first_answer_is_not_skipped():
    """An order never looks at correctness."""
    choices = select([path("pot", "1"), path("eot", "2", right=True)], same_number)
    assert ("1", False) == (choices["pot>eot"].answer, choices["pot>eot"].correct)


def test_majority_counts_paths_of_all_thoughts():
    """Two votes of different thoughts beat one, and equal answers need not be equal texts."""
    paths = [path("pot", "8"), path("cot", "8.0", right=True), path("eot", "9", logprob=-0.1)]
    assert same_number("8", select(paths, same_number)["majority"].answer)


def test_mds_vote_has_sampled_paths_only_and_ours_the_greedy_ones_too():
    """Equation 5: of three sampled paths two say 2; with both greedy ones 1 has three votes of five."""
    sampled = [
        path("pot", "2", decoding="sample", right=True),
        path("pot", "2", decoding="sample", draw=1, right=True),
        path("cot", "1", decoding="sample"),
    ]
    choices = select([path("pot", "1"), path("cot", "1"), *sampled], same_number)
    found = {name: (choice.answer, choice.completions) for name, choice in choices.items() if "majority" in name}
    assert {"majority": ("2", 3), "majority_with_greedy": ("1", 5)} == found
    assert "majority_with_greedy" not in select(sampled, same_number)
    assert "majority_with_greedy" not in select([path("pot", "1"), path("cot", "1")], same_number)


def test_tie_goes_to_the_greater_summed_log_probability():
    """Two votes each: -1 - 4 = -5 loses against -2 - 2 = -4, though it has the single best path."""
    paths = [
        path("pot", "1", logprob=-1.0),
        path("pot", "1", logprob=-4.0, decoding="sample"),
        path("cot", "2", logprob=-2.0),
        path("cot", "2", logprob=-2.0, decoding="sample"),
    ]
    assert "2" == select(paths, same_number)["majority_with_greedy"].answer


def test_tie_in_sum_goes_to_the_greatest_path():
    """-1 - 3 = -2 - 2: the answer that holds the most probable path wins."""
    paths = [
        path("cot", "2", logprob=-2.0),
        path("cot", "2", logprob=-2.0, draw=1, decoding="sample"),
        path("pot", "1", logprob=-3.0),
        path("pot", "1", logprob=-1.0, decoding="sample"),
    ]
    choice = select(paths, same_number)["majority"]
    assert ("1", paths[3]) == (choice.answer, choice.path)


def test_failed_paths_do_not_vote():
    """Two unsolved paths are no majority against one answer."""
    assert "5" == majority([path("pot", None), path("eot", None), path("cot", "5")], same_number).answer


def test_all_failed_is_wrong_everywhere():
    """Nothing solved: every selection has no answer and counts as wrong."""
    choices = select([path("pot", None), path("cot", None)], same_number, certain)
    written = {"pot": 1, "cot": 1}
    assert {name: Choice(None, False, None, written.get(name, 2)) for name in choices} == choices


def test_without_gold_nothing_is_right_or_wrong():
    """Correctness stays unknown where the problem has no gold answer."""
    choices = select([path("pot", "4", gold=False), path("cot", None, gold=False)], same_number)
    assert {None} == {choice.correct for choice in choices.values()}
    assert None is choices["oracle"].answer


def test_oracle_finds_a_correct_sampled_path():
    """The oracle is right when any path is."""
    right = path("eot", "7", right=True, decoding="sample", draw=3)
    assert Choice("7", True, right, 3) == select([path("eot", "1"), path("pot", "2"), right], same_number)["oracle"]


def test_greedy_path_stands_for_its_thought_in_any_order_of_rows():
    """Samples that come first in the table do not replace the greedy path."""
    paths = [path("pot", "1", decoding="sample"), path("pot", "2", decoding="sample", draw=1), path("pot", "3")]
    assert {"3"} == {select(order, same_number)["pot"].answer for order in permutations(paths)}


def test_first_draw_stands_in_where_nothing_was_greedy():
    """With sampled paths only, draw 0 stands for its thought."""
    paths = [path("pot", "2", decoding="sample", draw=1), path("pot", "1", decoding="sample", draw=0)]
    assert "1" == select(paths, same_number)["pot"].answer


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_majority_does_not_depend_on_the_order_of_rows(order):
    """Parallel decoding returns rows in any order."""
    paths = [path("cot", "1"), path("pot", "2"), path("eot", "3"), path("eot", "1", draw=1, decoding="sample")]
    assert "1" == select([paths[i] for i in order], same_number)["majority"].answer


def test_equation_5_on_ten_paths():
    """MD's setting in small: 5 CoT and 5 PoT paths, votes 4:3:2, one failure."""
    given = [("cot", a) for a in ("6", "6", "5", "7", None)] + [("pot", a) for a in ("6", "5", "5", "7", "6")]
    paths = [path(t, a, draw=i, decoding="sample", logprob=-math.log(2 + i)) for i, (t, a) in enumerate(given)]
    assert "6" == select(paths, same_number)["majority"].answer


def test_weights_are_geometric_means_of_token_probabilities():
    """Ten tokens of log-probability -2 in all: exp(-0.2); unknown tokens weigh 1, as in a plain majority."""
    assert math.exp(-0.2) == weight(path("pot", "1", logprob=-2.0, tokens=10))
    assert 1.0 == weight(path("pot", "1", logprob=-2.0))


def test_one_sure_path_outweighs_two_unsure_ones():
    """exp(-1/10) = 0.905 for "1" against 2 exp(-9/10) = 0.813 for "2", which has the majority."""
    paths = [
        path("pot", "1", logprob=-1.0, tokens=10),
        path("cot", "2", logprob=-9.0, tokens=10),
        path("eot", "2", logprob=-9.0, tokens=10),
    ]
    choices = select(paths, same_number)
    assert ("2", "1") == (choices["majority"].answer, choices["weighted"].answer)
    assert choices["weighted"].confidence == pytest.approx(0.905 / (0.905 + 0.813), abs=1e-3)


def test_weights_do_not_favour_short_paths():
    """Sequence probabilities would be exp(-2) against exp(-4); per token both are exp(-0.2), and two are more."""
    paths = [
        path("pot", "1", logprob=-2.0, tokens=10),
        path("cot", "2", logprob=-4.0, tokens=20),
        path("cot", "2", logprob=-4.0, tokens=20, draw=1),
    ]
    assert "2" == select(paths, same_number)["weighted"].answer


def test_equal_weights_are_decided_as_a_majority_is():
    """Both weigh exp(-0.5); the greater log-probability is -1 against -2."""
    paths = [path("cot", "2", logprob=-2.0, tokens=4), path("pot", "1", logprob=-1.0, tokens=2)]
    assert "1" == select(paths, same_number)["weighted"].answer


def test_confidence_takes_the_most_probable_path_whatever_the_votes():
    """0.9 for "3" beats 0.6 + 0.5 for "4": agreement is part of a probability, and is not counted twice."""
    paths = [path("pot", "4"), path("pot", "4", draw=1), path("pot", "3", draw=2, right=True)]
    choice = select(paths, same_number, by_draw(0.6, 0.5, 0.9))["confidence"]
    assert Choice("3", True, paths[2], 3, 0.9) == choice


def test_equal_probabilities_go_to_more_votes_then_to_log_probability():
    """All three 0.7: two votes win; one against one, the greater log-probability."""
    paths = [path("pot", "5", logprob=-0.1), path("pot", "6", draw=1), path("pot", "6", draw=2)]
    assert "6" == select(paths, same_number, by_draw(0.7, 0.7, 0.7))["confidence"].answer
    assert "5" == select(paths[:2], same_number, by_draw(0.7, 0.7))["confidence"].answer


def test_confidence_ignores_paths_that_failed():
    """Whatever the model says of them."""
    paths = [path("pot", None), path("pot", "2", draw=1)]
    assert "2" == select(paths, same_number, by_draw(0.99, 0.01))["confidence"].answer


def test_without_a_model_there_is_no_confidence_selection():
    """Nothing is made up where dev predictions are missing."""
    assert "confidence" not in select([path("pot", "1")], same_number)


def test_adaptive_writes_cot_only_where_pot_fails():
    """MD with N = 2: one completion where the program runs, right or wrong, else two."""
    runs = select([path("pot", "1"), path("cot", "2", right=True)], same_number)["adaptive"]
    fails = select([path("pot", None), path("cot", "2", right=True)], same_number)["adaptive"]
    assert [("1", False, 1), ("2", True, 2)] == [(c.answer, c.correct, c.completions) for c in (runs, fails)]


def test_adaptive_needs_both_thoughts():
    """A student without CoT has no such selection."""
    assert "adaptive" not in select([path("pot", "1"), path("eot", "1")], same_number)


def test_completions_are_what_a_choice_has_to_wait_for():
    """An order stops at the first success; votes need every path."""
    paths = [path("pot", None), path("eot", "1"), path("cot", "1"), path("cot", "1", decoding="sample")]
    choices = select(paths, same_number)
    named = ("pot", "pot>eot>cot", "eot>pot", "majority", "majority_with_greedy", "weighted", "oracle")
    assert [1, 2, 1, 1, 4, 4, 4] == [choices[name].completions for name in named]


def test_majority_states_its_share_of_all_paths():
    """Two of four paths agree; the failed one is no agreement."""
    paths = [path("pot", "1"), path("pot", "1", draw=1), path("eot", "2"), path("cot", None)]
    assert 0.5 == select(paths, same_number)["majority"].confidence
