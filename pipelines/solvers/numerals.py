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

_UNSIGNED = r"(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d{1,3}(?!\w|\.\d))?"
NUMBER = re.compile(
    rf"(?P<sign>(?:(?<![\w)])[-+])?)(?P<open>\()?(?:[$€£¥₹]\s?)?(?P<inner>(?:(?<![\w)])-)?)(?P<whole>{_UNSIGNED})"
    rf"(?:\s+(?P<top>\d+)\s?/\s?(?P<bottom>\d+)|\s?/\s?(?P<divisor>{_UNSIGNED})"
    r"|\s?[*x]\s?10\s?\^\s?(?P<power>[-+]?\d{1,3})(?!\d|\.\d))?"
    rf"(?(open)\))(?:\s+(?P<scale>{'|'.join(SCALES)})\b)?"
)
"""A number with its sign, currency, fraction, power of ten and scale, in text that ``markup.plain`` has read."""
_SMALL = "|".join(sorted(WORDS, key=len, reverse=True))
_SCALE = "|".join(SCALES)
SPELLED = re.compile(
    rf"\b(?:(?:{_SMALL}|a(?=\s(?:{_SCALE}))))(?:(?:\s|-|\sand\s)(?:{_SMALL}|{_SCALE})){{0,9}}\b", re.IGNORECASE
)
"""A number in words: "twenty-five", "one hundred and twenty"."""
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
    total = current = 0
    for word in re.split(r"[\s-]+", words.lower()):
        if word == "hundred":
            current = max(current, 1) * 100
        elif word in SCALES:
            total, current = total + max(current, 1) * SCALES[word], 0
        else:
            current += WORDS.get(word, 0)
    return Fraction(total + current)


def value(match: re.Match[str]) -> Fraction | None:
    """The value of what ``NUMBER`` matched; None where it divides by zero or is absurdly large."""
    if len(match[0]) > _LONGEST:
        return None
    found = Fraction(match["whole"].replace(",", ""))
    if match["top"]:
        bottom = int(match["bottom"])
        if bottom == 0:
            return None
        found += Fraction(int(match["top"]), bottom)
    elif match["divisor"]:
        divisor = Fraction(match["divisor"].replace(",", ""))
        if divisor == 0:
            return None
        found /= divisor
    elif match["power"]:
        found *= Fraction(10) ** int(match["power"])
    found *= SCALES.get(match["scale"] or "", 1)
    if abs(found) >= _LIMIT:
        return None
    return -found if (match["sign"] == "-") != (match["inner"] == "-") else found


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
