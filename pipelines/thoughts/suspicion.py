"""Reasons to doubt a completion that has an answer, right or wrong: they become flags of its verdict.

    question "Ann has 16 eggs and eats 3 ...", program "ans = 42"  ->  ("constant", "no_question_numbers")

- ``no_question_numbers``: the program or system holds none of the question's numbers (their words count too).
- ``constant``: the answer of the program or system is a number that was written down, not calculated.
- ``comment_contradicts``: a comment states another answer, or a calculation that is wrong.
- ``wrong_arithmetic``: a calculation in the CoT's text is wrong (16 - 3 = 12).

Text is looked at, never run. Whether the answer is right plays no part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from pipelines.solvers.answers import equal
from pipelines.solvers.calculations import wrong_calculations
from pipelines.solvers.markup import plain
from pipelines.solvers.numerals import SCALES, SPELLED, WORDS, spelled_value

_MAX_CHARACTERS = 20_000
_DOCSTRING = re.compile(r'"""(?:.*?)"""|\'\'\'(?:.*?)\'\'\'', re.DOTALL)
_HASH = re.compile(r"#\s*(.*)")
_PERCENT_LINE = re.compile(r"^[ \t]*(?:%|//)[ \t]*(.*)|\s%\s(?!of\b)\s*([A-Za-z]+\s.*)", re.MULTILINE)
_NUMBER = re.compile(
    r"(?<![A-Za-z_\d.])(?:\d{1,3}(?:[,_]\d{3})+(?![\d,])|\d{1,40}(?!\d))(?:\.\d{1,40})?|(?<![\w.])\.\d{1,40}"
)
WORD_NUMBERS: dict[str, tuple[float, ...]] = {
    "half": (2, 0.5),
    "halves": (2, 0.5),
    "halved": (2, 0.5),
    "twice": (2,),
    "double": (2,),
    "doubled": (2,),
    "doubles": (2,),
    "couple": (2,),
    "pair": (2,),
    "pairs": (2,),
    "both": (2,),
    "thrice": (3,),
    "triple": (3,),
    "tripled": (3,),
    "triples": (3,),
    "third": (3,),
    "thirds": (3,),
    "quarter": (4, 0.25, 25),
    "quarters": (4, 0.25, 25),
    "fourth": (4, 0.25),
    "fourths": (4, 0.25),
    "quadruple": (4,),
    "fifth": (5, 0.2),
    "fifths": (5, 0.2),
    "sixth": (6,),
    "eighth": (8,),
    "tenth": (10, 0.1),
    "dozen": (12,),
    "dozens": (12,),
    "week": (7,),
    "score": (20,),
    "dime": (10, 0.1),
    "dimes": (10, 0.1),
    "nickel": (5, 0.05),
    "nickels": (5, 0.05),
}
_WORD = re.compile(rf"\b(?:{'|'.join(WORD_NUMBERS)})\b", re.IGNORECASE)
_STATEMENT = re.compile(r"^[ \t]*(?:(?P<name>[A-Za-z_]\w*)\s*=(?!=)|return\b)[ \t]*(?P<value>[^\n#;]*)", re.MULTILINE)
_CHANGED = re.compile(r"\b(\w+)\s*(?://|\*\*|[-+*/%])=(?!=)")
_LITERAL = re.compile(
    r"(?:(?:int|float|round|str)\()?\s*[-+]?[$€£]?[\d,_]{0,30}\.?\d{1,30}\s*\)?(?:\s*%|\s+[A-Za-z]+)?"
)
_ANSWER_LINE = re.compile(r"^[ \t]*(?:ans|result|return)\b[^\n#]*#\s*(?P<comment>.*)$", re.MULTILINE)
_STATED = re.compile(
    r"(?i)(?:\banswer\b(?:\s+is|\s*[:=])|\bans\s*=|\bresult\s*(?:=|is\b)|\boutputs?\s*:|\breturns\b)\s*:?\s*"
    r"(?P<value>[-+]?[$€£]?\s?[\d,]{0,30}\.?\d{1,30})(?![\d.]|\s?[-+*/^%(\w])"
)
_WHOLE = re.compile(r"=?\s*(?P<value>[-+]?[$€£]?\s?[\d,]{0,30}\.?\d{1,30})(?:\s[a-z ]{0,20})?\.?")
_RESULT = re.compile(r"=\s*(?P<value>[-+]?[$€£]?\s?[\d,]{0,30}\.?\d{1,30})(?:\s[a-z ]{0,20})?\.?$")


def suspicions(thought: str, question: str | None, completion: str, answer: str) -> tuple[str, ...]:
    """The flags, in alphabetical order. ``question`` is None where it is not known."""
    completion = completion[:_MAX_CHARACTERS]
    if thought not in ("pot", "eot"):
        return ("wrong_arithmetic",) if thought == "cot" and any(wrong_calculations(completion)) else ()
    code, comments = _code(completion, thought)
    found = []
    if any(_contradicts(comment, answer) for comment in comments) or _last_comment_contradicts(completion, answer):
        found.append("comment_contradicts")
    if _is_constant(code):
        found.append("constant")
    if question is not None and _ignores(question, code):
        found.append("no_question_numbers")
    return tuple(found)


def _code(completion: str, thought: str) -> tuple[str, list[str]]:
    """What is executed or solved, and the comments."""
    if thought == "pot" and ('"""' in completion or "'''" in completion):
        completion = _DOCSTRING.sub("", completion)
    comments = _HASH.findall(completion) if "#" in completion else []
    code = _HASH.sub("", completion) if comments else completion
    if thought == "eot" and ("%" in code or "//" in code):
        comments += [a or b for a, b in _PERCENT_LINE.findall(code)]
        code = _PERCENT_LINE.sub("", code)
    return code, comments


def _ignores(question: str, code: str) -> bool:
    asked = set(_numbers_asked(question))
    if not asked:
        return False
    for match in _NUMBER.finditer(code):
        value = _read(match)
        if value in asked or value * 100 in asked or 1 - value in asked:
            return False
    return True


def _numbers_asked(question: str) -> Iterator[Fraction]:
    """The question's numbers, those in words too, with the forms in which a program would write them."""
    question = plain(question)
    for match in _NUMBER.finditer(question):
        value = _read(match)
        yield value
        yield 1 - value / 100  # 20% off
    for match in re.finditer(r"(\d{1,9})\s?/\s?(\d{1,9})", question):
        if int(match[2]):
            yield Fraction(int(match[1]), int(match[2]))
    for match in SPELLED.finditer(question):
        yield spelled_value(match[0])
        for word in re.split(r"[\s-]+", match[0].lower()):
            yield Fraction(WORDS.get(word, SCALES.get(word, 0)))
    for match in _WORD.finditer(question):
        for form in WORD_NUMBERS[match[0].lower()]:
            yield Fraction(str(form))


def _read(match: re.Match[str]) -> Fraction:
    return Fraction(match[0][:400].replace(",", "").replace("_", ""))


def _is_constant(code: str) -> bool:
    """Whether the answer is a literal, directly or through names that hold nothing else."""
    values: dict[str, list[str]] = {name: ["changed"] for name in _CHANGED.findall(code)}
    for match in _STATEMENT.finditer(code):
        values.setdefault(match["name"] or "return", []).append(match["value"].strip().rstrip("."))
    name: str | None = next((name for name in ("ans", "result", "return") if name in values), None)
    for _ in range(20):
        if name is None or len(values.get(name, [])) != 1:
            return False
        value = values[name][0].rpartition("=")[2].strip()
        if _LITERAL.fullmatch(value):
            return True
        name = value
    return False


def _contradicts(comment: str, answer: str) -> bool:
    stated = _STATED.search(comment)
    if stated and not _same(stated["value"], answer):
        return True
    return any(wrong_calculations(comment))


def _last_comment_contradicts(completion: str, answer: str) -> bool:
    """``ans = total  # 16 - 3 = 12`` where ans is 13."""
    for line in _ANSWER_LINE.finditer(completion):
        comment = line["comment"].strip()
        stated = _WHOLE.fullmatch(comment) or _RESULT.search(comment)
        if stated and not _same(stated["value"], answer):
            return True
    return False


def _same(stated: str, answer: str) -> bool:
    """Whether a comment's number is the answer, as it is or rounded to the places it shows."""
    value = re.sub(r"[$€£\s]", "", stated)
    if equal(value, answer, "number"):
        return True
    try:
        exact, shown = Fraction(answer), Fraction(value.replace(",", ""))
    except (ValueError, ZeroDivisionError):
        return True  # an answer that is no number
    places = len(value.partition(".")[2])
    return exact.denominator != 1 and abs(exact - shown) < Fraction(1, 10**places)
