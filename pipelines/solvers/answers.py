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
from pipelines.solvers.numerals import NUMBER, number, number_text, readable, value
from pipelines.solvers.stated import UNANSWERED, is_whole, last_number, mentions_number, stated_number

if TYPE_CHECKING:  # keeps pyarrow out of the confined process
    from pipelines.problems.schema import AnswerKind

TOLERANCE = Fraction(1, 1000)  # XoT's, METHOD section 4
RELATIVE_TOLERANCE = Fraction(1, 10**9)
_RELATIVE_ABOVE = 10**6
_ROUNDING = Fraction(1, 10**9)  # a program's 0.1 + 0.2 - 0.3 is 0
_TIME = re.compile(
    r"(?<![\d:.])(\d{1,2}):([0-5]\d)(?::[0-5]\d)?(?:(?:\s*(?=[ap]\.?\s?m\b)|(?=[ap]\b))([ap]))?"
    r"|(\d{1,2})\s*([ap])\.?\s?m\b",
    re.I,
)
"""A time of day: "15:30", "3:30 p.m.", "3:30p", "7 am"."""
_PART = r"(?<!\d)(\d{1,40}(?:\.\d{1,40})?)(?!\d)"  # bounded: a completion may hold one figure ten thousand times
_RATIO = re.compile(rf"{_PART}\s*(?::|/|\bto\b)\s*{_PART}(?:\s*(?::|\bto\b)\s*{_PART})?")
_BOOLEAN = re.compile(r"\b(yes|no|true|false)\b", re.I)
_SAYS = re.compile(
    r"(?i)\banswers?\b(?<!to answer)(?<!wrong answer)(?<!incorrect answer)"
    r"(?:[^.\n:=,]{0,40}?|, in [^,.\n]{1,20}, )(?:\b(?:is|are)\b|:|=)\s*:?"
)
_HASHES = re.compile(r"####")
_HEADING = re.compile(r"\d+\s*[.):]\s")
_BOXED = re.compile(r"\\(?:boxed|fbox)\s*(?:\{|(?=\d))")
_TAGGED = re.compile(r"(?i)[<\[](?P<tag>(?:final[ _])?answer)[>\]](?=(?P<tagged>[^\n]{0,2000}?)\s*[<\[]/(?P=tag)[>\]])")
_MARKS = {"the answer is": _SAYS, "####": _HASHES, "boxed": _BOXED, "tagged": _TAGGED}
_MOST_MARKS = 20
_CONFIDENCE = re.compile(
    r"(?im)^[^\w\n<]*(?:my |overall )?(?:confidence|certainty|probability)\b[^\n]*$"
    r"|<(confidence|certainty|probability|score)>.*?</\1>|\(?\bconfidence(?: level| score)?\s?[:=]\s?[\d.]+\s?%?\)?"
)
_FACTORIAL = re.compile(r"\d\s?!")
_BOTH = re.compile(r"\}\s*\$?\s*(?:or|and|,)\s*\$?\s*$")
_PLAIN_START = re.compile(r"[-+~≈($€£\d.]")


@dataclass(frozen=True)
class Extracted:
    """An answer in prose: canonical text, and ``how``.

    ``how`` is ``the answer is``, ``####``, ``boxed``, ``tagged`` (``<answer>``) or ``last number``.
    """

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

    Numbers: |a-b| < 1e-3, and below 0.1 less than 1 % of the larger (or 1e-9); two integers exactly; a relative
    difference of 1e-9 where a non-integer exceeds 1e6.
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
    """The answer that prose ends with: its last "answer is", "####", boxed or tagged part, else its last number.

    A mark that only begins a calculation or names something else is passed over; one in brackets is the last choice.
    The last resort also takes the last yes or no, time or ratio; texts and several numbers need a mark.
    """
    text = readable(text)
    if any(word in text for word in ("onfidence", "ertainty", "robability", "<score")):
        text = _CONFIDENCE.sub("", text)
    found = [(m, how) for how, mark in _MARKS.items() if how != "tagged" or "/" in text for m in mark.finditer(text)]
    found.sort(key=lambda each: (not _is_remark(text, each[0].start()), each[0].start()), reverse=True)
    is_stated = False
    for match, how in found[:_MOST_MARKS]:
        if how == "boxed" and _BOTH.search(text[max(match.start() - 12, 0) : match.start()]) and kind == "number":
            return None  # \boxed{5} or \boxed{6}
        part = match["tagged"] if how == "tagged" else (_braced if how == "boxed" else _line)(text, match.end())
        answer = _headed(part, kind) if how == "####" else _stated(part, kind)
        if how in ("boxed", "tagged") and kind == "number" and _FACTORIAL.search(part):
            answer = None
        if answer is not None:
            return Extracted(answer, how)
        is_stated |= UNANSWERED.search(part) is not None or (
            mentions_number(part)
            and (how != "####" or (_PLAIN_START.match(part) is not None and not _HEADING.match(part)))
        )
    if is_stated or kind in ("text", "numbers"):
        return None
    answer = _last(text, kind)
    return None if answer is None else Extracted(answer, "last number")


def _is_remark(text: str, start: int) -> bool:
    """Whether a mark stands in round brackets: "The answer is 12. (A common slip: the answer is 10.)"."""
    line = text[max(text.rfind("\n", 0, start) + 1, start - 200) : start]
    return line.count("(") > line.count(")")


def _headed(part: str, kind: AnswerKind) -> str | None:
    """The answer behind "####", which is also Markdown's sign of a heading ("#### Step 2: multiply")."""
    if kind == "text":
        return _stated(part, kind)
    if _HEADING.match(part):
        return None
    answer = canonical(part, kind)
    return _stated(part, kind) if answer is None and kind == "number" and _PLAIN_START.match(part) else answer


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
        values = [value(match) for match in NUMBER.finditer(part) if is_whole(part, match)]
        return "; ".join(number_text(each) for each in values if each is not None) or None
    found = stated_number(part)
    return None if found is None else number_text(found)


def _last(text: str, kind: AnswerKind) -> str | None:
    """The last resort: the last number, yes or no, time or ratio of the text."""
    if kind == "boolean":
        words = _BOOLEAN.findall(text)
        return canonical(words[-1], kind) if words else None
    if kind == "number":
        found = last_number(text)
        return None if found is None else number_text(found)
    matches = list((_RATIO if kind == "ratio" else _TIME).finditer(text))
    if not matches:
        return None
    return _ratio_text(matches[-1]) if kind == "ratio" else _time_text(matches[-1])


def _numbers_equal(a: Fraction | None, b: Fraction | None) -> bool:
    if a is None or b is None:
        return False
    difference = abs(a - b)
    broken = [abs(value) for value in (a, b) if value.denominator != 1]
    if not broken:
        return difference == 0
    if max(broken) > _RELATIVE_ABOVE and difference <= RELATIVE_TOLERANCE * max(abs(a), abs(b)):
        return True
    return difference < max(_ROUNDING, min(TOLERANCE, max(abs(a), abs(b)) / 100))


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
    is_next = text[start - 1] == "\n"
    for line in text[start : start + 2000].splitlines():
        if line.strip(" *:$"):
            return line.strip().removeprefix("- ") if is_next else line.strip()  # a bullet
        is_next = True
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
