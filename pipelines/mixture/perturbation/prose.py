"""A chain of thought worked out again with other numbers, where all of its arithmetic is written out.

    "He has 5 pens. He buys 3 more, 5 + 3 = 8. The answer is 8."   with 5 -> 9
    "He has 9 pens. He buys 3 more, 9 + 3 = 12. The answer is 12."

Every number must be one of the question's, one that its words imply, or the result of a calculation in the text
that is right; a number that could be two of them, or that comes from nowhere, leaves the whole thought out. Labels of
steps stay.
"""

import re
from collections.abc import Mapping
from fractions import Fraction

from pipelines.mixture.perturbation.redraw import like
from pipelines.solvers.calculations import Calculation, calculated, calculations
from pipelines.solvers.numerals import SPELLED, WORDS, spelled_value

_LABEL = r"(?!(?<![^\n])\d+[.)]\s)(?<!step )(?<!Step )"  # "2. He buys ..." at the start of a line, "Step 2"
_NUMBER = re.compile(rf"{_LABEL}(?<![\w.])(?:\d{{1,3}}(?:,\d{{3}})+(?!\d)|\d+)(?:\.\d+)?")
_EQUALS_NUMBER = re.compile(r"=\s*[$€£]?-?[$€£]?\d")
_ODD = re.compile(r"[\\^{}]|//|÷|\d/\d+/|remainder|√")


def recomputed(text: str, new: Mapping[Fraction, Fraction]) -> str | None:
    """The text with every number as it follows from ``new`` (all numbers it may use, old to new), or None."""
    if _ODD.search(text):
        return None
    found = list(calculations(text))
    if len(_EQUALS_NUMBER.findall(text)) != len(found):
        return None
    values = dict(new)
    for calculation in found:
        result = _result(text, calculation, values)
        if result is None:
            return None
        old, worked_out = result
        if values.setdefault(old, worked_out) != worked_out:
            return None
    return _rewritten(text, 0, len(text), values)


def _result(
    text: str, calculation: Calculation, values: Mapping[Fraction, Fraction]
) -> tuple[Fraction, Fraction] | None:
    """The old and the new result of a calculation; None where it is wrong, or uses a number from nowhere."""
    start, end = calculation.left
    left = _rewritten(text, start, end, values)
    stated = _NUMBER.search(text, *calculation.right)
    old = calculated(text[start:end])
    worked_out = None if left is None else calculated(left)
    if stated is None or old is None or worked_out is None or old != Fraction(stated[0].replace(",", "")):
        return None
    return (old, worked_out) if worked_out > 0 else None


def _rewritten(text: str, start: int, end: int, values: Mapping[Fraction, Fraction]) -> str | None:
    """A stretch of the text with its numbers replaced; None where one is not known."""
    pieces, at = [], start
    numbers = [(match, Fraction(match[0].replace(",", ""))) for match in _NUMBER.finditer(text, start, end)]
    words = [(match, spelled_value(match[0])) for match in SPELLED.finditer(text, start, end)]
    for match, value in sorted([*numbers, *words], key=lambda each: each[0].start()):
        if value not in values:
            if match[0][0].isalpha() and value == 1:  # "one of them"
                continue
            return None
        pieces += [text[at : match.start()], _as(match[0], values[value])]
        at = match.end()
    rewritten = [*pieces, text[at:end]]
    return None if None in rewritten else "".join(piece for piece in rewritten if piece is not None)


def _as(text: str, value: Fraction) -> str | None:
    if text[0].isalpha():
        word = next((word for word, number in WORDS.items() if number == value), None)
        return word.capitalize() if word and text[0].isupper() else word
    written = like(text, value)
    return None if "/" in written else written
