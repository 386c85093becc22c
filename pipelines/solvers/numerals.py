r"""Numbers as people and models write them, and the one canonical text of each.

    number("$1,250.00")        -> 1250          number_text(Fraction(5, 2))  -> "2.5"
    number("1 1/2 cups")       -> 3/2           number_text(Fraction(1, 3))  -> "1/3"
    number("1.5 * 10^3 km")    -> 1500          number_text(Fraction(-7))    -> "-7"

A percent sign and a unit after the number are dropped: "20%" answers a question for a percentage, so it is 20 here
(inside an equation it is 1/5, see ``expressions``). No algebra is done: "2*24" is not a number. Numbers in words are
``SPELLED``: prose may hold them, and a program may return one.
"""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise

from pipelines.solvers.markup import plain

_LONGEST = 400  # characters of a number; longer ones are not answers to word problems
_LIMIT = 10**310  # beyond every float
_DIGITS = 17  # a float's repr needs no more
_LARGEST_DENOMINATOR = 10**9

_SPELLED = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
WORDS = {word: n for n, word in enumerate(_SPELLED)} | {word: 10 * n for n, word in enumerate(_TENS, 2)}
"""Numbers that are one word, below a hundred."""
SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_SCALES = SCALES | {"dozen": 12, "lakh": 10**5, "lac": 10**5, "crore": 10**7, "mn": 10**6, "mln": 10**6, "bn": 10**9}
_LETTERS = {"k": 10**3, "m": 10**6, "b": 10**9, "t": 10**12}
_PARTS = {"half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8} | {
    "ninth": 9,
    "tenth": 10,
}

_GROUPS = (
    r"\d{1,3}(?:,\d{3})+(?!\d)|\d{1,2}(?:,\d{2})+,\d{3}(?!\d)"
    r"|\d{1,3}(?:(?: \d{3})+|(?:'\d{3})+|(?:_\d{3})+)(?![\d/])"
)
_UNSIGNED = rf"(?:(?:{_GROUPS})(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d{{1,3}}(?!\w|\.\d))?"
NUMBER = re.compile(
    rf"(?P<sign>(?:(?<![\w)])[-+])?)(?P<open>\()?(?P<money>[$€£¥₹]\s?)?(?P<inner>(?:(?<![\w)])-)?)(?P<whole>{_UNSIGNED})"
    rf"(?:\s+(?:and\s+)?(?P<top>\d+)\s?/\s?(?P<bottom>\d+)|\s?/\s?(?P<divisor>{_UNSIGNED})"
    r"|\s?[*x]\s?10\s?\^\s?(?P<power>[-+]?\d{1,3})(?!\d|\.\d)"
    r"|\s+and\s+(?P<parts>(?:an?|one|two|three)[\s-](?:half|quarter|third)s?)\b)?"
    rf"(?(open)\))(?:\s+(?P<scale>{'|'.join(_SCALES)})s?\b|\s?(?P<short>bn|mn|mln|[Ll]akhs?)\b"
    r"|(?P<letter>[kKM]|(?(money)[mbBtT]|(?!)))(?!\w))?"
)
"""A number with its sign, currency, fraction, power of ten and scale, in text that ``markup.plain`` has read."""
_SMALL = "|".join(sorted(WORDS, key=len, reverse=True))
_SCALE = "|".join(SCALES)
SPELLED = re.compile(
    rf"\b(?:(?:{_SMALL}|a(?=\s(?:{_SCALE}))))(?:(?:\s|-|\sand\s)(?:{_SMALL}|{_SCALE})){{0,9}}\b", re.IGNORECASE
)
"""A number in words: "twenty-five", "one hundred and twenty"."""
_SPELLED_WORD = rf"(?:{_SMALL}|(?:{'|'.join(_SCALES)})s?|an?|half|halves|(?:{'|'.join(list(_PARTS)[1:])})s?)\b"
IN_WORDS = re.compile(
    rf"(?:\b(?:minus|negative)\s+|-)?\b{_SPELLED_WORD}(?:(?:\s+and\s+|\s+|-){_SPELLED_WORD}){{0,11}}", re.IGNORECASE
)
"""Words that may be a number, with its sign and fraction: "minus two and a half", "three quarters", "a dozen"."""
_SIGN_WORD = re.compile(r"(?i)\b(?:negative|(?<![\d)%] )minus)\s+(?=[$(\d])")
_LEADING = re.compile(r"(?:[A-Za-z_]\w*\s*=|[\s*(\"'~≈=])*?(?=\(?[-+$€£¥₹.\d])")
_UNIT_TAIL = re.compile(r"(?![.,]\d)[^\d=+*/:;^!√π\\]*(?:(?<=[A-Za-z])\^?[23]|/[A-Za-z]+)?[^\w=+*/:;^√π\\]*")


def number(text: str) -> Fraction | None:
    """The value of a number that stands alone, with its separators, currency and unit; None where it is not one."""
    text = readable(text).strip(" *`\"'$")
    if len(text) > _LONGEST:
        return None
    match = NUMBER.match(text, _end(_LEADING.match(text)))
    return value(match) if match and _UNIT_TAIL.fullmatch(text, match.end()) else None


def readable(text: str) -> str:
    """Plain text in which ``NUMBER`` finds its numbers."""
    return _SIGN_WORD.sub("-", plain(text))


def spelled_value(words: str) -> Fraction:
    """The value of what ``SPELLED`` matched."""
    return _integer(re.split(r"[\s-]+", words.lower()))


def value_in_words(words: str) -> Fraction | None:
    """The value of what ``IN_WORDS`` matched; None where the words are no number (an ordinal: "twenty third")."""
    found = re.findall(r"[a-z]+", words.lower())
    if found[0] in ("minus", "negative") or words.startswith("-"):
        value = _fraction_in_words(found if words.startswith("-") else found[1:])
        return None if value is None else -value
    return _fraction_in_words(found)


def _fraction_in_words(words: list[str]) -> Fraction | None:
    if words[0] == "half" and words[1:2] in (["a"], ["an"]):
        return None if words[2:] == [] or (whole := _fraction_in_words(words[1:])) is None else whole / 2
    *before, last = words
    scale = _SCALES.get(last.removesuffix("s"))
    if scale and before and any(word.removesuffix("s") in _PARTS for word in before):  # one and a half million
        return None if (part := _fraction_in_words(before)) is None else part * scale
    singular = {"halves": "half"}.get(last, last.removesuffix("s"))
    if singular in _PARTS:
        count = before.pop() if before and before[-1] != "and" else ("one" if singular == "half" else "")
        parts = 1 if count in ("a", "an") else WORDS.get(count, 0)
        if parts == 0 or (parts > 1) != (singular != last):
            return None
        if before and (before.pop() != "and" or not before):
            return None
        whole = _fraction_in_words(before) if before else Fraction(0)
        return None if whole is None or whole.denominator > 1 else whole + Fraction(parts, _PARTS[singular])
    if words[0] in ("a", "an") and words[1:2] and words[1] in _SCALES:
        words = words[1:]
    elif words[0] not in WORDS:
        return None
    return _integer(words) if all(_follows(word, before) for before, word in pairwise(words)) else None


def _follows(word: str, before: str) -> bool:
    """Whether a word continues a whole number: "twenty five", "hundred and five", not "five six" or "five and six"."""
    is_scale = word.removesuffix("s") in _SCALES
    if before == "and":
        return word in WORDS
    if word == "and":
        return before in SCALES
    if word in WORDS and before in WORDS:
        return WORDS[before] >= 20 and 0 < WORDS[word] < 10
    return is_scale or word in WORDS


def _integer(words: list[str]) -> Fraction:
    total = current = 0
    for word in words:
        scale = _SCALES.get(word) or _SCALES.get(word.removesuffix("s"))
        if scale == 100:
            current = max(current, 1) * 100
        elif scale:
            total, current = total + max(current, 1) * scale, 0
        else:
            current += WORDS.get(word, 0)
    return Fraction(total + current)


def value(match: re.Match[str]) -> Fraction | None:
    """The value of what ``NUMBER`` matched; None where it divides by zero or is absurdly large."""
    if len(match[0]) > _LONGEST:
        return None
    found = _digits(match["whole"])
    if match["top"]:
        bottom = int(match["bottom"])
        if bottom == 0:
            return None
        found += Fraction(int(match["top"]), bottom)
    elif match["divisor"]:
        divisor = _digits(match["divisor"])
        if divisor == 0:
            return None
        found /= divisor
    elif match["power"]:
        found *= Fraction(10) ** int(match["power"])
    elif match["parts"]:
        part = value_in_words(match["parts"])
        if part is None:
            return None
        found += part
    if scale := match["scale"] or match["short"]:
        found *= _SCALES[scale.lower().removesuffix("s")]
    elif match["letter"]:
        found *= _LETTERS[match["letter"].lower()]
    if abs(found) >= _LIMIT:
        return None
    return -found if (match["sign"] == "-") != (match["inner"] == "-") else found


def _digits(text: str) -> Fraction:
    return Fraction(int(text) if text.isdecimal() else re.sub("[,_' ]", "", text))


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


def _decimal(scaled: int, places: int, negative: bool) -> str:
    digits = str(scaled).rjust(places + 1, "0")
    text = (
        f"{digits[: len(digits) - places]}.{digits[len(digits) - places :]}".rstrip("0").rstrip(".")
        if places
        else digits
    )
    return f"-{text}" if negative and scaled else text


def _end(match: re.Match[str] | None) -> int:
    return match.end() if match else 0
