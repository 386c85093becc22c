"""Tokens of the EoT notation.

    3 pens = $1,250  # the price   ->  Token(number "3"), Token(name "pens"), Token("="), Token(number "1,250")

What the tokens mean together is ``expressions``' business.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.solvers.units import PER

PROGRAM_WORDS = frozenset(
    {"if", "elif", "else", "for", "while", "def", "return", "import", "from", "print", "assert", "try", "with", "in"}
    | {"not", "and", "or", "is"}
)


class NotationError(ValueError):
    """The text is not a system of equations in this notation; the message says which line and why."""


NAME = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class Token:
    """``kind`` is number, name, %, or the sign itself; ``spaced``: white space stands before it."""

    kind: str
    text: str
    spaced: bool


_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<number>(?:[1-9]\d{0,2}(?:(?:,\d{3})+(?![\d,])|(?:[_']\d{3})+(?!\w)|(?:\ \d{3})+(?!\ ?\d|\.\d*\.|\w|\s?/))
        |[1-9]\d?(?:,\d{2})+,\d{3}(?![\d,])|\d+)(?:\.\d+)?(?:[eE][+-]?\d+(?!\w))?|\.\d+|\d+\.(?!\w))
    |(?P<name>[^\W\d]\w*)
    |(?P<currency>[$€£¥₹°])
    |(?P<sign>(?:\*\*|//|[-+*/])=(?!=)|\*\*|={2,3}|:=|(?<=\s)<-(?=\s)|//|<=|>=|!=|[-+*/^=(),%<>≤≥≠!|])""",
    re.VERBOSE,
)
_SAME = {"**": "^", "==": "=", "===": "=", ":=": "=", "<-": "=", "<=": "≤", ">=": "≥", "!=": "≠", "**=": "^="}


def tokens(text: str, line: int) -> list[Token]:
    """The tokens of one statement; signs of currency and degree are dropped. Raises NotationError."""
    text = re.sub(r"(?<=\d)\s+per\s?cent\b", "%", text)
    text = re.sub(r"\bsq\.\s", "sq ", text)
    text = re.sub(
        r"\b(?:math|np|numpy)\.(?=(?:max|min|floor|ceil|sqrt|sum|gcd|lcm|comb|perm|factorial|mean|mod)\b)", "", text
    )
    found: list[Token] = []
    position, spaced = 0, False
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise NotationError(f"line {line}: {text[position]!r} is not part of an equation")
        position = match.end()
        if match.lastgroup == "space":
            spaced = True
            continue
        if match.lastgroup == "currency":
            spaced = spaced or match[0] == "°"
            continue
        kind = match[0] if match.lastgroup == "sign" else str(match.lastgroup)
        kind = _SAME.get(kind, kind)
        if match[0] in PROGRAM_WORDS:
            raise NotationError(f"line {line}: {match[0]!r} is a program's word, not part of an equation")
        found.append(Token(kind, match[0], spaced))
        spaced = False
    return found


def ordinary_names(tokens: list[Token]) -> Iterator[str]:
    """Names where no unit or remark could stand (after a number, a bracket, a name) and no function is called."""
    unit_before = remark = False
    for index, token in enumerate(tokens):
        previous = tokens[index - 1] if index else None
        if token.kind == "(" and previous is not None:
            remark = previous.kind == "number" and _only_names(tokens, index + 1)
        elif token.kind == ")":
            remark = False
        if token.kind != "name":
            unit_before = unit_before and token.text == "/"
            continue
        if remark or (previous is not None and previous.text == "/" and unit_before and token.text in PER):
            unit_before = False
            continue
        after_quantity = previous is not None and previous.kind in ("number", ")", "name", "%")
        unit_before = after_quantity and previous is not None and previous.text != "of"
        called = index + 1 < len(tokens) and tokens[index + 1].kind == "("
        if not unit_before and not called:
            yield token.text


def glued_names(tokens: list[Token]) -> Iterator[str]:
    """Names right behind a number: 2x, 5m."""
    for before, token in itertools.pairwise(tokens):
        if before.kind == "number" and token.kind == "name" and not token.spaced:
            yield token.text


def _only_names(tokens: list[Token], start: int) -> bool:
    """Whether names alone stand from ``start`` to the closing bracket: (dollars), (five pens)."""
    end = next((at for at in range(start, len(tokens)) if tokens[at].kind != "name"), len(tokens))
    return end > start and end < len(tokens) and tokens[end].kind == ")" and tokens[start - 1].spaced
