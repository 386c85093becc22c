"""The units of a system's quantities, as far as they show that a conversion is missing.

    v = 60 mph, t = 30 minutes, ans = v * t          refused: no line converts minutes to hours
    t = 30 minutes = 0.5 hours                       t is 0.5

Units are dropped from equations; here they are only compared. Nothing is converted.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from pipelines.solvers.tokens import Token
from pipelines.solvers.units import CALENDAR, FAMILY, PER, RATES, SCALE

_PER_WORDS = frozenset({"per", "each", "every", "an"})


@dataclass(frozen=True)
class Quantity:
    """The unit of a number: ``("time", "hour")``; ``per`` where it is a rate, something per hour."""

    family: str
    unit: str
    per: bool = False


class Quantities:
    """The units of names that are given as a number with a unit, and the numbers elsewhere in the system."""

    def __init__(self, rows: Sequence[Sequence[Token]]) -> None:
        self._of: dict[str, Quantity] = {}
        self._others: list[Sequence[Token]] = []
        for row in rows:
            defined = None
            if len(row) > 3 and row[0].kind == "name" and row[1].kind == "=" and row[-1].kind == "name":
                defined = _measured(row[_last_sign(row) + 1 :])
            if defined:
                self._of[row[0].text] = defined[1]
            else:
                self._others.append(row)

    def __bool__(self) -> bool:
        return bool(self._of)

    def of(self, name: str) -> Quantity | None:
        """The unit of a name; None where it has none."""
        return self._of.get(name)

    def unconverted(self, one: Quantity | None, other: Quantity | None) -> str | None:
        """Why a product of the two is refused: a rate per hour times minutes, and 60 is nowhere in the system."""
        if one is None or other is None or one.per == other.per or one.family != other.family or one.unit == other.unit:
            return None
        if one.unit not in SCALE or other.unit not in SCALE or self._numbers() & _factors(one.unit, other.unit):
            return None
        rate, unit = (one.unit, other.unit) if one.per else (other.unit, one.unit)
        return f"per {rate} times {unit} without converting them"

    def _numbers(self) -> set[Fraction]:
        """The numbers without a unit, outside the definitions of quantities."""
        return {
            _value(token)
            for row in self._others
            for token, following in itertools.zip_longest(row, row[1:])
            if token.kind == "number" and (following is None or following.kind != "name")
        }

    def added(self, one: Quantity | None, other: Quantity | None) -> str | None:
        """Why a sum of the two is refused: hours and minutes."""
        if one is None or other is None or one.per or other.per:
            return None
        if one.family != other.family or one.unit == other.unit:
            return None
        return f"{one.unit} and {other.unit} are added without converting them"


def last_converted(row: list[Token]) -> list[Token]:
    """``t = 30 minutes = 0.5 hours`` with the last of its quantities only, where they are equal."""
    if len(row) < 7 or row[-1].kind != "name":
        return row
    signs = [at for at, token in enumerate(row) if token.kind == "="]
    if len(signs) < 2:
        return row
    ends = [*signs[1:], len(row)]
    measures = [_measured(row[start + 1 : end]) for start, end in zip(signs, ends, strict=True)]
    known = [measure for measure in measures if measure is not None]
    if len(known) != len(measures) or len({measure[1].unit for measure in known}) < 2:
        return row
    if any(measure[1].per or measure[1].unit not in SCALE for measure in known):
        return row
    if len({(measure[1].family, measure[0] * SCALE[measure[1].unit]) for measure in known}) > 1:
        return row
    return [*row[: signs[0] + 1], *row[signs[-1] + 1 :]]


def rate_of(words: Sequence[Token]) -> Quantity | None:
    """The rate that the words behind a number say: km / h, miles per hour, mph."""
    for before, token in zip([None, *words], words, strict=False):
        if token.text in RATES:
            return Quantity(*FAMILY[RATES[token.text]], per=True)
        if before is not None and (before.text in _PER_WORDS or before.kind == "/") and token.text in PER:
            return Quantity(*FAMILY.get(token.text, ("time", "second")), per=True)
    return None


def _measured(tokens: Sequence[Token]) -> tuple[Fraction, Quantity] | None:
    """A number, or a quotient or product of two, with its unit."""
    if not tokens or tokens[0].kind != "number":
        return None
    value, at = _value(tokens[0]), 1
    if len(tokens) > 3 and tokens[1].kind in ("/", "*") and tokens[2].kind == "number":
        second = _value(tokens[2])
        if second == 0:
            return None
        value, at = (value / second if tokens[1].kind == "/" else value * second), 3
    words = tokens[at:]
    if not words or any(word.kind not in ("name", "/") for word in words):
        return None
    rate = rate_of(words)
    if rate is not None:
        return value, rate
    return (value, Quantity(*FAMILY[words[0].text])) if words[0].text in FAMILY else None


def _factors(one: str, other: str) -> set[Fraction]:
    """The numbers that convert one unit to the other."""
    calendar = CALENDAR.get(frozenset({one, other}))
    if calendar is not None:
        return {Fraction(each) for each in calendar}
    return {SCALE[one] / SCALE[other], SCALE[other] / SCALE[one]}


def _last_sign(row: Sequence[Token]) -> int:
    return max(at for at, token in enumerate(row) if token.kind == "=")


def _value(token: Token) -> Fraction:
    text = token.text.lower()
    for separator in ",_' ":
        text = text.replace(separator, "")
    mantissa, _, exponent = text.partition("e")
    if len(mantissa) > 40 or abs(int(exponent[:4] or 0)) > 30:
        return Fraction(0)
    return Fraction(mantissa) * Fraction(10) ** int(exponent or 0)
