"""Flags: what makes a completion suspicious, and what must not."""

import pytest

from pipelines.solvers import Sandbox
from pipelines.solvers.calculations import wrong_calculations
from pipelines.thoughts import THOUGHTS, judge
from pipelines.thoughts.suspicion import suspicions

QUESTION = "Ann has 16 eggs. She eats three of them and sells half of the rest for $2 each. How much does she get?"


@pytest.mark.parametrize(
    ("thought", "completion"),
    [
        ("pot", "eggs = 40 + 50\nans = eggs"),
        ("eot", "eggs = 40 + 50\nans = eggs"),
        ("pot", 'def solution():\n    """Ann has 16 eggs."""\n    return 40 + 50'),
        ("pot", "# Ann has 16 eggs\nans = 40 + 50"),
        ("eot", "% Ann has 16 eggs:\nans = 40 + 50"),
        ("pot", "egg16 = 40 + 50\nans = egg16"),
    ],
)
def test_a_program_without_the_questions_numbers_is_flagged(thought: str, completion: str) -> None:
    """Numbers in names, comments and docstrings do not count."""
    assert ("no_question_numbers",) == suspicions(thought, QUESTION, completion, "90")


@pytest.mark.parametrize(
    ("question", "completion"),
    [
        (QUESTION, "ans = 16 + 50"),
        (QUESTION, "ans = 3 * 50"),  # three
        (QUESTION, "ans = 50 / 2"),
        (QUESTION, "ans = 50 * 0.5"),  # half
        ("She buys a dozen eggs.", "ans = 12 * 50"),
        ("She has twice as many.", "ans = 2 * 50"),
        ("It rises by 20%.", "ans = 50 * 0.2"),
        ("It is 20% off.", "ans = 50 * 0.8"),
        ("It costs $1,200.", "ans = 1200 + 50"),
        ("It costs $1,200.", "ans = 1_200 + 50"),
        ("Three quarters of them", "ans = 0.75 * 50"),
        ("3/4 of them", "ans = 0.75 * 50"),
        ("one hundred and twenty pens", "ans = 120 + 50"),
        ("forty-five pens", "ans = 45 + 50"),
        ("How many are there?", "ans = 40 + 50"),  # no number to use
    ],
)
def test_the_questions_numbers_are_known_in_all_their_forms(question: str, completion: str) -> None:
    """Words, percentages, fractions and separators; a question without numbers raises no flag."""
    assert () == suspicions("pot", question, completion, "1")


def test_without_a_question_nothing_is_said_about_its_numbers() -> None:
    """Foreign problems may have no question."""
    assert () == suspicions("pot", None, "ans = 40 + 50", "90")


@pytest.mark.parametrize(
    ("thought", "completion"),
    [
        ("pot", "ans = 42"),
        ("pot", "eggs = 42\nans = eggs"),
        ("pot", "def solution():\n    result = 42\n    return result"),
        ("pot", "a = 16 - 3\nans = 42  # eggs"),
        ("eot", "ans = 42"),
        ("eot", "eggs = 42\nans = eggs"),
        ("eot", "ans = eggs = 42"),
        ("eot", "ans = 42 eggs"),
    ],
)
def test_a_constant_is_flagged(thought: str, completion: str) -> None:
    """The answer was written down, not calculated."""
    assert "constant" in suspicions(thought, None, completion, "42")


@pytest.mark.parametrize(
    "completion",
    [
        "ans = 40 + 2",
        "eggs = 42\nans = eggs - 0",
        "total = 0\nfor egg in [40, 2]:\n    total += egg\nans = total",
        "eggs = 42\nans = eggs\nans = ans + 1",
        "ans = max(42, 3)",
    ],
)
def test_what_is_calculated_is_no_constant(completion: str) -> None:
    """Loops, further assignments and functions calculate."""
    assert () == suspicions("pot", None, completion, "42")


@pytest.mark.parametrize(
    ("thought", "completion", "answer"),
    [
        ("pot", "ans = 16 - 3  # 12", "13"),
        ("pot", "ans = 16 - 3  # 16 - 3 = 12", "13"),
        ("pot", "# 16 - 3 = 12\nans = 16 - 3", "13"),
        ("pot", "ans = 16 - 3\n# The answer is 12", "13"),
        ("pot", "ans = 16 - 3\n# ans = 12", "13"),
        ("pot", "ans = total - 3  # 20 - 3 = 17", "13"),
        ("pot", "def solution():\n    return 16 - 3  # $12", "13"),
        ("eot", "% 16 - 3 = 12\nans = 16 - 3", "13"),
        ("eot", "ans = 16 - 3  % the answer is 12", "13"),
    ],
)
def test_a_comment_that_contradicts_is_flagged(thought: str, completion: str, answer: str) -> None:
    """It states another answer, or calculates wrongly."""
    assert ("comment_contradicts",) == suspicions(thought, None, completion, answer)


@pytest.mark.parametrize(
    ("thought", "completion", "answer"),
    [
        ("pot", "ans = 16 - 3  # 13", "13"),
        ("pot", "ans = 16 - 3  # 16 - 3 = 13 eggs", "13"),
        ("pot", "# Ann has 16 eggs and eats 3\nans = 16 - 3  # eggs left", "13"),
        ("pot", "ans = 10 / 3  # 3.33", "3.3333333333333335"),
        ("pot", "eggs = 16  # 16 eggs\nans = eggs - 3", "13"),
        ("eot", "% Six boxes and 4 loose pens make 52 pens:\n6 * pens + 4 = 52\nans = pens", "8"),
        ("eot", "% The answer is the number of pens, x:\nx = 16 - 3\nans = x", "13"),
        ("pot", "ans = 'yes' if 16 > 3 else 'no'  # 1", "yes"),
    ],
)
def test_a_comment_that_agrees_is_not_flagged(thought: str, completion: str, answer: str) -> None:
    """Numbers of the question, rounded results and the answer itself contradict nothing."""
    assert () == suspicions(thought, None, completion, answer)


@pytest.mark.parametrize(
    "text",
    [
        "She has 16 - 3 = 12 eggs.",
        "She gets 9 * $2 = $16.",
        "16 - 3 - 4 = 8 eggs, so 8",
        "The total is $40 + $25 + $16 + $7 = $89.",
        "27 books x 23 shelves = 620 books",
        "It is 4 * 2 = 8 and 8 + 1 = 10.",
        "(52 - 4) / 6 = 9",
        "20% of 50 = 11, and 20% * 50 = 11.",
        "100/3 = 33.5",
        "(16 - 3 = 12)",
        r"\(16 - 3 = 12\)",
        "16 − 3 = 12",
    ],
)
def test_wrong_arithmetic_is_found(text: str) -> None:
    """Currency, units, percentages, brackets and LaTeX do not hide it."""
    assert ("wrong_arithmetic",) == suspicions("cot", None, text, "12")


@pytest.mark.parametrize(
    "text",
    [
        "She has 16 - 3 = 13 eggs.",
        "100/3 = 33.33, 100/3 = 33.3, 100/3 = 33 and 200/3 = 67.",
        "2x + 8 - 3 = 12, so x = 7/2.",
        "y = 16 - 3x = 1",
        "He works 2 hours + 30 minutes = 150 minutes.",
        "$10 / 50 cents = 20 bottles",
        "3 * 12 = 36 / 4 = 9",
        "20 / 1/4 = 80",
        "50% = 1/2 and 1/4 = 25% and 100% - 20% = 80% and 10% * 50 = 5",
        "100 - 20% = 80",
        "4(7) - 10 = 18",
        "1 1/2 * 60 = 90",
        "$80 000 x 20/100 = $16 000",
        "48/2 = <<48/2=24>>24",
        "3 dozen + 1 = 37",
        "at 6:10 = 18:10",
        "Group 1 - 46 buses x 2 seats = 92 seats",
        "4 * 16.67 = 66.67",
        "16 - 3 = 13\n2 - 1 = 1",
        "2^3 - 1 = 7",
        "14 / 4 = 3 remainder 2",
    ],
)
def test_right_or_unclear_arithmetic_is_not_flagged(text: str) -> None:
    """Rounded results, unknowns, mixed units and other notations are not called wrong."""
    assert [] == list(wrong_calculations(text))


def test_a_verdict_carries_the_flags_and_stays_what_it_is() -> None:
    """A flag changes neither status nor correctness; what has no answer has no flags of this kind."""
    with Sandbox() as sandbox:
        constant = judge(THOUGHTS["pot"], "ans = 13", "stop", "13", "number", sandbox, QUESTION)
        none = judge(THOUGHTS["pot"], "x = 5", "stop", "13", "number", sandbox, QUESTION)
    assert ("solved", True, ("constant", "no_question_numbers")) == (constant.status, constant.correct, constant.flags)
    assert ("no_answer", ()) == (none.status, none.flags)
