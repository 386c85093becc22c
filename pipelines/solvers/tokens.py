"""Lines and tokens of the EoT notation.

    3 pens = $1,250  # the price   ->  Token(number "3"), Token(name "pens"), Token("="), Token(number "1,250")

What the tokens mean together is ``expressions``' business.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.solvers.markup import plain
from pipelines.solvers.units import PER

PROGRAM_WORDS = frozenset(
    {"if", "elif", "else", "for", "while", "def", "return", "import", "from", "print", "assert", "try", "with", "in"}
    | {"not", "and", "or", "is"}
)


class NotationError(ValueError):
    """The text is not a system of equations in this notation; the message says which line and why."""


_COMMENT_LINE = re.compile(r"\s*(?:%|#|//|```|~~~|[-*_]{3,}\s*$)")
_HASH_COMMENT = re.compile(r"#.*")
_END_COMMENT = re.compile(  # "15 % per year" and "52 // pens per box" have none
    r"(?<![\d)\s])\s+%\s*(?!of\b)[A-Za-z]+\s+[A-Za-z].*"
    r"|\s(?:%|//)\s*(?i:the(?!\s+(?:first|second|next|last)\b)|number|how|what|we|he|she|it|they|there)\s+[A-Za-z].*"
)
_BULLET = re.compile(r"^\s*(?:[*•]\s+|\d{1,2}[.)]\s+)(?=[^\W\d])")
_DASH = re.compile(r"\s*-\s")
_LABEL = re.compile(r"\((?P<before>\d{1,2})\)\s+(?=\w)|(?<=[\w)%])[\s,.…]+\((?P<after>\d{1,2})\)$")
_HEADING = re.compile(r"^([^\W\d][\w '()/-]*):\s+(?=.*=)")
_NAME = re.compile(r"[^\W\d]\w*")
_LEAD_IN = re.compile(
    r"^(?:(?:let|then|so|thus|therefore|hence|also|and|now|but|finally|next|given|where|since|substituting|solving)\b,?\s+"
    r"|we\s+(?:have|get|know|can\s+write)\b[,:]?\s+|that\s+)+(?=[\w$(])",
    re.IGNORECASE,
)
_PROSE = re.compile(r"\b[^\W\d]{1,40}(?:'\w{1,9})?[,:]?\s[^\W\d]")
_RELATION = re.compile(r"<|>|≤|≥|≠|!=")
_SIGN = re.compile(r"[\d=+*/^<>≤≥≠\[\]{}\\]")
_CENTS = re.compile(r"\bcents?\b|¢")
_WHOLE_CURRENCY = re.compile(r"[$€£]")
_DEFINITION = re.compile(r"(?P<name>[^\W\d]\w*)\s*=\s*(?P<words>[^\W\d]+(?:'s)?(?:[ -][^\W\d]+(?:'s)?)+)")


def statements(text: str) -> Iterator[tuple[int, str]]:
    """The lines that state something, with their numbers: no comments, no prose, no markup. Raises NotationError."""
    lines = [
        (number, _bare(raw))
        for number, raw in enumerate(plain(text).split("\n"), 1)
        if raw.strip() and not _COMMENT_LINE.match(raw)
    ]
    lines = [(number, line) for number, line in lines if line and not _is_prose(line)]
    if len(lines) > 1 and all(_DASH.match(line) for _, line in lines):  # a list; one minus may be a minus
        lines = [(number, line.lstrip(" -")) for number, line in lines]
    named = set(_NAME.findall("\n".join(_HEADING.sub("", line) for _, line in lines)))
    labels = 0
    for number, line in lines:
        if _DASH.match(line):
            raise NotationError(f"line {number}: '- ' in front may be a bullet or a minus")
        if _CENTS.search(line) and _WHOLE_CURRENCY.search(line):
            raise NotationError(f"line {number}: an amount in cents beside one in whole currency")
        label = _LABEL.search(line)
        if label and (label.start() == 0 or label["after"]):
            labels += 1
            if int(label["before"] or label["after"]) != labels:
                raise NotationError(f"line {number}: {label[0].strip()!r} may be a factor or the equation's number")
            line = line[: label.start()] + line[label.end() :]
        heading = _HEADING.match(line)
        if heading:
            line = line[heading.end() :]
            if heading[1].strip() in named.difference(_NAME.findall(line)):
                raise NotationError(f"line {number}: {heading[0].strip()!r} may be a heading or part of a ratio")
        line = _LEAD_IN.sub("", line, count=1)
        for part in line.split(";"):
            pieces = re.split(r",\s+", part)
            for piece in pieces if all("=" in piece for piece in pieces) else [part]:
                if piece.strip():
                    yield number, piece.strip().rstrip(",").removesuffix(".")


def _bare(raw: str) -> str:
    """A line without its comment, bullet, bold face and what follows "≈"."""
    line = _BULLET.sub("", _END_COMMENT.sub("", _HASH_COMMENT.sub("", raw)), count=1).replace("&", " ").strip()
    for mark in ("**", "__", "`", "$"):
        if len(line) > 2 * len(mark) and line.startswith(mark):
            inner = line.removeprefix(mark)
            end = inner.rstrip(".,").find(mark)
            if end == len(inner.rstrip(".,")) - len(mark) or (end >= 0 and inner[:end].endswith(":")):
                line = inner.replace(mark, "", 1).strip()  # **x = 5**, **Total:** x = 5
    left, approximately, _ = line.partition("≈")
    return left.strip() if approximately and "=" in left else line


def _is_prose(line: str) -> bool:
    """A line that states no equation. What reads like a program is none."""
    if "=" in line or _RELATION.search(line):
        return False
    first = re.match(r"\w*", line)
    if first and first[0] in PROGRAM_WORDS - {"and", "or", "with"}:
        return False
    return bool(_PROSE.search(line)) or not _SIGN.search(line)


def defined_in_words(part: str) -> tuple[str, frozenset[str]] | None:
    """The name and the words of "x = the number of pens", which says what a name means and equates nothing."""
    match = _DEFINITION.fullmatch(part)
    return (match["name"], frozenset(re.findall(r"\w+", match["words"]))) if match else None


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
    |(?P<currency>[$€£¥₹°])
    |(?P<sign>\*\*|==|//|[-+*/^=(),%])""",
    re.VERBOSE,
)
_SAME = {"**": "^", "==": "="}


def tokens(text: str, line: int) -> list[Token]:
    """The tokens of one statement; signs of currency and degree are dropped. Raises NotationError."""
    text = re.sub(r"(?<=\d)\s+per\s?cent\b", "%", text)
    text = re.sub(r"\bsq\.\s", "sq ", text)
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
