"""Gold answers: the canonical text and the kind of what a data set gives as its answer.

    "1,200" -> ("1200", "number")      "3:2" -> ("3:2", "ratio")       "yes" -> ("yes", "boolean")
    "$2.50" -> ("2.5", "number")       "2; 5" -> ("2; 5", "numbers")   "Alice" -> ("alice", "text")

These are short and clean. Those of files that follow no published format are read by ``foreign_gold``; finding an
answer in a model's text is ``pipelines.solvers.answers``.
"""

import re
from fractions import Fraction

from pipelines.problems.schema import AnswerKind

_NUMBER = re.compile(r"[-+]?\$?(?:(?:\d{1,3}(?:,\d{3})+|\d+)\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?%?")
_FRACTION = re.compile(r"[-+]?\d+\s*/\s*\d+")
_RATIO = re.compile(r"(\d+)\s*:\s*(\d+)")


def gold_answer(text: str) -> tuple[str, AnswerKind]:
    """Canonical text and kind of a data set's answer."""
    if text.isdecimal() and text.isascii() and not text.startswith("0"):  # most are whole numbers: no Fraction
        return text, "number"
    text = " ".join(text.split())
    number = _number(text)
    if number is not None:
        return number, "number"
    parts = [_number(part.strip()) for part in text.split(";")]
    if len(parts) > 1 and all(part is not None for part in parts):
        return "; ".join(str(part) for part in parts), "numbers"
    ratio = _RATIO.fullmatch(text)
    if ratio:
        share = Fraction(int(ratio[1]), int(ratio[2])) if int(ratio[2]) else None
        return (f"{share.numerator}:{share.denominator}" if share else text), "ratio"
    if text.casefold() in ("yes", "true", "no", "false"):
        return ("yes" if text.casefold() in ("yes", "true") else "no"), "boolean"
    return text.casefold().strip(" .") or text, "text"


def _number(text: str) -> str | None:
    if _FRACTION.fullmatch(text):
        top, bottom = text.replace(" ", "").split("/")
        return number_text(Fraction(int(top), int(bottom))) if int(bottom) else None
    if not _NUMBER.fullmatch(text):
        return None
    plain = text.replace(",", "").replace("$", "").rstrip("%")
    return number_text(Fraction(plain))


def number_text(value: Fraction) -> str:
    """ "48", "2.5", or a reduced fraction such as "1/3" where decimals would not end."""
    if value.denominator == 1:
        return str(value.numerator)
    rest, twos, fives = value.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest != 1:
        return f"{value.numerator}/{value.denominator}"
    places = max(twos, fives)
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"
