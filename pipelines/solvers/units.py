"""Words behind numbers that change what the numbers mean.

    2 hours + 30 minutes      ->  FAMILY["hours"] is ("time", "hour"), FAMILY["minutes"] is ("time", "minute")
    5 million, 3 dozen        ->  COUNTS

A unit is dropped from an equation, but where two of one family are added the numbers alone would lie, and
"3 dozen" is not 3. Words that are not here (pens, boxes) are units too, of no family.
"""

import re
from fractions import Fraction

_TABLE = {
    "time": (
        "second seconds sec secs",
        "minute minutes min mins",
        "hour hours hr hrs h",
        "day days",
        "week weeks",
        "month months",
        "year years yr yrs",
        "decade decades",
    ),
    "money": ("cent cents", "dollar dollars USD", "euro euros EUR", "pence penny pennies", "rupee rupees"),
    "length": (
        "mm millimeter millimeters millimetre millimetres",
        "cm centimeter centimeters centimetre centimetres",
        "m meter meters metre metres",
        "km kilometer kilometers kilometre kilometres",
        "inch inches",
        "foot feet ft",
        "yard yards yd",
        "mile miles mi",
    ),
    "weight": (
        "mg milligram milligrams",
        "g gram grams",
        "kg kilogram kilograms kilos",
        "ounce ounces oz",
        "pound pounds lb lbs",
        "ton tons",
    ),
    "volume": (
        "ml mL milliliter milliliters millilitre millilitres",
        "l L liter liters litre litres",
        "cup cups",
        "pint pints",
        "quart quarts",
        "gallon gallons",
    ),
}

FAMILY = {
    word: (family, words.split()[0]) for family, units in _TABLE.items() for words in units for word in words.split()
}
"""A unit's word to its family and its own name."""

SCALE = {
    unit: Fraction(str(scale))
    for unit, scale in {
        **{"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800, "month": 2592000, "year": 31536000},
        **{"cent": "0.01", "dollar": 1, "mm": "0.001", "cm": "0.01", "m": 1, "km": 1000},
        **{"inch": "0.0254", "foot": "0.3048", "yard": "0.9144", "mile": "1609.344"},
        **{"mg": "0.001", "g": 1, "kg": 1000, "ounce": "28.349523125", "pound": "453.59237"},
        **{"ml": "0.001", "l": 1, "cup": "0.2365882365", "pint": "0.473176473"},
        **{"quart": "0.946352946", "gallon": "3.785411784"},
    }.items()
}
"""How many seconds, dollars, metres, grams or litres a unit is; units that are not here are not compared."""

_OF_CHANGING_LENGTH = frozenset({"month", "year"})
_OTHER_SIZES = {
    ("month", "year"): 12,
    ("month", "decade"): 120,
    ("year", "decade"): 10,
    ("cent", "euro"): 100,
    ("pence", "pound"): 100,
}


def per(small: str, large: str) -> int | None:
    """How many of one unit make another, both by their own names; None where that is not certain (days of a month)."""
    if (size := _OTHER_SIZES.get((small, large))) is not None:
        return size
    if FAMILY[small][0] != FAMILY[large][0] or _OF_CHANGING_LENGTH & {small, large}:
        return None
    ratio = SCALE[large] / SCALE[small] if small in SCALE and large in SCALE else Fraction(0)
    return int(ratio) if ratio > 1 and ratio.denominator == 1 else None


RATES = {"mph": "hour", "kph": "hour", "kmh": "hour", "kmph": "hour", "mpm": "minute", "wpm": "minute", "rpm": "minute"}
"""Words for rates, and what they are per."""

PER = FAMILY.keys() | {"s"}
"""What may stand behind the "/" of a unit (km/h); "120 miles / speed" is a division."""

COUNTS = frozenset({"dozen", "dozens", "hundred", "hundreds", "thousand", "thousands", "million", "millions"}) | {
    *("billion", "billions", "trillion"),
}
"""Words that multiply the number before them."""

_MEASURE = (
    r"(?:(?P<{0}money>[$€£])\s?)?(?P<{0}number>\d[\d,]*(?:\.\d+)?|\d+\s?/\s?\d+|(?:an?|one)\b)\s*"
    r"(?P<{0}unit>[^\W\d]+(?:\s[^\W\d]+)?)?"
)
_CONVERSION = re.compile(_MEASURE.format("a") + r"\s*=\s*" + _MEASURE.format("b") + r"\.?")
CALENDAR = {
    frozenset({"month", "year"}): (12,),
    frozenset({"day", "year"}): (365, 366, 360),
    frozenset({"week", "year"}): (52,),
    frozenset({"day", "month"}): (30, 31, 28),
    frozenset({"week", "month"}): (4,),
}
"""Pairs of units without one factor, and those in use."""


def without_conversions(lines: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """The lines without those that say how units convert: "1 hour = 60 minutes", "$1 = 100 cents", "1 dozen = 12 eggs".

    A line whose units are unknowns of another line is an equation, and one that is wrong for units of ``SCALE`` stays
    to contradict itself.
    """
    found = {number: match for number, line in lines if (match := _CONVERSION.fullmatch(line))}
    if not found:
        return lines
    rest = "\n".join(line for number, line in lines if number not in found)
    named = frozenset(re.findall(r"[^\W\d]\w*", re.sub(r"(?<=\d)\s*[^\W\d]\w*", " ", rest)))
    return [(number, line) for number, line in lines if number not in found or not _converts(found[number], named)]


def _converts(match: re.Match[str], named: frozenset[str]) -> bool:
    units = [match["aunit"] or match["amoney"], match["bunit"] or match["bmoney"]]
    if any(unit in named for unit in units) or (None in units and not COUNTS & set(units)):
        return False
    one, other = (FAMILY.get("dollars" if unit == "$" else unit or "") for unit in units)
    if one is None or other is None or one[1] not in SCALE or other[1] not in SCALE:
        return True
    if one[0] != other[0]:
        return False
    if frozenset({one[1], other[1]}) in CALENDAR:
        return True
    values = [_number(match["anumber"]) * SCALE[one[1]], _number(match["bnumber"]) * SCALE[other[1]]]
    return bool(abs(values[0] - values[1]) <= max(values) / 50)  # 1 mile = 1.6 km


def _number(text: str) -> Fraction:
    top, _, bottom = re.sub(r"[,\s]", "", text).partition("/")
    if not top[0].isdigit():
        return Fraction(1)  # an hour
    return Fraction(top) / (int(bottom or 1) or 1)
