r"""Gold answers of files that follow no published format: what stands around the answer is taken off.

    15 -> 15            "15 pens" -> 15        "€12,50" -> 12.5        "... = 15 pens\n#### 15" -> 15
    ["15"] -> 15        "−5" -> -5             "1 ½ cups" -> 1.5       "\boxed{\frac{1}{2}}" -> 0.5
    "15:30" -> a time   "2, 5" -> two numbers  "3:2" -> a ratio        nan, "None", "N/A" -> no gold answer

An answer that could mean two things is not guessed: "5,6" may be 5.6 or 5 and 6. It stays text and is marked odd, as
is every text that holds a figure, a number in words, or a whole solution.
"""

import math
import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from pipelines.problems.gold import gold_answer
from pipelines.problems.schema import AnswerKind


@dataclass(frozen=True, slots=True)
class Gold:
    """``answer``: canonical text, or None where the cell says that there is none. ``is_odd``: not surely read."""

    answer: str | None
    kind: AnswerKind
    is_odd: bool = False


NO_GOLD = Gold(None, "number")

_EMPTY = {"", "-", "--", "—", "?", "nan", "none", "null", "nil", "n/a", "n.a.", "na", "<na>", "#n/a", "nat", "unknown"}
_LONGEST = 60
"""Characters of an answer in words; more are a sentence or a solution."""
_LONGEST_NUMBER = 400

_CHARACTERS = {
    **{ord(sign): "-" for sign in "−‐‑‒–﹣－"},
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F) if code != 0xFF0D},
    **{ord(blank): " " for blank in "\u00a0\u2007\u2009\u202f\u3000"},
    **{ord(quote): "'" for quote in "’‘ʼ"},
    **{ord(quote): '"' for quote in "“”„"},
    **{ord(mark): None for mark in "\u200b\u200e\u200f\u2060\ufeff\u00ad"},
    ord("⁄"): "/",
    ord("٫"): ".",
    ord("٬"): ",",
}
_LATEX = (
    (re.compile(r"\\[dt]?frac\s*\{\s*([-\d]+)\s*\}\s*\{\s*(\d+)\s*\}"), r" \1/\2"),
    (re.compile(r"\\[dt]?frac\s*(\d)\s*(\d)"), r" \1/\2"),
    (re.compile(r"\\(?:text|textbf|mathrm|mathbf|mbox)\s*\{([^{}]*)\}"), r" \1"),
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"\\[!,;: ]|\\(?:left|right)\b"), ""),
    (re.compile(r"\\([$%#&])"), r"\1"),
    (re.compile(r"\^?\\circ\b|\^\{\\circ\}"), "°"),
)
_BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{")
_STATED = re.compile(r"(?is)(?:^|.*\bthe\s+|.*\bfinal\s+)answer\s*(?:\bis\b\s*:?|[:=])\s*(?P<rest>[^\n]+)")
_EQUALS = re.compile(r"(?:[A-Za-z]|ans|answer|result)\s*=\s*(?=[^=])")
_SIGN_WORD = re.compile(r"(?i)^(?:minus|negative)\s+(?=[\d.$€£¥₹])")
_CURRENCY = r"(?:(?:US|A|AU|C|CA|NZ|HK|S)?\$|[€£¥₹₩₽]|Rs\.?|USD|EUR|GBP|INR|CHF|CAD|AUD)"
_NUMBER = re.compile(
    rf"(?P<sign>[-+]?)\s?(?P<currency>{_CURRENCY}\s?)?(?P<inner>-?)"
    r"(?P<whole>\d{1,3}(?:,\d{3})+(?!\d)|\d{1,2}(?:,\d{2})+,\d{3}(?!\d)|\d{1,3}(?:[ '_]\d{3})+(?!\d)|\d+|(?=\.\d))"
    r"(?P<decimals>\.\d*)?(?P<power>[eE][-+]?\d{1,3}(?!\d))?"
    r"(?:(?P<blank>\s)?(?P<top>\d+)\s?/\s?(?P<bottom>\d+)|\s?/\s?(?P<divisor>\d+))?"
    rf"(?:\s(?P<scale>hundred|thousand|million|billion|trillion)\b)?(?P<unit>.*)",
    re.S,
)
_CONTINENTAL = re.compile(
    r"(?P<before>[^\d]*)(?:(?P<thousands>\d{1,3}(?:\.\d{3})+),(?P<cents>\d+)|0,(?P<part>\d+)|(?P<whole>\d+),(?P<two>\d\d))"
    r"(?P<after>[^\d]*)"
)
_SCALES = {"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_BEHIND = re.compile(r"\s?(?:[%€£¥₹₩₽$]|°\s?[CFK]?(?![A-Za-z]))?\s*(?P<words>.*?)\s*(?:\([^()\d]*\))?", re.S)
_WORD = re.compile(r"(?:[^\W\d_]{2,}|[msghlLtVWJN])(?:\^?[23]|[²³])?\.?")
_MOST_WORDS = 5
_NUMBERS = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion trillion
    dozen half quarter third lakh crore
"""
_NUMBER_WORDS = frozenset(_NUMBERS.split())
_OTHERS = """
    and or to through until plus minus over by than not if because since as is was are halves fourths fifths sixths
    sevenths eighths ninths tenths hundredths thousandths score scores mn bn mio mil mrd squared cubed factorial
    remainder rem below negative mod pi sqrt root bc bce st nd rd th am pm january february march april may june july
    august september october november december jan feb mar apr jun jul aug sep sept oct nov dec
"""
_NOT_UNITS = frozenset({*_NUMBER_WORDS, *(f"{word}s" for word in _NUMBER_WORDS), *_OTHERS.split()})
"""Words behind a number that make it another number, or none: "5 million", "3 tenths", "6th", "5 May"."""
_TIME = re.compile(r"(?i)(\d{1,2})(?::([0-5]\d)(?::00)?)?\s*(?:([ap])\.?\s?m\.?)?")
_PART = r"((?:[1-9]\d*|0(?=\.))(?:\.\d+)?)"
_RATIO = re.compile(rf"{_PART}\s*:\s*{_PART}(?:\s*:\s*{_PART})?")
_CLOCK = re.compile(r"\d+:\d\d:\d\d")
_LIST = re.compile(r"\s*;\s*|,\s+|\s+and\s+")
_PLAIN = re.compile(r"[-+]?\$?(?:\d{1,3}(?:,\d{3})+|[1-9]\d*|0)(?:\.\d+)?")


def foreign_gold(value: Any) -> Gold:
    """The gold answer in a cell of a file: text, a number, a truth value, or a list of those."""
    if not isinstance(value, str):
        return _typed(value)
    text = value.strip()
    if text.isascii() and len(text) <= _LONGEST_NUMBER and _PLAIN.fullmatch(text):
        return Gold(*gold_answer(text))
    plain = _readable(_innermost(text))
    if plain.casefold() in _EMPTY:
        return NO_GOLD
    known = _known(plain)
    if known is not None:
        return known
    kept = plain.casefold()
    return Gold(kept, "text", is_odd=_is_odd(kept))


def _typed(value: Any) -> Gold:
    """The answer in a cell that is not text."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return NO_GOLD
    if isinstance(value, list):
        return _several(value)
    text = str(value)
    answer, kind = gold_answer(text if len(text) <= _LONGEST_NUMBER else f"{text[:_LONGEST_NUMBER]}...")
    return Gold(answer, kind, is_odd=kind == "text")


def _is_odd(text: str) -> bool:
    """Whether a text holds a figure or a number in words, or is a sentence: more than a name or a choice."""
    words = re.findall(r"[a-z]+", text)
    return (
        len(text) > _LONGEST
        or any(map(str.isnumeric, text))
        or not _NUMBER_WORDS.isdisjoint(words)
        or words[:1] in (["yes"], ["no"], ["true"], ["false"], ["inf"], ["infinity"])
        or "∞" in text
    )


def _several(values: list[Any]) -> Gold:
    """A list of one answer is that answer; a list of numbers has all of them."""
    read = [foreign_gold(value) for value in values]
    if len(read) <= 1:
        return read[0] if read else NO_GOLD
    text = "; ".join(
        str(value if gold.answer is None else gold.answer) for gold, value in zip(read, values, strict=True)
    )
    is_numbers = all(gold.answer is not None and gold.kind == "number" for gold in read)
    return Gold(text, "numbers" if is_numbers else "text", is_odd=not is_numbers)


def _innermost(text: str) -> str:
    """What stands behind the last ####, in the last box, or behind "the answer is"; else the text."""
    if "####" in text:
        return text.rpartition("####")[2].strip().partition("\n")[0]
    if boxes := list(_BOXED.finditer(text)):
        return _braced(text, boxes[-1].end())
    stated = _STATED.fullmatch(text)
    return stated["rest"] if stated else text


def _braced(text: str, start: int) -> str:
    """From ``start`` to the brace that closes it."""
    depth = 1
    for index in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            return text[start:index]
    return text


def _readable(text: str) -> str:
    """One notation for signs, digits, blanks, fractions and LaTeX; marks around the answer are dropped."""
    text = "".join(map(_character, text.translate(_CHARACTERS)))
    if "\\" in text or "{" in text:
        for pattern, instead in _LATEX:
            text = pattern.sub(instead, text)
        text = text.replace("\\(", "").replace("\\)", "")
    text = " ".join(text.split()).strip(" *`\"'")
    if len(text) > 1 and text.startswith("$") and text.endswith("$"):
        text = text[1:-1]
    text = _EQUALS.sub("", text, count=1) if _EQUALS.match(text) else text
    return _SIGN_WORD.sub("-", text.rstrip(" ."), count=1).strip() or text


def _character(character: str) -> str:
    if character < "\x80":
        return character
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    if unicodedata.category(character) == "No" and "⁄" in (form := unicodedata.normalize("NFKC", character)):
        return f" {form.replace('⁄', '/')}"
    return character


def _known(text: str) -> Gold | None:
    """A number with its currency and unit, a time, a ratio, several numbers, yes or no; None for anything else."""
    if len(text) > _LONGEST_NUMBER:
        return None
    number = _number(text)
    if number is not None:
        return Gold(*gold_answer(number))
    time = _TIME.fullmatch(text)
    if time and (time[2] or time[3]):
        hour, half = int(time[1]), (time[3] or "").lower()
        if half and 1 <= hour <= 12:
            hour = hour % 12 + (12 if half == "p" else 0)
        elif half:
            return None
        if hour <= 23:
            return Gold(f"{hour:02d}:{time[2] or '00'}", "time")
    ratio = _RATIO.fullmatch(text)
    if ratio:
        parts = [Fraction(part) for part in ratio.groups() if part]
        return None if _CLOCK.fullmatch(text) or not all(parts) else Gold(_ratio_text(parts), "ratio")
    parts_of_list = _LIST.split(text)
    if len(parts_of_list) > 1:
        each = [gold_answer(part) if _PLAIN.fullmatch(part) else None for part in parts_of_list]
        numbers = [gold[0] for gold in each if gold is not None and gold[1] == "number"]
        return Gold("; ".join(numbers), "numbers") if len(numbers) == len(parts_of_list) else None
    if text.casefold().rstrip("!") in ("yes", "no", "true", "false"):
        return Gold(*gold_answer(text.rstrip("!")))
    return None


def _number(text: str) -> str | None:
    """A number as ``gold_answer`` reads it, without currency, thousands and unit; None where it is not only that."""
    match = _NUMBER.fullmatch(_with_point(text))
    if match is None or (match["sign"] and match["inner"]):
        return None
    whole = re.sub(r"[,\s'_]", "", match["whole"])
    if match["divisor"] or match["top"]:
        if match["decimals"] or match["power"] or (match["top"] and not match["blank"]):
            return None
        bottom = int(match["bottom"] or match["divisor"])
        if bottom == 0:
            return None
        value = int(whole) + Fraction(int(match["top"]), bottom) if match["top"] else Fraction(int(whole), bottom)
    else:
        value = Fraction(f"{whole or 0}{match['decimals'] or ''}{match['power'] or ''}")
    if not _is_unit(match["unit"], is_amount=bool(match["currency"])):
        return None
    value *= _SCALES.get(match["scale"] or "", 1)
    return str(-value if "-" in match["sign"] + match["inner"] else value)


def _is_unit(text: str, *, is_amount: bool) -> bool:
    """Whether what stands behind a number leaves its value alone; "m" behind an amount is a million, not a metre."""
    behind = _BEHIND.fullmatch(text)
    words = re.split(r"\s*[/-]\s*|\s+", behind["words"]) if behind and behind["words"] else []
    return (
        behind is not None
        and len(words) <= _MOST_WORDS
        and all(_WORD.fullmatch(word) and word.casefold().rstrip(".") not in _NOT_UNITS for word in words)
        and not (is_amount and any(len(word) == 1 for word in words))
    )


def _with_point(text: str) -> str:
    """A decimal comma as a point, where it can be nothing else: "1.250,00", "0,5", and amounts such as "12,50 €"."""
    match = _CONTINENTAL.fullmatch(text)
    if match is None:
        return text
    if match["thousands"]:
        number = f"{match['thousands'].replace('.', '')}.{match['cents']}"
    elif match["part"]:
        number = f"0.{match['part']}"
    elif re.search(_CURRENCY, match["before"] + match["after"]):
        number = f"{match['whole']}.{match['two']}"
    else:
        return text
    return f"{match['before']}{number}{match['after']}"


def _ratio_text(parts: list[Fraction]) -> str:
    """The smallest whole numbers in a ratio of positive parts: "3:2"."""
    scale = math.lcm(*(part.denominator for part in parts))
    whole = [int(part * scale) for part in parts]
    common = math.gcd(*whole)
    return ":".join(str(part // common) for part in whole)
