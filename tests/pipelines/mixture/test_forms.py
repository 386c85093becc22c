"""Normal forms: what makes two completions the same thought."""

import pytest

from pipelines.mixture.forms import most_diverse, normal_form

PROGRAM = "pens = 6 * 8\nleft = pens - 4\nans = left"


@pytest.mark.parametrize(
    "same",
    [
        "p = 6*8   # in boxes\n\nq = p - 4\nans = q",
        "left = 6 * 8\npens = left - 4\nans = pens",
        '"""Count the pens."""\na = (6 * 8)\nb = a - 4\nans = b',
        "```python\na = 6 * 8\nb = a - 4\nans = b\n```",
    ],
)
def test_a_program_is_compared_up_to_names_comments_and_white_space(same: str) -> None:
    """Also when names are swapped, or a fence stands around it."""
    assert normal_form("pot", PROGRAM) == normal_form("pot", same)


@pytest.mark.parametrize(
    "other",
    [
        "pens = 6 * 8\nleft = pens - 4\nans = pens",  # another name is used
        "pens = 8 * 6\nleft = pens - 4\nans = left",  # another order of numbers
        "left = 6 * 8\nans = left - 4",  # a step less
        "pens = 6 * 8\nleft = pens - 4\nprint(left)",  # the answer leaves another way
    ],
)
def test_another_program_has_another_form(other: str) -> None:
    """Renaming must be consistent, and the answer's name is no variable."""
    assert normal_form("pot", PROGRAM) != normal_form("pot", other)


def test_functions_and_their_arguments_are_renamed_and_builtins_are_not() -> None:
    """A solution in PAL's style."""
    ours = "def solution():\n    rows = [1, 2]\n    return sum(rows)\nans = solution()"
    theirs = "def solution():\n    values = [1, 2]\n    return sum(values)\nans = solution()"
    assert normal_form("pot", ours) == normal_form("pot", theirs)
    assert normal_form("pot", ours) != normal_form("pot", theirs.replace("sum", "max"))


@pytest.mark.parametrize("broken", ["ans = (", "x" * 50 + " = " + "-" * 100_000 + "1", "ans = 1\x00", "\ud800 ="])
def test_what_is_no_program_is_compared_as_text(broken: str) -> None:
    """Nothing is raised, whatever a model writes."""
    assert normal_form("pot", broken) == normal_form("pot", f"  {broken} ")


def test_a_system_is_compared_up_to_its_unknowns_and_comments() -> None:
    """Signs written in two ways are the same sign."""
    ours = "% Let x be the pens in a box:\nper_box = x\n6 * per_box + 4 = 52\nans = per_box"
    assert normal_form("eot", ours) == normal_form("eot", "pens = y\n6*pens + 4 = 52\nans = pens")
    assert normal_form("eot", ours) != normal_form("eot", "pens = y\n6*pens + 4 = 52\nans = y")
    assert normal_form("eot", "x + 1,000 = 2 ** 2\nans = x") == normal_form("eot", "z + 1000 = 2 ** 2\nans = z")


def test_what_is_no_system_is_compared_as_text() -> None:
    """A program's habits."""
    assert normal_form("eot", "if x > 3:\n  y = 4") == normal_form("eot", "if x > 3:  y = 4")


def test_prose_is_compared_up_to_white_space_and_case() -> None:
    """Another word makes another thought."""
    assert normal_form("cot", "6 times 8 is 48.\nThe answer is 48.") == normal_form(
        "cot", "6 Times 8 is 48. the answer is 48.\n"
    )
    assert normal_form("cot", "The answer is 48.") != normal_form("cot", "So the answer is 48.")


def test_the_most_diverse_start_from_the_first_and_go_farthest() -> None:
    """Returned in their own order; of equally far ones the earlier."""
    texts = ["a b c d", "a b c e", "x y z w", "x y z v", "p q r s"]
    assert [0, 2, 4] == most_diverse(texts, 3)
    assert [0, 1, 2] == most_diverse(["a", "b", "c"], 5)
