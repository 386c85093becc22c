"""The numbers of a question: where each stands, what it is worth, and what kind of number it is.

    read("Three pens cost $1.50 each, 20% off.")
    -> [Quantity(text="Three", value=3, kind="count"), Quantity(text="1.50", value=3/2, kind="price"),
        Quantity(text="20", value=20, kind="percent")]

Kinds that may be redrawn: ``count`` (an integer), ``price``, ``percent``, ``size`` (a decimal that is neither). What
must stay as it is has the kind ``fixed``: dates, times of day, fractions, ordinals, labels ("room 12"), one, numbers
that nature or a calendar sets (4 legs, 7 days). ``implied`` gives the numbers that words bring in without stating them.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from pipelines.solvers.numerals import SPELLED, spelled_value
from pipelines.thoughts.suspicion import WORD_NUMBERS

Kind = Literal["count", "price", "percent", "size", "fixed"]

_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_NUMBER = re.compile(r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+")
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_WORD = re.compile(r"[A-Za-z]+")
_LABELS = (
    r"grade|room|chapter|highway|route|level|page|number|step|day|week|part|lane|gate|bus|no\.|size|class|section|problem"
    r"|flight|phase|question|round|type|version"
)
_UNITS = "km|kms|m|cm|mm|kg|kgs|g|mg|lb|lbs|oz|ml|l|mph|kph|ft|hr|hrs|min|mins|gb|mb|sq"
_FIXED_BEFORE = re.compile(rf"(?:[A-Za-z_:/^'][-–]?|\d[-–/]|[#–-])$|\b(?:{_LABELS}|{_MONTHS})\s?$", re.IGNORECASE)
_FIXED_AFTER = re.compile(
    rf"(?!(?:{_UNITS})\b)[a-z]|\s?[:/]\s?\d|\s?[-–]\s?\d|\s\d+/\d|\s?[ap]\.?m\b|\s?[ap]\.\s?m\b|\so'?clock"
    rf"|['\"]|\s(?:{_MONTHS})\b|,\d|\.\d|\s?[\^*+=]|\sx\s\d|°|\sdegrees|\sin the (?:morning|afternoon|evening)\.",
    re.IGNORECASE,
)
_CONVERSION = re.compile(
    r"\b(?:ounce|pound|inch|foot|feet|yard|mile|meter|kilometer|gallon|liter|quart|pint|cup|gram|kilogram|ton|hour|minute"
    r"|day|week|month|year|dollar|euro|acre|hectare)s?\s(?:is|are|equals?|has|have|contains?)\s(?:equal to |about )?$",
    re.IGNORECASE,
)
_PRICE_BEFORE = re.compile(r"[$€£]\s?$")
_PRICE_AFTER = re.compile(r"\s?(?:dollars?|cents?|euros?|pounds? sterling|bucks?)\b", re.IGNORECASE)
_PERCENT_AFTER = re.compile(r"\s?(?:%|percent\b|per\s?cent\b)", re.IGNORECASE)
_SCALE_AFTER = re.compile(r"\s(?:hundred|thousand|million|billion|dozens?|and a half|and a quarter)\b", re.IGNORECASE)
_PART_AFTER = re.compile(r"-\w+(?:ths?|thirds?|halves)\b|\s(?:thirds?|\w+ths)\b")
_NATURAL = re.compile(
    r"[\s-](?:legs?|legged|wheels?|wheelers?|sides?|sided|fingers?|toes?|eyes?|ears?|arms?|wings?|seasons?|corners?"
    r"|continents?|holes?|hands?|paws?|hooves|tentacles)\b",
    re.IGNORECASE,
)
_CALENDAR: dict[str, tuple[int, ...]] = {
    "second": (60, 3600),
    "minute": (60,),
    "hour": (24,),
    "day": (5, 7, 28, 29, 30, 31, 365, 366),
    "weekday": (5,),
    "week": (4, 52),
    "month": (12,),
    "year": (10, 100),
    "cent": (100,),
    "quarter": (4,),
    "inch": (12,),
    "inche": (12,),
    "feet": (3, 5280),
    "foot": (3,),
    "ounce": (16,),
    "cup": (16,),
    "gram": (1000,),
    "meter": (1000,),
    "centimeter": (100,),
    "milliliter": (1000,),
}
"""A unit and the numbers of it that make up a larger one: "60 minutes" may be the hour's own."""
_IMPLIED: dict[str, tuple[Fraction, ...]] = {
    **{word: tuple(Fraction(str(value)) for value in values) for word, values in WORD_NUMBERS.items()},
    "week": (Fraction(7), Fraction(5), Fraction(52)),
    "weekly": (Fraction(7), Fraction(52)),
    "weekday": (Fraction(5),),
    "weekend": (Fraction(2),),
    "day": (Fraction(24), Fraction(7)),
    "daily": (Fraction(7), Fraction(30)),
    "hour": (Fraction(60), Fraction(24), Fraction(3600)),
    "hourly": (Fraction(60), Fraction(24)),
    "minute": (Fraction(60),),
    "second": (Fraction(60), Fraction(2)),
    "month": (Fraction(12), Fraction(30), Fraction(4)),
    "monthly": (Fraction(12),),
    "year": (Fraction(12), Fraction(52), Fraction(365)),
    "yearly": (Fraction(12),),
    "annual": (Fraction(12),),
    "decade": (Fraction(10),),
    "century": (Fraction(100),),
    "foot": (Fraction(12), Fraction(3)),
    "feet": (Fraction(12), Fraction(3), Fraction(5280)),
    "yard": (Fraction(3), Fraction(36)),
    "inch": (Fraction(12),),
    "inche": (Fraction(12),),
    "pound": (Fraction(16),),
    "ounce": (Fraction(16),),
    "gallon": (Fraction(4), Fraction(16), Fraction(128), Fraction(8)),
    "kilometer": (Fraction(1000),),
    "km": (Fraction(1000),),
    "kilogram": (Fraction(1000),),
    "kg": (Fraction(1000),),
    "liter": (Fraction(1000),),
    "meter": (Fraction(100), Fraction(1000)),
    "cent": (Fraction(100), Fraction(1, 100)),
    "dollar": (Fraction(100),),
    "penny": (Fraction(1), Fraction(1, 100)),
    "hundred": (Fraction(100),),
    "thousand": (Fraction(1000),),
    "million": (Fraction(10**6),),
    "square": (Fraction(4),),
    "rectangle": (Fraction(2),),
    "triangle": (Fraction(3),),
    **{word: (Fraction(number),) for number, word in enumerate(_ORDINALS, 1) if word not in ("second",)},
}
ALWAYS = frozenset(map(Fraction, (0, 1, 2, 100)))
"""Numbers that a thought may bring in whatever the question says."""


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A number at ``start:end`` of the question, as it is written there, and the word behind it ("" where none is)."""

    start: int
    end: int
    text: str
    value: Fraction
    kind: Kind
    noun: str = ""

    @property
    def spelled(self) -> bool:
        """Whether it stands there in words."""
        return self.text[:1].isalpha()


def read(question: str) -> list[Quantity]:
    """The question's numbers in their order, those in words among them; no two overlap."""
    found = [_in_digits(question, match) for match in _NUMBER.finditer(question)]
    taken = [(each.start, each.end) for each in found]
    for match in SPELLED.finditer(question):
        if not any(start < match.end() and match.start() < end for start, end in taken):
            found.append(_in_words(question, match))
    return sorted(found, key=lambda each: each.start)


def implied(question: str) -> frozenset[Fraction]:
    """Numbers that the question's words bring in: 7 of "a week", 2 and 1/2 of "half", 12 of "dozen"."""
    values: set[Fraction] = set()
    for word in _WORD.findall(question.lower()):
        for form in (word, word.removesuffix("s")):
            values.update(_IMPLIED.get(form, ()))
    if "$" in question:
        values.add(Fraction(100))
    return frozenset(values)


def _in_digits(question: str, match: re.Match[str]) -> Quantity:
    start, end, text = match.start(), match.end(), match[0]
    value = Fraction(text.replace(",", ""))
    before, after = question[max(0, start - 40) : start], question[end : end + 40]
    return Quantity(
        start=start,
        end=end,
        text=text,
        value=value,
        kind=_kind(value, before, after, year=len(text) == 4 and 1600 <= value < 2100),
        noun=_noun(after),
    )


def _in_words(question: str, match: re.Match[str]) -> Quantity:
    value = spelled_value(match[0])
    before, after = question[max(0, match.start() - 40) : match.start()], question[match.end() : match.end() + 40]
    fixed = not 2 <= value <= 20 or " " in match[0] or _PART_AFTER.match(after)
    kind: Kind = "fixed" if fixed else _kind(value, before, after, year=False)
    return Quantity(start=match.start(), end=match.end(), text=match[0], value=value, kind=kind, noun=_noun(after))


def _kind(value: Fraction, before: str, after: str, *, year: bool) -> Kind:
    if value in (0, 1) or _FIXED_AFTER.match(after) or _SCALE_AFTER.match(after) or _NATURAL.match(after):
        return "fixed"
    if (
        _FIXED_BEFORE.search(before)
        or _CONVERSION.search(before)
        or (year and re.search(r"(?i)\b(?:in|since|year|by|until|from|to)\s$", before))
    ):
        return "fixed"
    if year and not _PRICE_BEFORE.search(before) and not re.match(r"\s[a-z]", after):
        return "fixed"
    noun = _noun(after)
    if value in _CALENDAR.get(noun.removesuffix("s"), ()) or value in _CALENDAR.get(noun, ()):
        return "fixed"
    if _PERCENT_AFTER.match(after):
        return "fixed" if value == 100 else "percent"
    if _PRICE_BEFORE.search(before) or _PRICE_AFTER.match(after):
        return "price"
    return "count" if value.denominator == 1 else "size"


def _noun(after: str) -> str:
    """The word behind a number, in small letters."""
    match = re.match(r"[\s-]?([A-Za-z]{2,})", after)
    return match[1].lower() if match else ""
