"""Choosing one answer among judged thoughts; every expectation was worked out by hand."""

import math
from itertools import permutations

import pytest

from pipelines.inference.selection import Choice, Path, majority, select


def path(thought, answer, *, right=False, draw=0, decoding="greedy", logprob=-1.0, status=None, gold=True):
    return Path(
        thought=thought,
        decoding=decoding,
        draw=draw,
        status=status or ("solved" if answer is not None else "no_answer"),
        answer=answer,
        correct=right if gold else None,
        logprob=logprob,
    )


def same_number(a, b):
    return abs(float(a) - float(b)) < 1e-3


def answers(choices):
    return {name: choice.answer for name, choice in choices.items()}


def test_every_thought_and_order_is_selected():
    """Three thoughts give three singles, six orders of two, six of three, majority and oracle."""
    names = set(select([path("pot", "1"), path("eot", "2"), path("cot", "3")], same_number))
    orders = {">".join(order) for size in (1, 2, 3) for order in permutations(["cot", "eot", "pot"], size)}
    assert orders | {"majority", "oracle"} == names


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


def test_majority_counts_greedy_and_sampled_paths_of_all_thoughts():
    """Two votes of different thoughts beat one, and equal answers need not be equal texts."""
    paths = [path("pot", "8"), path("cot", "8.0", decoding="sample", right=True), path("eot", "9", logprob=-0.1)]
    assert same_number("8", select(paths, same_number)["majority"].answer)


def test_tie_goes_to_the_greater_summed_log_probability():
    """Two votes each: -1 - 4 = -5 loses against -2 - 2 = -4, though it has the single best path."""
    paths = [
        path("pot", "1", logprob=-1.0),
        path("pot", "1", logprob=-4.0, decoding="sample"),
        path("cot", "2", logprob=-2.0),
        path("cot", "2", logprob=-2.0, decoding="sample"),
    ]
    assert "2" == select(paths, same_number)["majority"].answer


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
    choices = select([path("pot", None), path("cot", None)], same_number)
    assert {Choice(None, False, None)} == set(choices.values())


def test_without_gold_nothing_is_right_or_wrong():
    """Correctness stays unknown where the problem has no gold answer."""
    choices = select([path("pot", "4", gold=False), path("cot", None, gold=False)], same_number)
    assert {None} == {choice.correct for choice in choices.values()}
    assert None is choices["oracle"].answer


def test_oracle_finds_a_correct_sampled_path():
    """The oracle is right when any path is."""
    right = path("eot", "7", right=True, decoding="sample", draw=3)
    assert Choice("7", True, right) == select([path("eot", "1"), path("pot", "2"), right], same_number)["oracle"]


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
