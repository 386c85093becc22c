"""The numbers of programs and systems, and putting others in their places."""

from fractions import Fraction

import pytest

from pipelines.mixture.perturbation.literals import Apart, Unreadable, apart
from pipelines.mixture.perturbation.quantities import Quantity, read

QUESTION = "Ann has 16 eggs and eats three of them. Each costs $2.50, with 20% off. What are the rest worth?"
EGGS, EATEN, PRICE, OFF = read(QUESTION)


def taken(thought: str, text: str, question: str = QUESTION) -> Apart:
    return apart(thought, text, question, read(question))


def redrawable(found: Apart, quantity: Quantity) -> bool:
    return found.redrawable(quantity, [])


def test_a_number_is_replaced_where_it_is_calculated_with_and_in_remarks() -> None:
    """Not in names; a percentage also as 0.2 or 0.8."""
    found = taken("pot", "eggs = 16  # she has 16\nleft = eggs - 3  # three eaten\nans = left * 2.50 * 0.8")
    new = {EGGS: Fraction(18), EATEN: Fraction(5), PRICE: Fraction(3), OFF: Fraction(30)}
    assert all(redrawable(found, each) for each in new)
    expected = "eggs = 18  # she has 18\nleft = eggs - 5  # five eaten\nans = left * 3.00 * 0.7"
    assert expected == found.with_numbers(new, "unused")


def test_the_question_in_a_docstring_becomes_the_new_question() -> None:
    """As PAL's programs have it."""
    found = taken("pot", f'def solution():\n    """{QUESTION}"""\n    return 16 - 3')
    assert 'def solution():\n    """Other?"""\n    return 18 - 3' == found.with_numbers({EGGS: Fraction(18)}, "Other?")


@pytest.mark.parametrize(
    ("text", "quantity"),
    [
        ("ans = 16 + 16", EGGS),  # twice
        ("pack_of_16 = 16\nans = pack_of_16", EGGS),  # in a name
        ("three_eaten = 3\nans = three_eaten", EATEN),
        ("ans = 2", EGGS),  # not at all
    ],
)
def test_a_number_that_is_not_once_in_the_code_is_not_redrawn(text: str, quantity: Quantity) -> None:
    """Nor one that a name repeats."""
    assert not redrawable(taken("pot", text), quantity)


def test_a_number_that_could_be_another_one_is_not_redrawn() -> None:
    """The 7 of the question and the 7 of its week."""
    assert not taken("pot", "ans = 16").redrawable(EGGS, [Fraction(16)])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ans = 13 * 2", "unexplained_number"),  # 16 - 3 in the head
        ("ans = 16  # 16 - 3 = 13", "remark_calculates"),
        ("ans = (16", "not_tokenized"),
        ("ans = 0x10", "odd_number"),
    ],
)
def test_what_cannot_be_followed_is_refused_with_its_reason(text: str, reason: str) -> None:
    """A word for the card."""
    with pytest.raises(Unreadable, match=reason):
        taken("pot", text)


def test_a_system_with_its_comments() -> None:
    """Digits and words in ``%`` lines follow too."""
    found = taken("eot", "% Of 16 eggs three are eaten:\nleft + 3 = 16\nans = left")
    new = {EGGS: Fraction(12), EATEN: Fraction(4)}
    assert "% Of 12 eggs four are eaten:\nleft + 4 = 12\nans = left" == found.with_numbers(new, "unused")
