"""Another number of the same kind: of its size, its roundness and its way of being written.

    redrawn(Quantity(text="1.50", value=3/2, kind="price"), ...)   ->  5/4, written "1.25"
    redrawn(Quantity(text="Three", value=3, kind="count"), ...)    ->  5, written "Five"

New numbers lie between half and twice the old one (small counts up to five more), are never 0 or 1, and are as round
as the old one; weights, heights and ages stay closer. ``ordered`` says whether several of them keep the order of the
question's numbers of their kind.
"""

import random
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction

from pipelines.mixture.perturbation.quantities import Quantity
from pipelines.solvers.numerals import WORDS, number_text

_STEPS, _MOST_VALUES = (1000, 500, 100, 50, 25, 10, 5), 10_000
_PER = re.compile(r"^\w*\s*(?:\w+\s){0,2}?(?:a|per|each|every|of the)\s(\w+)", re.IGNORECASE)
_MOST = {("hour", "day"): 16, ("hour", "night"): 12, ("day", "week"): 6, ("month", "year"): 11, ("day", "month"): 28}
_MOST |= {("week", "year"): 50, ("week", "month"): 4, ("minute", "hour"): 55, ("hour", "week"): 80}
_SPELLED = {value: word for word, value in WORDS.items() if value <= 20}
_BODILY = frozenset(
    {"pounds", "lbs", "kilograms", "kg", "tons", "years", "year", "feet", "foot", "inches", "inch", "cm", "mph"}
)
"""Units in which people, animals and things are measured, whose sizes are known: from 3/4 to 4/3 of the old number."""
_VOWEL = re.compile(r"8|11(?!\d)|18(?!\d)|eight|eleven", re.IGNORECASE)


def candidates(quantity: Quantity, question: str) -> Sequence[Fraction]:
    """All values that may stand in its place, without its own."""
    places = len(quantity.text.partition(".")[2])
    unit = Fraction(1, 10**places)
    scaled = int(quantity.value / unit)
    if quantity.kind == "price" and places == 2 and scaled % 100 in (95, 98, 99):
        step, offset = 100, scaled % 100
    else:
        step, offset = next((step for step in _STEPS if scaled % step == 0 and 4 * step <= scaled), 1), 0
    low, high = -(-scaled // 2), max(2 * scaled, scaled + (5 if places == 0 else 0))
    if quantity.noun in _BODILY:
        low, high = -(-3 * scaled // 4), max(4 * scaled // 3, scaled + (3 if places == 0 else 0))
    if quantity.kind == "percent" and quantity.value < 100:
        step = 5 if scaled % 5 == 0 and places == 0 else step
        high = min(high, 95 * 10**places)
    if quantity.noun == "times":  # "six times as tall"
        high = min(high, max(scaled, 5 * 10**places))
    high = min(high, _limit(quantity, question))
    if quantity.spelled:
        high = min(high, 20)
    article = re.search(r"\b(an?)\s$", question[: quantity.start], re.IGNORECASE)
    first = low + (offset - low) % step
    values = (Fraction(number) * unit for number in range(first, min(high, first + _MOST_VALUES * step) + 1, step))
    return [
        value
        for value in values
        if value not in (0, 1, quantity.value)
        and (article is None or (article[1].lower() == "an") == bool(_VOWEL.match(written(quantity, value))))
    ]


def draw(
    draw_from: random.Random, chosen: Sequence[Quantity], options: Mapping[Quantity, Sequence[Fraction]]
) -> dict[Quantity, Fraction]:
    """A new value for each of the chosen quantities."""
    return {quantity: draw_from.choice(options[quantity]) for quantity in chosen}


def ordered(quantities: Sequence[Quantity], new: Mapping[Quantity, Fraction]) -> bool:
    """Whether numbers of one kind compare with each other as they did, and those that differed still differ."""
    pairs = [
        (each.kind if each.kind != "fixed" else "count", each.value, new.get(each, each.value)) for each in quantities
    ]
    return all(
        kind != other_kind or _sign(old - other_old) == _sign(value - other)
        for at, (kind, old, value) in enumerate(pairs)
        for other_kind, other_old, other in pairs[:at]
    )


def written(quantity: Quantity, value: Fraction) -> str:
    """A value as the quantity is written: in words, with as many decimals, with separators."""
    if quantity.spelled:
        word = _SPELLED[int(value)]
        return word.capitalize() if quantity.text[0].isupper() else word
    return like(quantity.text, value)


def like(text: str, value: Fraction) -> str:
    """A value in digits as a number is written: "1,200" gives separators, "1.50" two decimals, "5.0" one."""
    whole, _, decimals = number_text(value).partition(".")
    places = len(text.partition(".")[2])
    if "," in text:
        whole = f"{int(whole):,}"
    decimals = decimals.ljust(places, "0")
    return f"{whole}.{decimals}" if decimals else whole


def replaced(question: str, quantities: Sequence[Quantity], new: Mapping[Quantity, Fraction]) -> str:
    """The question with the new numbers in their places."""
    text, at = [], 0
    for quantity in quantities:
        if quantity in new:
            text += [question[at : quantity.start], written(quantity, new[quantity])]
            at = quantity.end
    return "".join([*text, question[at:]])


def _limit(quantity: Quantity, question: str) -> int:
    """The most that a calendar allows: days a week, hours a day."""
    per = _PER.match(question[quantity.end :].lstrip(" -"))
    if per is None:
        return 10**12
    return _MOST.get((quantity.noun.removesuffix("s"), per[1].lower().removesuffix("s")), 10**12)


def _sign(value: Fraction) -> int:
    return (value > 0) - (value < 0)
