"""Reading a question's numbers: what each is worth, and which may be redrawn."""

from fractions import Fraction

import pytest

from pipelines.mixture.perturbation.quantities import implied, read


def kinds(question: str) -> list[tuple[str, str]]:
    return [(each.text, each.kind) for each in read(question)]


def test_digits_and_words_are_read_with_their_kinds() -> None:
    """Counts, prices, percentages and decimal sizes, in their order."""
    expected = [("Three", "count"), ("1.50", "price"), ("20", "percent"), ("2.5", "size"), ("1,200", "count")]
    assert expected == kinds("Three pens cost $1.50 each, 20% off; a rope of 2.5 meters and 1,200 nails.")


@pytest.mark.parametrize(
    "question",
    [
        "The party began on May 5.",
        "In 1998 he moved.",
        "The bus left at 7:30.",
        "He came at 7 pm.",
        "She ate 1/4 of it.",
        "On the 3rd day he slept.",
        "He lives in room 12.",
        "A dog has 4 legs.",
        "There are 60 minutes in an hour.",
        "She bought one pen.",
        "One fluid ounce is equal to 30 ml.",
        "They sold 5 million books.",
        "It takes 10-12 of them.",
        "He is 6'2\" tall.",
        "All of it, 100%, was gone.",
        "She ate two thirds of it.",
    ],
)
def test_what_people_do_not_change_is_fixed(question: str) -> None:
    """Dates, times, fractions, ordinals, labels, nature's and the calendar's numbers, units, scales, ranges."""
    assert {"fixed"} == {kind for _, kind in kinds(question)}


def test_a_unit_may_stand_at_the_number() -> None:
    """As in 140km."""
    assert [("140", "count")] == kinds("She drives 140km to work.")


def test_words_bring_in_numbers_of_their_own() -> None:
    """Which a thought may use without the question stating them."""
    assert {Fraction(7), Fraction(2), Fraction(1, 2), Fraction(12)} <= implied("Half a dozen pens a week")
    assert frozenset() == implied("Ann has 5 pens")
