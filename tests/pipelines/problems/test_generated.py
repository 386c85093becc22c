"""The generator's interface: which rows come out, in which split, and what is refused."""

import hashlib
import itertools
import json
import re
from dataclasses import asdict, replace
from random import Random

import pytest

from pipelines.errors import ConfigError
from pipelines.problems.generated import FAMILIES, family_names, generate
from pipelines.problems.schema import Problem


def _rows(count=120, *, split="train", families="all", seed=0) -> list[Problem]:
    return list(generate(name="words", split=split, count=count, families=families, seed=seed))


def _normalised(problem: Problem) -> str:
    return " ".join(problem.question.casefold().split())


def test_a_family_is_trained_on_or_held_out_never_both():
    """The wide pool holds the known one, the wide held-out pool the held-out one, and together they are all."""
    known, wide, held_out, wide_held_out = map(set, map(family_names, ("known", "wide", "held_out", "wide_held_out")))
    assert known < wide and held_out < wide_held_out
    assert not wide & wide_held_out
    assert set(FAMILIES) == wide | wide_held_out == set(family_names("all"))


def test_no_number_is_larger_than_asked_for():
    """Neither in the question nor in the solution; families whose numbers are never so small are refused."""
    families = ["in_all", "left_over", "two_purchases"]
    problems = list(generate(name="small", split="train", count=60, families=families, seed=0, largest=40))
    numbers = [float(n) for one in problems for n in re.findall(r"\d+(?:\.\d+)?", f"{one.question} {one.rationale}")]
    assert 60 == len(problems) and max(numbers) <= 40
    with pytest.raises(ConfigError, match=r"'more_than' has no further question .* raise largest"):
        list(generate(name="small", split="train", count=1, families=["more_than"], seed=0, largest=10))


def test_there_are_enough_families_of_every_kind():
    """How many each pool has, and that unknowns and several steps are among them."""
    pools = {pool: family_names(pool) for pool in ("known", "held_out", "wide", "wide_held_out", "all")}
    assert {pool: len(names) for pool, names in pools.items()} == {
        "known": 20,
        "held_out": 4,
        "wide": 47,
        "wide_held_out": 8,
        "all": 55,
    }
    assert sum(FAMILIES[name].unknown for name in pools["known"]) >= 4
    assert sum(FAMILIES[name].unknown for name in pools["wide"]) >= 10
    assert sum(FAMILIES[name].unknown for name in pools["wide_held_out"]) >= 3
    assert sum(FAMILIES[name].steps >= 2 for name in pools["wide"]) >= 30


@pytest.mark.parametrize(
    ("families", "split", "count", "expected"),
    [
        ("known", "train", 3000, "d70e9e496900174a"),
        ("known", "test", 320, "f9bb1178b8568e90"),
        ("held_out", "test", 120, "e207a5fac087252b"),
    ],
)
def test_the_quickstart_keeps_its_problems(families, split, count, expected):
    """New families join the wide pools; the rows behind the published figures stay byte for byte."""
    rows = [asdict(problem) for problem in _rows(count, split=split, families=families)]
    assert expected == hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


def test_a_list_of_families_is_put_in_order_and_counted_once():
    """The order in which a user names families changes no row."""
    assert family_names(["ages", "in_all", "ages"]) == ["in_all", "ages"]


@pytest.mark.parametrize(("wrong", "nearest"), [("age", "ages"), ("per_boxes", "per_box"), ("Saving", "saving")])
def test_an_unknown_family_is_refused_with_the_nearest_name(wrong, nearest):
    """The message has one line and says which name was probably meant."""
    with pytest.raises(ConfigError, match=f"{wrong!r}.*{nearest!r}") as error:
        family_names([wrong])
    assert "\n" not in str(error.value)


def test_an_empty_list_of_families_is_refused():
    """No family, no problems: said before anything starts."""
    with pytest.raises(ConfigError, match="empty list"):
        family_names([])


def test_a_row_names_its_data_set_split_family_and_number():
    """The identifier is name/split/row; the category is the family."""
    problem = _rows(21, split="dev", families="known")[20]
    assert (problem.problem_id, problem.dataset, problem.split) == ("words/dev/20", "words", "dev")
    assert (family_names("known")[0], "number") == (problem.category, problem.answer_kind)


def test_families_take_turns():
    """After n rounds every family has n problems."""
    names = [problem.category for problem in _rows(3 * len(FAMILIES))]
    assert dict.fromkeys(FAMILIES, 3) == {name: names.count(name) for name in FAMILIES}


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_larger_count_only_adds_rows(split):
    """The first rows are the same whatever comes after them."""
    assert _rows(60, split=split) == _rows(150, split=split)[:60]


def test_the_same_call_gives_the_same_problems_and_another_seed_gives_others():
    """Rows are a function of seed, split, families and row number."""
    assert _rows(40, seed=7) == _rows(40, seed=7)
    assert not {p.question for p in _rows(40, seed=7)} & {p.question for p in _rows(40, seed=8)}


def test_questions_of_a_split_are_distinct():
    """A row is redrawn until its question is new."""
    questions = [_normalised(problem) for problem in _rows(1500, families=["equal_groups", "percent_rest"])]
    assert len(questions) == len(set(questions))


def test_no_question_is_in_two_of_train_dev_and_test():
    """Membership is a property of the question, so other seeds and counts cannot leak test problems."""
    questions = {
        split: {_normalised(p) for seed in (0, 1) for p in _rows(400, split=split, families=["ages"], seed=seed)}
        for split in ("train", "dev", "test")
    }
    assert all(not questions[one] & questions[other] for one, other in itertools.combinations(questions, 2))


def test_a_split_that_runs_out_of_questions_says_so(monkeypatch):
    """More rows than there are questions end in one line, not in a loop."""
    tiny = replace(FAMILIES["in_all"], name="tiny", make=lambda _: FAMILIES["in_all"].make(Random(1)))
    monkeypatch.setitem(FAMILIES, "tiny", tiny)
    with pytest.raises(ConfigError, match=r"problems\.count: family 'tiny' has no further question"):
        _rows(500, families=["tiny"])


def test_a_share_of_problems_has_a_sentence_nobody_needs():
    """About a quarter, so that a student learns to leave a number unused."""
    share = sum(_unused(problem) for problem in _rows(1200)) / 1200
    assert 0.15 < share < 0.35


def _unused(problem: Problem) -> bool:
    numbers = re.compile(r"\d+")
    return not set(numbers.findall(problem.question)) <= set(numbers.findall(problem.rationale))


def test_questions_are_short_and_end_by_asking():
    """One question mark, at the end; 10 to 50 words."""
    for problem in _rows(600):
        assert problem.question.endswith("?") and problem.question.count("?") == 1, problem.question
        assert 10 <= len(problem.question.split()) <= 50, problem.question


def test_singular_and_plural_agree_with_their_number():
    """Never "1 pens" or "2 box"; a sentence opens with a capital or a digit."""
    for problem in _rows(1200):
        text = f"{problem.question} {problem.rationale}"
        assert not re.search(r"(?<![\d./])1 [a-z]+s\b", text), text
        assert not re.search(r"\b\d+ (box|hour|day|dollar|pen|friend|year)\b", text), text
        assert not re.search(r"[.?] [a-z]|\ba [aeo]|  ", text), text
