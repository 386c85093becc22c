r"""What the answer in a text is, its canonical form, and when two answers are equal.

    canonical("$1,250.00", "number")              -> "1250"
    canonical("2/6", "number")                    -> "1/3"
    extract("... 6 * 8 = 48. The answer is 48.")  -> Extracted(answer="48", how="the answer is")
    equal("0.3333", "1/3", "number")              -> True

Canonical forms: number "48", "2.5", "1/3" (reduced, where decimals would not end); numbers "3; 5" in the
order given; ratio "2:3"; time "15:30"; boolean "yes"; text in lower case. A percent sign and a unit after
the number are dropped: "20%" answers a question for a percentage, so it is 20 here (inside an equation it is
1/5, see ``expressions``). No algebra is done here: "2*24" is not a number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # keeps pyarrow out of the confined process
    from pipelines.problems.schema import AnswerKind

TOLERANCE = Fraction(1, 1000)  # XoT's, METHOD section 4
RELATIVE_TOLERANCE = Fraction(1, 10**9)
_RELATIVE_ABOVE = 10**6
_LONGEST = 400  # characters of a number; longer ones are not answers to word problems
_LIMIT = 10**310  # beyond every float
_DIGITS = 17  # a float's repr needs no more
_LARGEST_DENOMINATOR = 10**9

_UNSIGNED = r"(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d{1,3}(?![\w.]))?"
_NUMBER = re.compile(
    rf"(?P<sign>(?:(?<![\w)])[-+])?)(?:[$€£¥₹]\s?)?(?P<inner>(?:(?<![\w)])-)?)(?P<whole>{_UNSIGNED})"
    rf"(?:\s+(?P<top>\d+)\s?/\s?(?P<bottom>\d+)|\s?/\s?(?P<divisor>{_UNSIGNED}))?"
)
_UNIT_TAIL = re.compile(r"[^\d=+*/:;]*(?:(?<=[A-Za-z])\^?[23]|/[A-Za-z]+)?[^\w=+*/:;]*")
_LEADING = re.compile(r"(?:[A-Za-z_]\w*\s*=|[\s*(\"'~≈=])*")
_TIME = re.compile(
    r"(?<![\d:.])(\d{1,2})(?::([0-5]\d))(?::[0-5]\d)?\s*([ap])?\.?\s?(?:m\b)?|(\d{1,2})\s*([ap])\.?\s?m\b", re.I
)
_RATIO = re.compile(r"(\d+(?:\.\d+)?)\s*(?::|/|\bto\b)\s*(\d+(?:\.\d+)?)(?:\s*(?::|\bto\b)\s*(\d+(?:\.\d+)?))?")
_BOOLEAN = re.compile(r"\b(yes|no|true|false)\b", re.I)
_SAYS = re.compile(r"(?i)\banswer\b[^.\n:=]{0,40}?(?:\bis\b|:|=)\s*:?")
_HASHES = re.compile(r"####")
_BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{")
_LATEX = (
    (re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}"), r"\1/\2"),
    (re.compile(r"\\(?:text|mathrm|mathbf|textbf)\s*\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\{,\}|\\[,!;]"), ","),
    (re.compile(r"\\([%$])"), r"\1"),
    (re.compile(r"\\[()\[\]]"), " "),
)
_SIGNS = str.maketrans({"−": "-", "–": "-", "\u00a0": " ", "\u202f": " "})


@dataclass(frozen=True)
class Extracted:
    """An answer in prose: canonical text, and ``how``: ``the answer is``, ``####``, ``boxed`` or ``last number``."""

    answer: str
    how: str


def number(text: str) -> Fraction | None:
    """The value of a canonical number ("48", "2.5", "1/3", "-7"), or of one written with separators, currency, unit."""
    text = _plain(text).strip(" *`\"'")
    if len(text) > _LONGEST:
        return None
    match = _NUMBER.match(text, _end(_LEADING.match(text)))
    if match is None or not _UNIT_TAIL.fullmatch(text, match.end()):
        return None
    return _value(match)


def number_text(value: Fraction) -> str:
    """Canonical text: an integer, a decimal that ends within 17 digits, a reduced fraction, else 17 digits."""
    if value.denominator == 1:
        return str(value.numerator)
    rest, twos, fives = value.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    places = max(twos, fives)
    scaled = abs(value.numerator) * 10**places // value.denominator
    if rest == 1 and len(str(scaled)) <= _DIGITS:
        return _decimal(scaled, places, value < 0)
    if value.denominator <= _LARGEST_DENOMINATOR:
        return f"{value.numerator}/{value.denominator}"
    magnitude = len(str(abs(value.numerator))) - len(str(value.denominator))
    places = max(_DIGITS - 1 - magnitude, 0)
    return _decimal(round(abs(value) * 10**places), places, value < 0)


def canonical(text: str, kind: AnswerKind) -> str | None:
    """The canonical text of an answer that stands alone (no prose around it), or None where it is not of that kind."""
    text = _plain(text).strip()
    match kind:
        case "number":
            value = number(text)
            return None if value is None else number_text(value)
        case "numbers":
            parts = [number(part) for part in re.split(r";|\band\b|,\s", text) if part.strip()]
            return (
                "; ".join(number_text(part) for part in parts if part is not None)
                if parts and all(part is not None for part in parts)
                else None
            )
        case "ratio":
            ratio = _RATIO.fullmatch(text)
            return _ratio_text(ratio) if ratio else None
        case "time":
            time = _TIME.match(text)
            return _time_text(time) if time else None
        case "boolean":
            found = _BOOLEAN.match(text)
            return {"y": "yes", "t": "yes"}.get(found[1][0].lower(), "no") if found else None
        case _:
            return " ".join(text.strip(" .!?\"'*`").casefold().split()) or None


def equal(a: str, b: str, kind: AnswerKind) -> bool:
    """Whether two answers are equal (METHOD section 4).

    Numbers: |a-b| < 1e-3; two integers exactly; a relative difference of 1e-9 where a non-integer exceeds 1e6.
    What is not a finite number equals nothing. Other kinds: the same canonical text; ``numbers`` in their order.
    """
    if kind == "number":
        return _numbers_equal(number(a), number(b))
    left, right = canonical(a, kind), canonical(b, kind)
    if left is None or right is None:
        return False
    if kind == "numbers":
        lefts, rights = left.split("; "), right.split("; ")
        return len(lefts) == len(rights) and all(equal(x, y, "number") for x, y in zip(lefts, rights, strict=True))
    return left == right


def extract(text: str, kind: AnswerKind = "number") -> Extracted | None:
    """The answer that prose ends with: its last "answer is", "####" or boxed part, else its last number.

    The last resort also takes the last yes or no, time or ratio; texts and several numbers need a mark.
    """
    text = _plain(text)
    marked = [(m.start(), "the answer is", _line(text, m.end())) for m in _SAYS.finditer(text)]
    marked += [(m.start(), "####", _line(text, m.end())) for m in _HASHES.finditer(text)]
    marked += [(m.start(), "boxed", _braced(text, m.end())) for m in _BOXED.finditer(text)]
    for _, how, part in sorted(marked, reverse=True):
        answer = _found(part, kind, first=True)
        if answer is not None:
            return Extracted(answer, how)
    if kind in ("text", "numbers"):
        return None
    answer = _found(text, kind, first=False)
    return None if answer is None else Extracted(answer, "last number")


def _found(part: str, kind: AnswerKind, first: bool) -> str | None:
    """The answer somewhere in a piece of prose: after a mark the first one (after a last "="), else the last."""
    if kind == "text":
        return canonical(re.split(r"\.\s|\.$", part, maxsplit=1)[0], "text")
    if kind == "boolean":
        found = _BOOLEAN.findall(part)
        return canonical(found[0 if first else -1], kind) if found else None
    pattern = {"ratio": _RATIO, "time": _TIME}.get(kind, _NUMBER)
    if first and kind == "number":
        sentence = re.split(r"\.\s", part, maxsplit=1)[0]
        part = sentence[sentence.rfind("=") + 1 :] if pattern.search(sentence, sentence.rfind("=") + 1) else sentence
    matches = [match for match in pattern.finditer(part) if kind != "number" or not _inside_word(part, match.start())]
    if not matches:
        return None
    if kind == "numbers":
        values = [_value(match) for match in matches]
        return "; ".join(number_text(value) for value in values if value is not None)
    match = matches[0 if first else -1]
    if kind == "ratio":
        return _ratio_text(match)
    if kind == "time":
        return _time_text(match)
    value = _value(match)
    return None if value is None else number_text(value)


def _value(match: re.Match[str]) -> Fraction | None:
    if len(match[0]) > _LONGEST:
        return None
    value = Fraction(match["whole"].replace(",", ""))
    if match["top"]:
        bottom = int(match["bottom"])
        if bottom == 0:
            return None
        value += Fraction(int(match["top"]), bottom)
    elif match["divisor"]:
        divisor = Fraction(match["divisor"].replace(",", ""))
        if divisor == 0:
            return None
        value /= divisor
    if abs(value) >= _LIMIT:
        return None
    return -value if (match["sign"] == "-") != (match["inner"] == "-") else value


def _numbers_equal(a: Fraction | None, b: Fraction | None) -> bool:
    if a is None or b is None:
        return False
    difference = abs(a - b)
    broken = [abs(value) for value in (a, b) if value.denominator != 1]
    if not broken:
        return difference == 0
    if max(broken) > _RELATIVE_ABOVE and difference <= RELATIVE_TOLERANCE * max(abs(a), abs(b)):
        return True
    return difference < TOLERANCE


def _decimal(scaled: int, places: int, negative: bool) -> str:
    digits = str(scaled).rjust(places + 1, "0")
    text = (
        f"{digits[: len(digits) - places]}.{digits[len(digits) - places :]}".rstrip("0").rstrip(".")
        if places
        else digits
    )
    return f"-{text}" if negative and scaled else text


def _ratio_text(match: re.Match[str]) -> str | None:
    parts = [Fraction(part) for part in match.groups() if part is not None]
    if any(part == 0 for part in parts):
        return None
    scale = parts[0]
    for part in parts[1:]:  # gcd of fractions: of a/b and c/d it is gcd(a*d, c*b) / (b*d)
        scale = Fraction(
            _gcd(scale.numerator * part.denominator, part.numerator * scale.denominator),
            scale.denominator * part.denominator,
        )
    return ":".join(str((part / scale).numerator) for part in parts)


def _gcd(a: int, b: int) -> int:
    while b:
        a, b = b, a % b
    return a


def _time_text(match: re.Match[str]) -> str | None:
    hour, minute = int(match[1] or match[4]), int(match[2] or 0)
    half = (match[3] or match[5] or "").lower()
    if (half and not 1 <= hour <= 12) or hour > 23:
        return None
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    return f"{hour:02d}:{minute:02d}"


def _plain(text: str) -> str:
    text = text.translate(_SIGNS)
    if "\\" in text or "{" in text:
        for pattern, replacement in _LATEX:
            text = pattern.sub(replacement, text)
    return text


def _line(text: str, start: int) -> str:
    """From ``start`` to the end of the line, or the next line where this one is empty."""
    for line in text[start : start + 2000].splitlines():
        if line.strip(" *:$"):
            return line.strip()
    return ""


def _braced(text: str, start: int) -> str:
    depth = 1
    for index in range(start, min(len(text), start + 2000)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            return text[start:index]
    return ""


def _inside_word(text: str, start: int) -> bool:
    """ "day2" and "A-1" hold no number of their own."""
    return start > 0 and (text[start - 1].isalpha() or text[start - 1] == "_")


def _end(match: re.Match[str] | None) -> int:
    return match.end() if match else 0
