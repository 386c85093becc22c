"""Lines and tokens of the EoT notation.

    3 pens = $1,250  # the price   ->  Token(number "3"), Token(name "pens"), Token("="), Token(number "1,250")

What the tokens mean together is ``expressions``' business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

PROGRAM_WORDS = frozenset(
    {"if", "elif", "else", "for", "while", "def", "return", "import", "from", "print", "assert", "try", "with", "in"}
    | {"not", "and", "or", "is"}
)


class NotationError(ValueError):
    """The text is not a system of equations in this notation; the message says which line and why."""


_COMMENT_LINE = re.compile(r"\s*(?:%|#|//|```)")
_HASH_COMMENT = re.compile(r"#.*")
_PERCENT_COMMENT = re.compile(r"\s%\s*(?!of\b)[A-Za-z]+\s+[A-Za-z].*")
_BULLET = re.compile(r"^\s*(?:[*•]\s+|\d{1,2}[.)]\s+)(?=[^\W\d])")
_PROSE = re.compile(r"[^\W\d]+(?:'\w+)?[,:]?\s+[^\W\d]+")
_RELATION = re.compile(r"<|>|≤|≥|≠|!=")


def statements(text: str) -> Iterator[tuple[int, str]]:
    """The lines that state something, with their numbers: no comments, no prose. Raises NotationError."""
    for number, raw in enumerate(text.split("\n"), 1):
        if not raw.strip() or _COMMENT_LINE.match(raw):
            continue
        line = _BULLET.sub("", _PERCENT_COMMENT.sub("", _HASH_COMMENT.sub("", raw)), count=1).strip()
        if re.match(r"-\s", line):
            raise NotationError(f"line {number}: '- ' in front may be a bullet or a minus")
        if "=" not in line and not _RELATION.search(line):
            first = re.match(r"\w*", line)
            if _PROSE.search(line) and not (first and first[0] in PROGRAM_WORDS):
                continue
            if line.endswith(":") and " " not in line and line[:-1] not in PROGRAM_WORDS:
                continue
        for part in line.split(";"):
            pieces = re.split(r",\s+", part)
            for piece in pieces if all("=" in piece for piece in pieces) else [part]:
                if piece.strip():
                    yield number, piece.strip().rstrip(",").removesuffix(".")


@dataclass(frozen=True)
class Token:
    """``kind`` is number, name, %, or the sign itself; ``spaced``: white space stands before it."""

    kind: str
    text: str
    spaced: bool


_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<number>(?:[1-9]\d{0,2}(?:,\d{3})+(?![\d,])|\d+)(?:\.\d+)?(?:[eE][+-]?\d+(?!\w))?|\.\d+|\d+\.(?!\w))
    |(?P<name>[^\W\d]\w*)
    |(?P<currency>\\?[$€£¥₹])
    |(?P<sign>\*\*|==|//|[-+*/^=(),%])""",
    re.VERBOSE,
)
_SPELLINGS = str.maketrans({"−": "-", "–": "-", "×": "*", "·": "*", "⋅": "*", "÷": "/", "\u00a0": " ", "\u202f": " "})
_SAME = {"**": "^", "==": "="}


def tokens(text: str, line: int) -> list[Token]:
    """The tokens of one statement; currency signs are dropped. Raises NotationError."""
    text = text.translate(_SPELLINGS).replace("²", "^2").replace("³", "^3")
    text = re.sub(r"\\times\b|\\cdot\b", "*", text).replace("\\%", "%")
    text = re.sub(r"\b(?:math|np|numpy)\.(?=(?:max|min|floor|ceil|sqrt|sum)\b)", "", text)
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
            continue
        kind = match[0] if match.lastgroup == "sign" else str(match.lastgroup)
        kind = _SAME.get(kind, kind)
        if match[0] in PROGRAM_WORDS:
            raise NotationError(f"line {line}: {match[0]!r} is a program's word, not part of an equation")
        found.append(Token(kind, match[0], spaced))
        spaced = False
    return found


def ordinary_names(tokens: list[Token]) -> Iterator[str]:
    """Names where no unit could stand (after a number, a bracket, a name) and no function (before a bracket)."""
    previous: Token | None = None
    unit_before = False
    for index, token in enumerate(tokens):
        if token.kind == "name":
            after_quantity = previous is not None and previous.kind in ("number", ")", "name", "%")
            called = index + 1 < len(tokens) and tokens[index + 1].kind == "("
            if previous is not None and previous.text == "/" and unit_before:
                unit_before = False
            else:
                if not after_quantity or (previous is not None and previous.text == "of"):
                    if not called:
                        yield token.text
                    unit_before = False
                else:
                    unit_before = True
        elif token.text != "/":
            unit_before = False
        previous = token
