"""Decontamination: planted questions are found, others are not; near duplicates by brute force."""

import random
from pathlib import Path

import pytest

from pipelines.config import ProblemSource
from pipelines.mixture import Evaluated, NearIndex, first_of_near, words_of
from pipelines.mixture.overlap import different
from pipelines.problems import load

LONG = (
    "A farmer has 12 cows and buys 5 more cows at the big spring market in town. He sells 3 of them to a neighbour "
    "in May. How many cows does the farmer have now?"
)
SHORT = "Mia has 7 pens and loses 2. How many are left?"
TINY = "What is 15% of 80?"
EVALUATION = [("e/0", LONG), ("e/1", SHORT), ("e/2", TINY)]


def found(question: str, ngram: int | None = 13) -> list[tuple[str, str]]:
    return [(hit.evaluation_problem_id, hit.kind) for hit in Evaluated(EVALUATION, ngram).hits(question)]


@pytest.mark.parametrize(
    ("planted", "expected"),
    [
        (LONG.upper().replace(".", " !"), [("e/0", "same")]),
        (LONG.replace("in May", "today and smiles, because the day was long"), [("e/0", "ngram")]),
        ("Listen: " + LONG.replace("How many", "Say how many"), [("e/0", "ngram")]),
        # no run of 13 words is left, but three words in thirty-three are others
        (LONG.replace("12", "14").replace("spring", "summer").replace("neighbour", "friend"), [("e/0", "near")]),
        (SHORT.replace("7", "9"), [("e/1", "near")]),
        (SHORT.replace("Mia", "Ben"), [("e/1", "near")]),
        (TINY.replace("80", "60"), [("e/2", "near")]),
    ],
)
def test_a_planted_test_question_is_found(planted: str, expected: list[tuple[str, str]]) -> None:
    """As it is, within a longer text, or lightly edited; long, short and tiny."""
    assert expected == found(planted)


@pytest.mark.parametrize(
    "other",
    [
        "A farmer has 40 hens and buys 9 geese. How many birds does she own?",
        "Ben has 9 caps and finds 2. How many are left?",  # three words of ten
        "How many cows does the farmer have now?",  # part of a long question is shorter than 13 words
        TINY.replace("15%", "15 -").replace("80", "9"),
    ],
)
def test_another_question_is_no_hit(other: str) -> None:
    """The same kind of question is not the same question."""
    assert [] == found(other)


def test_operators_are_words() -> None:
    """3 + 4 is not 3 - 4, and a hyphen within a word is no minus."""
    assert words_of("What is 3 + 4?") != words_of("What is 3 - 4?")
    assert words_of("a five-year plan") == words_of("a five year plan")
    assert words_of("1,250 pens") == words_of("1250 pens")


def test_without_a_length_only_the_same_question_is_found() -> None:
    """``decontaminate: null``."""
    assert [("e/0", "same")] == found(LONG.lower(), None)
    assert [] == found(LONG + " Say it.", None)


def test_a_hit_says_what_is_shared() -> None:
    """The first run of words, and how many words differ."""
    (hit,) = Evaluated(EVALUATION, 13).hits(LONG.replace("in May", "today"))
    assert ("a farmer has 12 cows and buys 5 more cows at the big", 2) == (hit.shared, hit.different)


def test_scripts_without_spaces_are_compared_too() -> None:
    """By characters, so that two questions are not the same for having no Latin word."""
    questions = ["小明有5个苹果，又买了3个。他现在有几个苹果？", "一列火车每小时行80公里，4小时行多少公里？"]
    known = Evaluated([("zh/0", questions[0])], 13)
    assert ["same"] == [hit.kind for hit in known.hits(questions[0])]
    assert [] == known.hits(questions[1])


def test_near_questions_are_those_that_comparing_all_pairs_finds() -> None:
    """Looking up rare words only loses none."""
    rng = random.Random(5)
    words = [*"abcdefghij", "3", "4", "5"]
    questions = [tuple(rng.choices(words, k=rng.randint(1, 24))) for _ in range(150)]
    for question in list(questions):  # and their lightly edited copies
        edited = list(question)
        for _ in range(rng.randint(0, 3)):
            edited[rng.randrange(len(edited))] = rng.choice(words)
        questions.append(tuple(edited))

    def is_near(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
        longer = max(len(a), len(b))
        return different(a, b) <= max(longer // 10, 1 if longer >= 4 else 0)

    index = NearIndex(questions)
    expected = [[j for j in range(i) if is_near(questions[i], questions[j])] for i in range(len(questions))]
    assert expected == [index.near(question, before=i) for i, question in enumerate(questions)]
    assert any(expected)


def test_the_first_of_near_questions_stays() -> None:
    """A question is dropped for a kept one only: 2 is near 1, which is itself dropped; 4 is left out anyway."""
    assert [None, 0, None, 0, None, None] == first_of_near([[], [0], [1], [0, 1], [0], [4]], left_out=[4])


def test_gsm8k_is_almost_free_of_overlap(data: Path) -> None:
    """Four of its 7,473 training questions share 13 words with a test question, none is near one."""
    train = load(ProblemSource(source="gsm8k", path=str(data / "gsm8k/train.jsonl")), 0)
    test = load(ProblemSource(source="gsm8k", split="test", path=str(data / "gsm8k/test.jsonl")), 0)
    known = Evaluated([(problem.problem_id, problem.question) for problem in test], 13)
    kinds = [hit.kind for problem in train for hit in known.hits(problem.question)]
    assert {"ngram"} == set(kinds)
    assert 4 == sum(bool(known.hits(problem.question)) for problem in train)
