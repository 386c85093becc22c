r"""What the answer in a text is, its canonical form, and when two answers are equal.

    canonical("$1,250.00", "number")              -> "1250"
    canonical("2/6", "number")                    -> "1/3"
    extract("... 6 * 8 = 48. The answer is 48.")  -> Extracted(answer="48", how="the answer is")
    equal("0.3333", "1/3", "number")              -> True

Canonical forms: number "48", "2.5", "1/3" (``numerals``); numbers "3; 5" in the order given; ratio "2:3"; time
"15:30"; boolean "yes"; text in lower case. No algebra is done here: after "The answer is 10 - 3" or
"5\\sqrt{2}" there is no answer, and neither the 10 nor the 5 is taken for one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from typing import TYPE_CHECKING

from pipelines.solvers.markup import plain
from pipelines.solvers.numerals import NUMBER, SPELLED, number, number_text, readable, spelled_value, value

if TYPE_CHECKING:  # keeps pyarrow out of the confined process
    from pipelines.problems.schema import AnswerKind

TOLERANCE = Fraction(1, 1000)  # XoT's, METHOD section 4
RELATIVE_TOLERANCE = Fraction(1, 10**9)
_RELATIVE_ABOVE = 10**6
_TIME = re.compile(
    r"(?<![\d:.])(\d{1,2}):([0-5]\d)(?::[0-5]\d)?(?:(?:\s*(?=[ap]\.?\s?m\b)|(?=[ap]\b))([ap]))?"
    r"|(\d{1,2})\s*([ap])\.?\s?m\b",
    re.I,
)
"""A time of day: "15:30", "3:30 p.m.", "3:30p", "7 am"."""
_PART = r"(?<!\d)(\d{1,40}(?:\.\d{1,40})?)(?!\d)"  # bounded: a completion may hold one figure ten thousand times
_RATIO = re.compile(rf"{_PART}\s*(?::|/|\bto\b)\s*{_PART}(?:\s*(?::|\bto\b)\s*{_PART})?")
_BOOLEAN = re.compile(r"\b(yes|no|true|false)\b", re.I)
_SAYS = re.compile(r"(?i)(?<!to )\banswer\b(?:[^.\n:=,]{0,40}?|, in [^,.\n]{1,20}, )(?:\bis\b|:|=)\s*:?")
_HASHES = re.compile(r"####")
_HEADING = re.compile(r"\d+\s*[.):]\s")
_BOXED = re.compile(r"\\(?:boxed|fbox)\s*(?:\{|(?=\d))")
_MARKS = {"the answer is": _SAYS, "####": _HASHES, "boxed": _BOXED}
_MOST_MARKS = 20
_LETTER = r"(?:\s?[a-z](?![a-z]))?"
_GOES_ON = re.compile(
    rf"{_LETTER}\s?(?:[+/÷:]\s?[$£€]?\s?[\d(\\√.]|-\s?[$£€]?\d|-\s[(\\√]|\*(?!\*)\s?[\d(\\√a-z]|\*\*\d)"
    rf"|{_LETTER}\s?\^|\sx\s\d|[.,]\d|\s\d|!(?!\s|$|\W)|\s?(?:√|π|\\(?:sqrt|pi))"
)
"""Behind a number: it is only the beginning of something else (10 - 3, 2^5, 5√2, 10:30, 1.250,00)."""
_UNKNOWN = re.compile(r"\s?[-+]\s?(?![aAI]\s)[A-Za-z](?![A-Za-z'/]|\.[A-Za-z])")
"""Behind a number: an unknown (10 - x), so that what is stated is no number; not "18 - a good price"."""
_GOES_BEFORE = re.compile(
    r"(?:[\d)]\s?(?:[*/^:]|[+-]\s)\s?[$£€]?\s?|[\d)]-|[A-Za-z)][+*^/]\s?|[A-Za-z)]\s[+*^x]\s|\d\sx\s|\^|√|\\sqrt\s?\{?|\d[\s.,])$"
)
"""Before a number: it is only the end of something else."""
_CLAIM = re.compile(
    r"(?i)[^\w=]*(?:[a-z_]\w*\s*=[^\w=]*)?\d.*?"
    r"(?=(?<!and )\b(?:because|since)\b|(?<=[\d,]\s)as\s[$(\d]|(?<=[\w%])\s?\((?=[^()]*=[^()]*\)\W*$))"
)
"""An answer in front of its reasons, which have calculations of their own (4 because 4 * 3 = 12)."""


@dataclass(frozen=True)
class Extracted:
    """An answer in prose: canonical text, and ``how``: ``the answer is``, ``####``, ``boxed`` or ``last number``."""

    answer: str
    how: str


def canonical(text: str, kind: AnswerKind) -> str | None:
    """The canonical text of an answer that stands alone (no prose around it), or None where it is not of that kind."""
    text = plain(text).strip()
    match kind:
        case "number":
            found = number(text)
            return None if found is None else number_text(found)
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
            word = _BOOLEAN.match(text)
            return {"y": "yes", "t": "yes"}.get(word[1][0].lower(), "no") if word else None
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

    A mark that only begins a calculation or names something else is passed over. The last resort also takes the last
    yes or no, time or ratio; texts and several numbers need a mark.
    """
    text = readable(text)
    found = [(m.start(), m.end(), how) for how, mark in _MARKS.items() for m in mark.finditer(text)]
    is_stated = False
    for _, end, how in sorted(found, reverse=True)[:_MOST_MARKS]:
        part = _braced(text, end) if how == "boxed" else _line(text, end)
        answer = _headed(part, kind) if how == "####" else _stated(part, kind)
        if answer is not None:
            return Extracted(answer, how)
        is_stated |= how != "####" and any(map(str.isdigit, part))
    if is_stated or kind in ("text", "numbers"):
        return None
    answer = _last(text, kind)
    return None if answer is None else Extracted(answer, "last number")


def _headed(part: str, kind: AnswerKind) -> str | None:
    """The answer behind "####", which is also Markdown's sign of a heading ("#### Step 2: multiply")."""
    if kind == "text":
        return _stated(part, kind)
    return None if _HEADING.match(part) else canonical(part, kind)


def _stated(part: str, kind: AnswerKind) -> str | None:
    """The first answer behind a mark; a number is the one after the last "=" of the sentence, its reasons left out."""
    if kind == "text":
        return canonical(re.split(r"\.\s|\.$", part, maxsplit=1)[0], "text")
    if kind == "boolean":
        word = _BOOLEAN.search(part)
        return canonical(word[0], kind) if word else None
    if kind == "ratio":
        ratio = _RATIO.search(part)
        return _ratio_text(ratio) if ratio else None
    if kind == "time":
        time = _TIME.search(part)
        return _time_text(time) if time else None
    if kind == "numbers":
        values = [value(match) for match in NUMBER.finditer(part) if _is_whole(part, match)]
        return "; ".join(number_text(each) for each in values if each is not None) or None
    sentence = re.split(r"(?<![A-Z]\b)\.\s", part, maxsplit=1)[0]
    if claim := _CLAIM.match(sentence):
        sentence = claim[0]
    equal_sign = sentence.rfind("=")
    piece = sentence[equal_sign + 1 :] if NUMBER.search(sentence, equal_sign + 1) else sentence
    first = NUMBER.search(piece)
    if first is None:
        word = SPELLED.search(piece)
        return number_text(spelled_value(word[0])) if word else None
    if _UNKNOWN.match(piece, first.end()):
        return None
    for match in NUMBER.finditer(piece):
        if _is_whole(piece, match):
            found = value(match)
            return None if found is None else number_text(found)
    return None


def _last(text: str, kind: AnswerKind) -> str | None:
    """The last resort: the last number, yes or no, time or ratio of the text."""
    if kind == "boolean":
        words = _BOOLEAN.findall(text)
        return canonical(words[-1], kind) if words else None
    pattern = {"ratio": _RATIO, "time": _TIME}.get(kind, NUMBER)
    match = None
    for each in pattern.finditer(text):
        if kind != "number" or not _inside_word(text, each.start()):
            match = each
    if match is None:
        return None
    if kind == "ratio":
        return _ratio_text(match)
    if kind == "time":
        return _time_text(match)
    found = value(match)
    return None if found is None else number_text(found)


def _is_whole(text: str, match: re.Match[str]) -> bool:
    """Whether a number stands for itself and is no part of a calculation, a word, a time or a date."""
    before = text[max(match.start() - 12, 0) : match.start()]
    return not (_inside_word(text, match.start()) or _GOES_ON.match(text, match.end()) or _GOES_BEFORE.search(before))


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


def _ratio_text(match: re.Match[str]) -> str | None:
    parts = [Fraction(part) for part in match.groups() if part is not None]
    if any(part == 0 for part in parts):
        return None
    scale = parts[0]
    for part in parts[1:]:  # gcd of fractions: of a/b and c/d it is gcd(a*d, c*b) / (b*d)
        scale = Fraction(
            gcd(scale.numerator * part.denominator, part.numerator * scale.denominator),
            scale.denominator * part.denominator,
        )
    return ":".join(str((part / scale).numerator) for part in parts)


def _time_text(match: re.Match[str]) -> str | None:
    hour, minute = int(match[1] or match[4]), int(match[2] or 0)
    half = (match[3] or match[5] or "").lower()
    if (half and not 1 <= hour <= 12) or hour > 23:
        return None
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    return f"{hour:02d}:{minute:02d}"


def _line(text: str, start: int) -> str:
    """From ``start`` to the end of the line, or the next line where this one is empty."""
    for line in text[start : start + 2000].splitlines():
        if line.strip(" *:$"):
            return line.strip()
    return ""


def _braced(text: str, start: int) -> str:
    if text[start - 1] != "{":  # \\boxed 18
        return text[start : start + 40].split()[0]
    depth = 1
    for index in range(start, min(len(text), start + 2000)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            return text[start:index]
    return ""


def _inside_word(text: str, start: int) -> bool:
    """ "day2" and "A-1" hold no number of their own."""
    return start > 0 and (text[start - 1].isalpha() or text[start - 1] == "_")
