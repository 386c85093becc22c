"""The numbers of a program or a system, where each stands, and the same thought with other numbers.

    apart("pot", 'pens = 3  # three pens\\nans = pens * 1.5', question)
    -> literals 3 (code), "three" (remark), 1.5 (code)

Programs are read by Python's tokenizer, so that 5 in ``pack_of_5`` or in a comment is not taken for a number that is
calculated with. A docstring that repeats the question is replaced by the new question.
"""

import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from pipelines.mixture.perturbation.quantities import ALWAYS, Quantity, implied
from pipelines.mixture.perturbation.redraw import like
from pipelines.solvers.numerals import SPELLED, WORDS, spelled_value

_CODE_NUMBER = re.compile(r"(?<![\w.])(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|(?<![\w.])\.\d+")
_REMARK_NUMBER = re.compile(r"(?<![\w.])(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?!\w)")
_REMARK_LINE = re.compile(r"\s*(?:%|#|//)")
_NAME = re.compile(r"[A-Za-z_]\w*")
_CALCULATES = re.compile(r"\d.*=.*\d|\d\s?[-+*/]\s?\d")
_DECIMAL = re.compile(r"\d[\d_]*(?:\.\d*)?|\.\d+")


class Unreadable(ValueError):  # noqa: N818 - what the thought is
    """The thought cannot be taken apart; the message is a word for the card."""


@dataclass(frozen=True)
class _Literal:
    start: int
    end: int
    text: str
    value: Fraction
    in_code: bool


@dataclass(frozen=True)
class Apart:
    """A thought taken apart: its numbers, the numbers in its names, and where it repeats the question."""

    text: str
    literals: tuple[_Literal, ...]
    in_names: frozenset[Fraction]
    quotes: tuple[tuple[int, int], ...]

    def redrawable(self, quantity: Quantity, others: Iterable[Fraction]) -> bool:
        """Whether the number stands once in the code, is in no name, and cannot be one of the ``others``."""
        values = [value for value, _ in _forms(quantity)]
        if not self.in_names.isdisjoint(values) or not set(others).isdisjoint(values):
            return False
        return [literal.in_code for literal in self.literals if literal.value in values].count(True) == 1

    def with_numbers(self, new: Mapping[Quantity, Fraction], question: str) -> str:
        """The thought with other numbers, repeating the new question where it repeated the old one."""
        forms = {form: form_of(value) for quantity, value in new.items() for form, form_of in _forms(quantity)}
        places = [(start, end, question) for start, end in self.quotes]
        for literal in self.literals:
            if literal.value in forms:
                places.append((literal.start, literal.end, _as(literal.text, forms[literal.value])))
        text, at = [], 0
        for start, end, written in sorted(places):
            text += [self.text[at:start], written]
            at = end
        return "".join([*text, self.text[at:]])


def apart(thought: str, text: str, question: str, quantities: Iterable[Quantity]) -> Apart:
    """A PoT or an EoT taken apart.

    Raises:
        Unreadable: its notation, a remark that calculates, or a number that neither the question nor its words give.
    """
    pieces = list(_program(text) if thought == "pot" else _system(text))
    literals: list[_Literal] = []
    names: set[Fraction] = set()
    quotes: list[tuple[int, int]] = []
    for start, piece, kind in pieces:
        if kind == "name":
            names |= _numbers_in_name(piece)
        elif kind == "number":
            literals.append(_Literal(start, start + len(piece), piece, _decimal(piece), in_code=True))
        else:
            quoted = piece.find(question) if len(question) > 20 else -1
            if quoted >= 0:
                quotes.append((start + quoted, start + quoted + len(question)))
                continue
            if _same_words(question, piece):
                raise Unreadable("question_reworded")
            if _CALCULATES.search(piece):
                raise Unreadable("remark_calculates")
            literals += _in_remark(piece, start)
    explained = ALWAYS | implied(question) | _fractions(question)
    explained |= {form for quantity in quantities for form, _ in _forms(quantity)}
    if any(literal.value not in explained for literal in literals):
        raise Unreadable("unexplained_number")
    return Apart(text, tuple(literals), frozenset(names), tuple(quotes))


def _forms(quantity: Quantity) -> list[tuple[Fraction, "_Form"]]:
    """The values under which a thought may write a number, with what each becomes; ambiguous ones are left out."""
    forms = [(quantity.value, _itself)]
    if quantity.kind == "percent":
        forms += [(form(quantity.value), form) for form in (_hundredths, _less, _more)]
    elif quantity.kind == "price" and quantity.noun.startswith("cent"):
        forms.append((_hundredths(quantity.value), _hundredths))
    values = [value for value, _ in forms]
    return [(value, form) for value, form in forms if values.count(value) == 1]


class _Form:
    """How a written value follows from the question's: itself, p/100, 1 - p/100, 1 + p/100."""

    def __init__(self, factor: Fraction, added: int) -> None:
        self._factor, self._added = factor, added

    def __call__(self, value: Fraction) -> Fraction:
        return self._added + self._factor * value


_itself, _hundredths = _Form(Fraction(1), 0), _Form(Fraction(1, 100), 0)
_less, _more = _Form(Fraction(-1, 100), 1), _Form(Fraction(1, 100), 1)


def _program(text: str) -> Iterator[tuple[int, str, str]]:
    """(offset, text, kind) of each name, number and remark."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError, ValueError):
        raise Unreadable("not_tokenized") from None
    plain = {tokenize.OP, tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    for token in tokens:
        if token.type in plain:
            continue
        kinds = {tokenize.NAME: "name", tokenize.NUMBER: "number"}
        yield starts[token.start[0] - 1] + token.start[1], token.string, kinds.get(token.type, "remark")


def _system(text: str) -> Iterator[tuple[int, str, str]]:
    at = 0
    for line in text.splitlines(keepends=True):
        code = "" if _REMARK_LINE.match(line) else line.partition("#")[0]
        yield from ((at + match.start(), match[0], "name") for match in _NAME.finditer(code))
        yield from ((at + match.start(), match[0], "number") for match in _CODE_NUMBER.finditer(code))
        if line[len(code) :].strip():
            yield at + len(code), line[len(code) :], "remark"
        at += len(line)


def _in_remark(remark: str, start: int) -> Iterator[_Literal]:
    for match in _REMARK_NUMBER.finditer(remark):
        yield _Literal(start + match.start(), start + match.end(), match[0], _decimal(match[0]), in_code=False)
    for match in SPELLED.finditer(remark):
        value = spelled_value(match[0])
        yield _Literal(start + match.start(), start + match.end(), match[0], value, in_code=False)


def _numbers_in_name(name: str) -> set[Fraction]:
    parts = re.findall(r"\d+|[a-z]+", name.lower())
    return {
        Fraction(part) if part.isdigit() else Fraction(WORDS[part]) for part in parts if part.isdigit() or part in WORDS
    }


def _decimal(text: str) -> Fraction:
    text = text.replace(",", "")
    if not _DECIMAL.fullmatch(text) or len(text) > 40:
        raise Unreadable("odd_number")
    return Fraction(text.replace("_", ""))


def _as(text: str, value: Fraction) -> str:
    """A value as a literal is written."""
    if text[:1].isalpha():
        word = next((word for word, number in WORDS.items() if number == value), None)
        if word is not None:
            return word.capitalize() if text[0].isupper() else word
        return like("1", value)
    return like(text.replace("_", ""), value)


def _fractions(question: str) -> set[Fraction]:
    found = re.findall(r"(?<![\d/])(\d{1,4})\s?/\s?(\d{1,4})(?![\d/])", question)
    values = {Fraction(int(top), int(bottom)) for top, bottom in found if int(bottom)}
    return values | {1 - value for value in values}


def _same_words(question: str, remark: str) -> bool:
    """Whether a remark repeats most of the question in other words or other spacing."""
    words = set(question.split())
    return len(words) > 6 and len(words & set(remark.split())) > len(words) / 2
