"""The values on the way to an answer, and when new ones are of another character."""

from fractions import Fraction

import pytest

from pipelines.mixture.perturbation.literals import Unreadable
from pipelines.mixture.perturbation.trace import change_of_character, program_values, system_values
from pipelines.solvers import Sandbox


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("half = 48 / 2\nans = 48 + half", [24, 24, 72, 72, 72]),
        ("def solution():\n    '''?'''\n    x = 3\n    return x * 2", [3, 6, 6]),
        ("x = 5\nx -= 2\nans = -x", [5, 3, -3, -3]),
        ("ans = 7 // 2", [Fraction(7, 2), 3, 3, 3]),
        ("import math\nans = math.ceil(7 / 2)", [Fraction(7, 2), 4, 4, 4]),
    ],
)
def test_a_programs_values(source: str, expected: list[Fraction]) -> None:
    """Exactly, in order, without running it; of a division with rest the quotient as well."""
    assert expected == program_values(source)


@pytest.mark.parametrize(
    "source",
    ["while True: pass", "ans = [1][0]", "ans = x", "ans = 1 / 0", "ans = (", "__import__('os')", "x = 3", ""],
)
def test_a_program_that_is_not_straight_arithmetic_has_none(source: str) -> None:
    """And nothing of it is run."""
    with pytest.raises(Unreadable, match="not_straight_arithmetic"):
        program_values(source)


def test_a_systems_values() -> None:
    """Of each name, then the answer."""
    with Sandbox(5, 512) as sandbox:
        assert [8, 48, 8] == system_values("6 * x = total\ntotal = 48\nans = x", sandbox)
        with pytest.raises(Unreadable, match="name_without_value"):
            system_values("x + y = 3\nans = 3", sandbox)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([24, 72], [30, 90], None),
        ([24, 72], [Fraction(49, 2), 73], "fraction"),
        ([5], [-1], "sign"),
        ([5], [0], "sign"),
        ([Fraction(1, 2), 10], [Fraction(3, 2), 10], "size"),
        ([5], [500], "size"),
        ([5], [5, 5], "other_steps"),
        ([Fraction(5, 2)], [Fraction(7, 4)], "answer_decimals"),
        ([Fraction(5, 2)], [Fraction(7, 3)], "answer_decimals"),
    ],
)
def test_character(old: list[Fraction], new: list[Fraction], expected: str | None) -> None:
    """Whole stays whole, positive positive, a share a share, and the size about the same."""
    assert expected == change_of_character([Fraction(each) for each in old], [Fraction(each) for each in new])
