"""Calculations written out in prose, and those among them that are wrong.

    "After 17 get off, 46 - 17 = 29 are left. Later 29 + 9 = 39."   ->  ["29 + 9 = 39"]

Only what is plainly a calculation is looked at: numbers with their units, ``+ - * /`` and brackets on both sides of
an "=". Of an unknown, a power, cents beside dollars or hours beside minutes nothing is said. A result may be rounded
to the digits that it shows, or be the integer above or below.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from pipelines.solvers.markup import plain
from pipelines.solvers.units import COUNTS, FAMILY

_MAX_CHARACTERS = 20_000
_LONGEST = 300
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?![\d,])|\d+)(?:\.\d+)?|\.\d+"
_UNIT = r"(?: ?(?!(?:and|or|x|is|of|to|then|so|plus|minus|times)\b)[A-Za-z]{2,}){0,3}"
_OPERAND = rf"(?:\( ?){{0,4}}[$€£]?-?[$€£]?(?:{_NUMBER})(?: ?%)?{_UNIT}(?: ?\)){{0,4}}"
_CALCULATION = re.compile(rf"{_OPERAND}(?: ?(?:[-+*/]|x(?= )) ?{_OPERAND})*")
_EQUALS = re.compile(r"\s{0,3}=\s{0,3}")
_GOES_BEFORE = re.compile(
    r"[-+*/^(\\]\s?$|\b(?:of|x)\s?$|[\w)]$|\d[ .,:]\s?$|(?i:\b(?:group|step|day|week|part|grade|class|case|no\.?)\s?$)"
)
_BEFORE_CALCULATION = re.compile(r"[-+*/^(\\]\s?$|\b(?:of|x)\s?$|[\w)]$")
_GOES_ON = re.compile(r"\s?[*/^+(=:%]|\s?-\s?[\w(]|\s?\w*\s?=|[\w\\]|[,. ]\d|\sx\s|\s(?:of|remainder|r)\b|\s?\.{3}")
_OPERATION = re.compile(r"[\d%)a-z] ?(?:[-+*/]|x )")
_FRACTION = re.compile(r"(?<![\d/])(\d+)/(\d+)(?!/)")
_CENTS = re.compile(r"\$.*\bcents?\b|\bcents?\b.*\$|¢")
_SIGNS = re.compile(rf"(?P<number>{_NUMBER})(?P<percent>\s?%)?|(?P<sign>[-+*/()])|(?P<word>[A-Za-z]+)")


@dataclass(frozen=True)
class Calculation:
    """Where a calculation stands in a text: the spans of what is calculated and of its result."""

    left: tuple[int, int]
    right: tuple[int, int]


def calculations(text: str) -> Iterator[Calculation]:
    """Each ``calculation = number`` of the text, with units or without."""
    previous: re.Match[str] | None = None
    for match in _CALCULATION.finditer(text):
        if (
            previous is not None
            and match.start() - previous.end() <= 7
            and _EQUALS.fullmatch(text, previous.end(), match.start())
            and _OPERATION.search(previous[0])
            and not _BEFORE_CALCULATION.search(text, max(previous.start() - 8, 0), previous.start())
        ):
            opened = previous[0].startswith("(") and previous[0].count("(") > previous[0].count(")")  # (5 + 3 = 8)
            yield Calculation((previous.start() + opened, previous.end()), match.span())
        previous = match


def calculated(text: str) -> Fraction | None:
    """The value of a calculation; None where it has none, reads two ways or mixes units."""
    signs = _signs(text)
    if _clash([word for kind, word in signs if kind == "word"]) or len(text) > _LONGEST:
        return None
    return _value(signs)


def wrong_calculations(text: str) -> Iterator[str]:
    """Each calculation of the text that does not hold, as it is written there."""
    if "=" not in text:
        return
    text = plain(text[:_MAX_CHARACTERS]).replace("**", "")
    previous: re.Match[str] | None = None
    for match in _CALCULATION.finditer(text):
        if (
            previous is not None
            and match.start() - previous.end() <= 7
            and _EQUALS.fullmatch(text, previous.end(), match.start())
            and not _GOES_BEFORE.search(text, max(previous.start() - 8, 0), previous.start())
            and not _GOES_ON.match(text, match.end())
            and _is_wrong(previous[0], match[0])
        ):
            yield f"{previous[0].strip()} = {match[0].strip()}"
        previous = match


def _is_wrong(left: str, right: str) -> bool:
    if left.startswith("(") and left.count("(") == left.count(")") + 1 and right.endswith(")"):
        left, right = left[1:], right[:-1]  # (16 - 3 = 13)
    stated, words = _signs(right), [text for kind, text in _signs(left) + _signs(right) if kind == "word"]
    if len(left) + len(right) > _LONGEST or not _OPERATION.search(left) or _clash(words):
        return False
    results = [_value(stated), _value(stated[:1])]  # "3 * 12 = 36 / 4 = 9" goes on with its result
    values = [_value(_signs(left)), _value(_signs(_FRACTION.sub(r"(\1/\2)", left)))]  # 20 / 1/4
    if None in (results[0], values[0]) or _CENTS.search(f"{left} = {right}"):
        return False
    factors = (Fraction(1), Fraction(100), Fraction(1, 100)) if "%" in left + right else (Fraction(1),)
    return not any(
        value is not None and result is not None and _rounds(value * factor, result, left, right)
        for value in values
        for result in results
        for factor in factors
    )


def _clash(words: list[str]) -> bool:
    """Whether numbers alone cannot tell: two units of one family, or "3 dozen"."""
    units = {FAMILY[word] for word in words if word in FAMILY}
    return len({family for family, _ in units}) < len(units) or not COUNTS.isdisjoint(words)


def _rounds(value: Fraction, stated: Fraction, left: str, right: str) -> bool:
    """Whether a result is exact, rounded to its own digits, or made of numbers that were rounded themselves."""
    if value == stated or value.denominator == 1:
        return value == stated
    places = max((len(number) for number in re.findall(r"(?<=\d\.)\d+", right)), default=0)
    off = abs(value - stated)
    return off < Fraction(1, 10**places) or ("." in left and off <= Fraction(2, 10**places))


def _signs(text: str) -> list[tuple[str, str]]:
    """(kind, text) with kind number, percent, sign or word; "x" between numbers is "*"."""
    found: list[tuple[str, str]] = []
    for match in _SIGNS.finditer(text):
        if match["number"]:
            found.append(("percent" if match["percent"] else "number", match["number"].replace(",", "")))
        elif match["sign"] or match["word"] == "x":
            found.append(("sign", match["sign"] or "*"))
        else:
            found.append(("word", match["word"]))
    return found


def _value(signs: list[tuple[str, str]]) -> Fraction | None:
    """The value of a calculation; None where it has none or reads two ways."""
    reader = _Reader([each for each in signs if each[0] != "word"])
    try:
        value, _ = reader.sum()
    except (ZeroDivisionError, _Unclear):
        return None
    return value if reader.at == len(reader.signs) else None


class _Unclear(Exception):  # noqa: N818 - what the calculation is
    """Brackets that do not match, or a percentage added to a quantity."""


class _Reader:
    """sum: product {+- product}; product: factor {*/ factor}. Each returns its value and whether it is a percentage."""

    def __init__(self, signs: list[tuple[str, str]]) -> None:
        self.signs, self.at = signs, 0

    def sum(self) -> tuple[Fraction, bool]:
        value, percent = self._product()
        while sign := self._take("+", "-"):
            right, right_percent = self._product()
            if percent != right_percent:
                raise _Unclear
            value = value + right if sign == "+" else value - right
        return value, percent

    def _product(self) -> tuple[Fraction, bool]:
        value, percent = self._factor()
        while sign := self._take("*", "/"):
            value = value * self._factor()[0] if sign == "*" else value / self._factor()[0]
            percent = False
        return value, percent

    def _factor(self) -> tuple[Fraction, bool]:
        if self._take("-"):
            value, percent = self._factor()
            return -value, percent
        if self._take("("):
            inside = self.sum()
            if not self._take(")"):
                raise _Unclear
            return inside
        if self.at >= len(self.signs) or self.signs[self.at][0] == "sign":
            raise _Unclear
        kind, text = self.signs[self.at]
        self.at += 1
        return (Fraction(text) / 100, True) if kind == "percent" else (Fraction(text), False)

    def _take(self, *signs: str) -> str | None:
        if self.at < len(self.signs) and self.signs[self.at][0] == "sign" and self.signs[self.at][1] in signs:
            self.at += 1
            return self.signs[self.at - 1][1]
        return None
