"""The number that a piece of prose states: all of what it says, or none.

    "18 dollars because 9 * 2 = 18"     ->  18          "5 or 6", "between 5 and 6"   ->  None
    "1 hour and 30 minutes"             ->  3/2         "2x = 8", "x > 5", "±12"      ->  None
    "2/3 of 90, which is 60"            ->  60          "20% of 50", "3 times 5"      ->  None

A part of what is stated is never taken for the whole. A quantity in two units of one family is read in the first,
where the conversion is certain. No calculation is done; of one that is written out, the result is read.
"""

from __future__ import annotations

import re
from fractions import Fraction

from pipelines.solvers.numerals import IN_WORDS, NUMBER, WORDS, value, value_in_words
from pipelines.solvers.units import FAMILY, per

_LETTER = r"(?:\s?[a-z](?![a-z]))?"
_GOES_ON = re.compile(
    rf"{_LETTER}\s?(?:[+/÷:]\s?[$£€]?\s?[\d(\\√.]|-\s?[$£€]?\d|-\s[(\\√]|\*(?!\*)\s?[\d(\\√a-z]|\*\*\d)"
    rf"|(?!\sm\s?\^\s?[23]\b){_LETTER}\s?\^|\sx\s\d|[.,]\d|\s\d|!(?!\s|$|\W)|\s?(?:√|π|±|\\[a-zA-Z]|[<>≤≥≠])|_\w"
    r"|\.\s?\\[a-zA-Z]"
    r"|(?!st\b|nd\b|rd\b|th\b)[A-Za-z]+\d(?<![A-Za-z][23])|\s?[rR]\s?\d|\)?\s?(?:squared|cubed|factorial|choose)\b"
)
"""Behind a number: it is only the beginning of something else (10 - 3, 2^5, 5√2, 10:30, 1.250,00, 5 R 2, 12_8)."""
_UNKNOWN = re.compile(r"\s?[-+]\s?(?![aAI]\s)[A-Za-z](?![A-Za-z'/]|\.[A-Za-z])")
"""Behind a number: an unknown (10 - x), so that what is stated is no number; not "18 - a good price"."""
_GOES_BEFORE = re.compile(
    r"(?:[\d)]\s?(?:[*/^:]|[+-]\s)\s?[$£€]?\s?|[\d)]-|[A-Za-z)][+*^/]\s?|[A-Za-z)]\s[+*^x]\s|\d\sx\s|\^|√|\\sqrt\s?\{?"
    r"|\d[\s.,]|±\s?[$£€]?|[<>≤≥≠]\s?|\\(?!boxed|fbox)[a-zA-Z]+\s?[{(]?|\|\s?\{?"
    r"|\b(?:log|ln|sin|cos|tan|sqrt|gcd|lcm)\s?\(?)\Z"
)
"""Before a number: it is only the end of something else."""
_CLAIM = re.compile(
    r"(?i)[^\w=]*(?:[a-z_]\w*\s*=[^\w=]*)?\d.*?"
    r"(?=(?<!and )\b(?:because|since)\b|(?<=[\d,]\s)as\s[$(\d]|(?<=[\w%])\s?\((?=[^()]*=[^()]*\)\W*$))"
)
"""An answer in front of its reasons, which have calculations of their own (4 because 4 * 3 = 12)."""
_SENTENCE = re.compile(r"(?<![A-Z]\b)\.\s")
_ABBREVIATED = re.compile(r"(?i)\b(i)\.\s?(e)\.,?|\b(approx|ca|no|rs)\.(?=\s)")
_NOT_BUT = re.compile(r"(?i)\bnot\b[^,.;]*,?\s*\b(?:but|rather)\s+(?=\S)")
_DOUBTFUL = re.compile(
    r"(?i)\b(?:not|neither|nor|between|either|(?:more|less|fewer|greater|larger|smaller|higher|lower|other) than|over"
    r"|under|above|below|at (?:least|most)|up to)\b"
)
"""Before a number: what is stated is a bound, a choice or something else, not the number."""
UNANSWERED = re.compile(
    r"(?i)\b(?:unknown|un(?:determined|defined|clear|certain)|indeterminate|impossible|insufficient|not enough|none"
    r"|infinite|(?:cannot|can't|can not|could not) be \w+|no (?:real |such )?(?:solutions?|answer|number))\b"
)
"""Said instead of an answer."""
_PLUS_MINUS = re.compile(r"\+\s?/\s?-")
_UNREASONED = re.compile(r"(?i)\W*[a-z](?:(?!\d|because|since).)*\b(?:because|since)\b")
_EQUATED_UNKNOWN = re.compile(
    r"\d\s?\*?\s?(?!x\s?\d)[a-zA-Z](?![a-zA-Z'])|(?<![a-zA-Z'])(?![aAI]\s)[a-zA-Z](?:\^\d|\s?[-+*/]\s?[\w(])"
    r"|[\w)]\s?[-+*/]\s?(?![aAI]\s)[a-zA-Z](?![\w'])|±|[<>≤≥≠]"
)
"""Left of "=": an equation between unknowns (2x = 8), not a name or a calculation (x = 8, 2 * 4 = 8)."""
_OR = re.compile(r"(?i)\b(?:or|and)\b")
_NAMED = re.compile(r"(?<![\w'])[a-zA-Z]\s*=")
_NEXT = rf"(?=\(?[-+]?[$€£¥₹]?\s?\.?\d|(?:{'|'.join(sorted(WORDS.keys() - {'one'}))}|half|a dozen)\b)"
_JOINTS = (
    r"and|&|or|to|plus|minus|times|(?:with )?(?:a )?remainder(?: of)?|mod|(?:multiplied|divided) by"
    r"|(?:more|less|fewer|greater) than"
)
_FURTHER = re.compile(
    rf"(?i)\)?(?P<unit>\s?(?:%|°[CF]?|(?!(?:{_JOINTS}|of)\b)[A-Za-z]+\.?))?(?:\s(?!(?:{_JOINTS})\b)[A-Za-z]+){{0,2}}?"
    rf"(?:(?:\s?,)?\s?\b(?P<joint>{_JOINTS})\s(?:about\s)?{_NEXT}|(?P<blank>,?\s?)(?=[-+]?\d))"
)
"""Behind a number: its unit, and another number that is joined to it."""
_NUMBER_WORD = re.compile(rf"(?i)\b(?:{'|'.join(sorted(WORDS.keys() - {'one'}))}|half|thirds?|quarters?|dozen)\b")
_FURTHER_UNIT = re.compile(r"\s?(?P<unit>[A-Za-z]+)")
_UNJOINED = re.compile(r"[-+]?\d[\d.]*\s?(?:[,;)\]}\\]|\b(?:and|or)\b|$)")
_PART_OF = re.compile(r"(?i)\s?(?:%|percent)?\s?\bof\s(?=[$€£]?\d)")
_LISTED = re.compile(r"\s?,\s?[-+]?[$€£]?\d[\d.]*\s?(?:[,;)\]}\\]|\b(?:and|or)\b|$)")
_COMPARED = re.compile(
    r"(?i)\b(?:times (?:as|more|less|the|that)|(?:more|less|fewer|greater) than|percent of|% of|of)\b"
)
_CONCLUSION = re.compile(
    r"(?i)[,;:(–—-]?\s*\b(?:which (?:is|equals|makes|gives|means|comes to)|that(?: i|')s|ie|namely|making|totall?ing"
    r"|equals|for a total of|or)\b[,:]?\s*(?:a total of |about |exactly )?"
)
_CALCULATED = re.compile(r"(?i)\b(?:so|therefore|thus|hence|giving|gives|makes|is)\b[,:]?\s*(?:a total of |about )?")
_IN_ALL = re.compile(r"(?i)\b(?:in total|total|altogether|in all|together|combined|overall)\b")
_ROUNDED = re.compile(
    r"(?i)\bround(?:ed|s|ing)?(?: it)?(?: (?:up|down|off))? to "
    r"(?=[$€£]?\d[\d,]*(?:\.\d+)?(?!\s*(?:decimal|dp|places|sig)))"
)
_ABOUT = re.compile(r"(?i)^\W*(?:about|approximately|approx|roughly|around|nearly|almost|≈|~)")
_SO = re.compile(r"(?i),\s*(?:so|or|therefore|thus|hence)\s+(?:about\s+)?(?=[$€£]?\d)")
_LEADING_WORDS = re.compile(
    r"(?i)[^\w-]*(?:(?:about|approximately|approx|exactly|only|just|around|roughly|nearly|almost"
    r"|a total of|the number|equal to|that)\s+)*"
)
_SENTENCE_START = re.compile(r"(?:(?<![A-Z]\b)[.!?]\s+|\n\s*)")
_ASIDE = re.compile(
    r"(?i)\b(?:in|within|for|during|after|every|per|from|over|to [a-z]+)\s+(?:the |about )?"
    r"(?:(?:first|last|next|other) )?$"
)
"""Before a number: it is about the circumstances (in the first 15 minutes, to carry 80 stones)."""
_EITHER = re.compile(r"(?i)(?:\s[A-Za-z]+){0,2}\s(?:or|to|r|remainder|with a remainder of)\s[$€£]?|\s?[rR]\s?")
_BETWEEN = re.compile(r"(?i)\bbetween\s+[$€£]?$")
_COMPOUND = re.compile(r"\s?[A-Za-z]+,?\s(?:and\s)?(?:\d+ [a-z]+,? (?:and )?)?")
_MINUS_BEFORE = re.compile(r"=\s?-\s$")
_HOUR = re.compile(r"(?<![\d:])(\d{1,2}):00(?![:\d])")
_SPACED_SIGN = re.compile(r"(?:^|(?<==))(\W*)(?<![\w)])([-—])\s+(?=[$€£]?\.?\d)")
_DASH_SIGN = re.compile(r"(?:(?<=\s)|^)—(?=[$€£]?\.?\d)")


def stated_number(part: str) -> Fraction | None:
    """The number that follows a mark such as "The answer is"; None where it states none, several, or a part of one."""
    part = _ABBREVIATED.sub(lambda match: (match[1] or match[3] or "") + (match[2] or ""), part)
    sentence = _SENTENCE.split(part, maxsplit=1)[0]
    sentence = _PLUS_MINUS.sub("±", " ".join(sentence.split()))
    if claim := _CLAIM.match(sentence):
        sentence = claim[0]
    elif _UNREASONED.match(sentence):
        return None
    if turn := _NOT_BUT.search(sentence):
        sentence = sentence[turn.end() :]
    piece = _right_side(sentence)
    if piece is None:
        return None
    if (number := NUMBER.search(piece)) and _UNKNOWN.match(piece, number.end()):
        return None
    first = quantity(piece)
    if (rounded := _rounded(piece, first)) is not None:
        return rounded
    is_plain = number is None or NUMBER.search(piece, number.end()) is None or first == value(number)  # no compound
    if first is not None and is_plain and not _COMPARED.search(piece):
        return first
    concluded = _concluded(piece, calculated=first is None)
    return first if concluded is None else concluded


def _right_side(sentence: str) -> str | None:
    """What follows the last "="; None where the equation does not give a number."""
    at = sentence.rfind("=")
    if at < 0:
        return sentence
    if not (NUMBER.search(sentence, at + 1) or IN_WORDS.match(sentence[at + 1 :].strip())):
        return sentence[: sentence.find("=")]
    left = sentence[:at]
    names = _NAMED.findall(sentence)
    if _EQUATED_UNKNOWN.search(left) or len(set(names)) > 1 or (len(names) > 1 and _OR.search(sentence)):
        return None
    return sentence[at + 1 :]


def _rounded(piece: str, first: Fraction | None) -> Fraction | None:
    """The rounded number of "12.5, rounded up to 13" and "approximately 12.5, so 13 buses"."""
    if match := _ROUNDED.search(piece):
        return quantity(piece[match.end() :])
    is_rough = _ABOUT.match(piece) or (first is not None and first.denominator != 1)
    if is_rough and (match := _SO.search(piece)):
        return quantity(piece[match.end() :])
    return None


def _concluded(piece: str, *, calculated: bool) -> Fraction | None:
    """What a calculation in words comes to: "2/3 of 90, which is 60", "5 arms and 3 legs, or 8 limbs in total"."""
    for pattern in (_CONCLUSION, _CALCULATED) if calculated else (_CONCLUSION,):
        for match in reversed(list(pattern.finditer(piece))):
            rest = piece[match.end() :]
            if match.start() == 0 or (match[0].strip(" ,").lower() == "or" and not _IN_ALL.search(rest)):
                continue
            if NUMBER.match(rest) and (found := quantity(rest)) is not None:
                return found
    return None


def quantity(piece: str) -> Fraction | None:
    """The one number of a piece of prose, with all of its units."""
    piece = _DASH_SIGN.sub("-", _SPACED_SIGN.sub(r"\1-", _HOUR.sub(r"\1", piece)))
    start = _LEADING_WORDS.match(piece)
    words = IN_WORDS.match(piece, start.end() if start else 0)
    first = next((match for match in NUMBER.finditer(piece) if not inside_word(piece, match.start())), None)
    if words and (first is None or words.end() <= first.start()) and (found := value_in_words(words[0])) is not None:
        end, money = words.end(), None
    elif first is not None:
        if not is_whole(piece, first) or _is_doubtful(piece[: first.start()]):
            return None
        read, end, money = value(first), first.end(), first["money"]
        if read is None:
            return None
        found = read
    else:
        return _first_in_words(piece)
    return _with_its_units(found, "dollar" if money else None, piece, end)


def _is_doubtful(before: str) -> bool:
    return _DOUBTFUL.search(before) is not None or UNANSWERED.search(before) is not None


def _first_in_words(piece: str) -> Fraction | None:
    for words in IN_WORDS.finditer(piece):
        if (found := value_in_words(words[0])) is not None:
            return None if _is_doubtful(piece[: words.start()]) else found
    return None


def _with_its_units(found: Fraction, unit: str | None, piece: str, end: int) -> Fraction | None:
    """The quantity with what follows it in smaller units; None where another number makes it a part of something."""
    size = Fraction(1)
    while not (_PART_OF.match(piece, end) or _LISTED.match(piece, end)):
        further = _FURTHER.match(piece, end)
        if further is None:
            return found
        unit = unit or _unit(further["unit"])
        second, at = _number_at(piece, further.end())
        after = _FURTHER_UNIT.match(piece, at)
        smaller = _unit(after["unit"]) if after else None
        ratio = per(smaller, unit) if unit and smaller else None
        if further["joint"] is None and ratio is None:  # "12 pens in 3 boxes", but no list and no difference
            return None if "," in further["blank"] and _UNJOINED.match(piece, further.end()) else found
        if second is None:
            return None
        if further["joint"] == "or":
            return found if _same(found, unit, second, smaller) else None
        if ratio is None or further["joint"] not in (None, "and", "&"):
            return None
        size /= ratio
        found, unit, end = found + second * size, smaller, at
    return None


def last_number(text: str) -> Fraction | None:
    """The last resort where nothing marks an answer: the last number, unless it is a part of what is said."""
    numbers = [match for match in NUMBER.finditer(text) if not inside_word(text, match.start())]
    if not numbers:
        return None
    last = numbers[-1]
    start = max((end.end() for end in _SENTENCE_START.finditer(text, 0, last.start())), default=0)
    sentence = text[start:]
    if UNANSWERED.search(sentence):
        return None
    if _ASIDE.search(text, start, last.start()) and "=" not in sentence:
        if subject := NUMBER.match(text, start):
            return value(subject)
        if (words := IN_WORDS.match(text, start)) and (found := value_in_words(words[0])) is not None:
            return found
    found = value(last)
    for first in reversed([each for each in numbers[-3:-1] if each.start() >= start]):
        between = text[first.end() : last.start()]
        if _EITHER.fullmatch(between) or (_BETWEEN.search(text, start, first.start()) and " and " in between):
            return None
        if _COMPOUND.fullmatch(between):
            whole = quantity(text[first.start() : last.end() + 20])
            found = found if whole in (None, value(first)) else whole
    return -found if found is not None and _MINUS_BEFORE.search(text, start, last.start()) else found


def _number_at(piece: str, at: int) -> tuple[Fraction | None, int]:
    if match := NUMBER.match(piece, at):
        return (value(match) if is_whole(piece, match) else None), match.end()
    words = IN_WORDS.match(piece, at)
    return (value_in_words(words[0]), words.end()) if words else (None, at)


def _same(a: Fraction, a_unit: str | None, b: Fraction, b_unit: str | None) -> bool:
    """Whether "A or B" says one thing twice: 90 minutes or 1.5 hours."""
    if a_unit and b_unit and (ratio := per(a_unit, b_unit)):
        return a == b * ratio
    if a_unit and b_unit and (ratio := per(b_unit, a_unit)):
        return a * ratio == b
    return a == b


def _unit(word: str | None) -> str | None:
    return FAMILY.get((word or "").strip(" .").lower(), ("", ""))[1] or None


def is_whole(text: str, match: re.Match[str]) -> bool:
    """Whether a number stands for itself and is no part of a calculation, a word, a time or a date."""
    before = text[max(match.start() - 12, 0) : match.start()]
    return not (inside_word(text, match.start()) or _GOES_ON.match(text, match.end()) or _GOES_BEFORE.search(before))


def mentions_number(text: str) -> bool:
    """Whether figures or number words stand in the text, of whatever meaning ("the third box", "5 or 6")."""
    return any(map(str.isdigit, text)) or _NUMBER_WORD.search(text) is not None


def inside_word(text: str, start: int) -> bool:
    """ "day2" and "A-1" hold no number of their own."""
    return start > 0 and (text[start - 1].isalpha() or text[start - 1] == "_")
