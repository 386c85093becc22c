"""New numbers: of the old one's size, roundness and notation."""

import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.mixture.perturbation.quantities import Quantity, read
from pipelines.mixture.perturbation.redraw import candidates, draw, ordered, replaced


def options(question: str) -> list[str]:
    """The first number's candidates, as text."""
    first = read(question)[0]
    return [str(float(value)) if value.denominator > 1 else str(value) for value in candidates(first, question)]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("She has 4 pens.", ["2", "3", "5", "6", "7", "8", "9"]),
        ("She has 200 pens.", ["100", "150", "250", "300", "350", "400"]),
        ("It costs $2.99 a pound.", ["1.99", "3.99", "4.99"]),
        ("She weighs 120 pounds.", ["90", "100", "110", "130", "140", "150", "160"]),
        ("It is 25% off.", ["15", "20", "30", "35", "40", "45", "50"]),
        ("He works 5 days each week.", ["3", "4", "6"]),
        ("He ate an 8 inch pizza.", ["11"]),
        ("He is 3 times as old.", ["2", "4", "5"]),
    ],
)
def test_candidates(question: str, expected: list[str]) -> None:
    """As round as the old one, within what a calendar, an article or common sense allows."""
    assert [each for each in options(question) if each in expected] == expected
    if "days" not in question:
        assert expected == options(question)


def test_words_stay_words_and_separators_stay() -> None:
    """Three becomes Five, 1,200 becomes 2,400."""
    question = "Three men carry 1,200 bricks."
    men, bricks = read(question)
    new = {men: Fraction(5), bricks: Fraction(2400)}
    assert "Five men carry 2,400 bricks." == replaced(question, [men, bricks], new)


def test_numbers_of_one_kind_keep_their_order() -> None:
    """Of 12 eggs eat 5, not 15; prices and counts are not compared."""
    eggs, eaten, price = quantities = read("Of 12 eggs she ate 5, each worth $7.")
    assert ordered(quantities, {eaten: Fraction(9), price: Fraction(14)})
    assert not ordered(quantities, {eaten: Fraction(15)})
    assert not ordered(quantities, {eggs: Fraction(5)})


@settings(deadline=None)
@given(st.integers(2, 5000), st.sampled_from(["She has {} pens.", "It costs ${}.", "It takes {} minutes."]))
def test_new_numbers_are_never_the_old_one_nor_one(value: int, form: str) -> None:
    """And between half and twice, or five more."""
    question = form.format(value)
    for quantity in read(question):
        new = candidates(quantity, question)
        assert not {Fraction(0), Fraction(1), quantity.value} & set(new)
        assert all(quantity.value / 2 <= each <= max(2 * quantity.value, quantity.value + 5) for each in new)


def test_a_draw_depends_on_its_source_alone() -> None:
    """The same seed, the same numbers."""
    question = "She has 40 pens and 12 caps."
    quantities: list[Quantity] = read(question)
    choices = {each: candidates(each, question) for each in quantities}
    once, again = (draw(random.Random(3), quantities, choices) for _ in range(2))
    assert once == again
