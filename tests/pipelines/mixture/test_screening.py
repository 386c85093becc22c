"""What is worth a request."""

import pytest

from pipelines.config import MixtureConfig
from pipelines.errors import DataError
from pipelines.mixture import Screened, screen
from pipelines.problems import Problem

LONG = "a farmer sells three crates of plums at the market every day of the week how many crates"


def problem(number, question):
    return Problem(
        problem_id=f"x/{number}",
        question=question,
        answer="1",
        answer_kind="number",
        rationale=None,
        dataset="x",
        split="x",
    )


def many(*questions, count=12):
    """The questions, and others that are like nothing."""
    others = [f"What is {n} plus {n * n}, as {n % 7} {'abcdefghijklm'[n]}s say?" for n in range(count)]
    return [problem(number, question) for number, question in enumerate([*questions, *others])]


def test_problems_of_the_evaluation_are_left_out_with_the_closest_reason():
    """The same question, thirteen words in common, a word in ten different."""
    problems = many(
        "How many pens, Ann?", f"{LONG} does he sell in all", "One two three four five six seven eight nine ten?"
    )
    evaluated = [
        ("t/0", "how many PENS ann"),
        ("t/1", f"On Sunday {LONG} of plums are left"),
        ("t/2", "One two three four five six seven eight nine eleven?"),
    ]
    screened = screen(problems, evaluated, MixtureConfig(dev_fraction=0), seed=0, draws=4)
    assert {"x/0": ("same", "t/0"), "x/1": ("ngram", "t/1"), "x/2": ("near", "t/2")} == {
        name: (why.kind, why.other_id) for name, why in screened.left_out.items()
    }
    assert [0, 0, 0, 4] == [screened.draws(f"x/{number}", 4) for number in range(4)]
    assert (
        "1 with the same question as an evaluation problem (x/0 and t/0); "
        "1 sharing 13 words in a row with an evaluation question (x/1 and t/1); "
        "1 with at most one word in ten different from an evaluation question (x/2 and t/2)"
    ) == screened.reasons(13)


def test_without_decontamination_only_the_same_question_is_left_out():
    """As the papers' protocols have it."""
    problems = many("How many pens, Ann?", f"{LONG} does he sell in all")
    evaluated = [("t/0", "How many pens, Ann?"), ("t/1", f"On Sunday {LONG} of plums are left")]
    config = MixtureConfig(decontaminate=None, dev_fraction=0)
    assert ["x/0"] == list(screen(problems, evaluated, config, seed=0, draws=4).left_out)


def test_dev_problems_are_worth_one_draw():
    """They do not train, and no more than the dev rows are made of them."""
    problems = many(count=12)
    screened = screen(problems, [], MixtureConfig(dev_fraction=0.4), seed=0, draws=4)
    assert 0 < len(screened.dev) < len(problems)
    assert {1} == {screened.draws(name, 4) for name in screened.dev}
    assert {1} == {screened.draws(name, 1) for name in screened.dev}


def test_repeats_are_left_out_where_the_mixture_drops_them():
    """The first of near questions stays; by default all stay."""
    one, two = "Tom has 1 2 3 4 5 6 7 8 9 pears", "Tom has 1 2 3 4 5 6 7 8 9 plums"
    kept = screen(many(one, two), [], MixtureConfig(dev_fraction=0), seed=0, draws=4)
    dropped = screen(many(one, two), [], MixtureConfig(dev_fraction=0, near_duplicates="drop"), seed=0, draws=4)
    assert {} == kept.left_out
    assert {"x/1": ("repeat", "x/0")} == {n: (why.kind, why.other_id) for n, why in dropped.left_out.items()}


@pytest.mark.parametrize(("overlap", "refused"), [(12, True), (7, True), (6, False)])
def test_more_than_half_in_the_evaluation_is_refused(overlap, refused):
    """Train and test are probably the same data: said before a teacher is asked."""
    problems = many(count=12)
    evaluated = [(f"t/{n}", problems[n].question) for n in range(overlap)]
    config = MixtureConfig(dev_fraction=0)
    if not refused:
        assert overlap == len(screen(problems, evaluated, config, seed=0, draws=4).left_out)
        return
    with pytest.raises(
        DataError, match=rf"^problems: {overlap} of 12 would not train, .* \(x/0 and t/0\); expected other"
    ):
        screen(problems, evaluated, config, seed=0, draws=4)


def test_nothing_screened_asks_for_everything():
    """The default of a plan."""
    assert 4 == Screened().draws("x/0", 4)
