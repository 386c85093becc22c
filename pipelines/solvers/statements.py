"""Lines of a completion that state something, without what models put around them.

    So, x + y = 10 (since 4 + 6 = 10)   % in all    ->  x + y = 10
    x = 5 and y = 6, where y is Tom's age           ->  x = 5, y = 6
    ans = ?                                         ->  nothing

Comments, prose, bullets, headings, equation numbers and remarks are dropped; what may be one of them or arithmetic is
refused. What the statements mean is ``expressions``' business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pipelines.solvers.labels import Line, unlabelled
from pipelines.solvers.markup import plain
from pipelines.solvers.phrases import with_indices, with_phrases, with_plain_names
from pipelines.solvers.spellings import respelled
from pipelines.solvers.tokens import NAME, PROGRAM_WORDS, NotationError
from pipelines.solvers.tree import FUNCTIONS
from pipelines.solvers.units import FAMILY, without_conversions

_COMMENT_LINE = re.compile(r"\s*(?:%|#|//|`{3,}[^=]*$|~~~|[-*_]{3,}\s*$)")
_HASH_COMMENT = re.compile(r"#.*")
_UNIT = "|".join(sorted((word for word in FAMILY if len(word) > 2), key=len, reverse=True))
_REMARK_WORD = (
    r"(?i:the(?!\s+(?:first|second|next|last)\b)|number|how|what|we|he|she|it|they|there|this|that|because|since|where"
    r"|which|so|i\.e\.|as|convert(?:s|ed|ing)?|assum(?:e|ing)|note|see|using|in\s+all)\b"
)
_END_COMMENT = re.compile(  # "15 % per year" and "20 % of x" have none
    r"(?<![\d)\s])\s+%\s*(?!of\b)[A-Za-z]+\s+[A-Za-z].*"
    rf"|\s(?:%|//)\s*{_REMARK_WORD}.*"
    rf"|\s%\s*(?:in\s+)?(?:{_UNIT})\b.*"
    r"|\s%(?!of\b)[A-Za-z]{2}.*"
)
_BULLET = re.compile(r"^\s*(?:[*+]\s+|[•◦‣▪●○■□►▶➤➢✓✔✅★☆⇒]\s*|>{1,3}\s+)+(?=[\w$(])|^\s*\d{1,2}[.)]\s+(?=[^\W\d])")
_DASH = re.compile(r"\s*-\s")
_HEADING = re.compile(r"^([^\W\d][\w '()/.-]*):\s+(?=.*=)")
_LEAD_IN = re.compile(
    r"^(?:(?:let|then|so|thus|therefore|hence|also|and|now|but|finally|next|given|where|since|substituting|solving"
    r"|var|const|int|float|double|because|i\.e\.)\b,?\s+"
    r"|we\s+(?:have|get|know|can\s+write)\b[,:]?\s+|that\s+"
    r"|(?:[A-Za-z()\d]+\s+){0,8}(?:gives|yields|obtain)\b(?:\s+us)?[,:]?\s+)+(?=[\w$(-])",
    re.IGNORECASE,
)
_PROSE = re.compile(r"\b[^\W\d]{1,40}(?:'\w{1,9})?[,:]?\s[^\W\d]")
_RELATION = re.compile(r"<|>|≤|≥|≠|!=")
_STATES = re.compile(r"[^=<>≤≥≠]*[\w)%\]}°!]\s*(?:[-+*/:!<>=]?=|[<>≤≥≠])\s*[^=<>≤≥≠\s]")
_SIGN = re.compile(r"[\d=+*/^<>≤≥≠\[\]{}\\]")
_CENTS = re.compile(r"\bcents?\b|¢")
_WHOLE_CURRENCY = re.compile(r"[$€£]")
_DEFINITION = re.compile(r"(?P<name>[^\W\d]\w*)\s*=\s*(?P<words>[^\W\d]+(?:'s)?(?:[ -][^\W\d]+(?:'s)?)+)")
_ANSWER = re.compile(
    r"(?i)(?:(?:so|thus|hence|therefore),?\s+)?(?:the\s+)?(?:final\s+)?(?:answer|ans)(?:\s+is\b\s*:?|\s*:)\s*(?P<value>.+?)\.?"
)
_BLANK_SIDE = re.compile(r"^(?:\?+|_{2,}|\.{3,}|…)\s*=\s*|\s*=\s*(?:\?+|_{2,}|\.{3,}|…)$")
_TAIL = re.compile(r"(?<=\S)\s+(?://|-{2,}|—|<-{1,2}|(?<![\d)]\s)%)\s*(?P<words>[^\W\d][\w' ]*)\.?$")
_TAIL_MARK = re.compile(r"//|--|—|<-|\s%")
_BRACKET = re.compile(r"(?<=\S)\s+(?:\((?P<round>(?:[^()]|\([^()]*\))*)\)|\[(?P<square>[^\[\]]*)\])[.,;]?$")
_BRACKET_WORD = re.compile(rf"{_REMARK_WORD}|(?i:from|by|given|eq|equation|or|let|using|after|before|if)\b")
_ARITHMETIC_WORD = re.compile(
    r"(?i)\b(?:plus|minus|times|divided|less|more|half|twice|thrice|double|squared|percent|of)\b"
)
_DECLARATION = re.compile(
    r"(?:[\w, ()]+=)?\s*(?:[a-z]+\.)?(?i:symbols?|vars?|variables?|unknowns?)\s*\(\s*['\"a-zA-Z][^()=]*(?:,[^()]*)?\)"
    r"|(?:from\s+\w+\s+)?import\s+[\w*, ]+(?:\s+as\s+\w+)?"
)
_JOINTS = (
    (re.compile(r"\s*;+\s*|,\s+(?:and\s+)?"), True),
    (re.compile(r"\s+(?:where|since|because|as)\s+|\s*\.\s+(?=[A-Z])"), True),
    (re.compile(r"\s*(?:⇒|&+|=>|->|\band\b|\b(?:so|thus|hence|therefore|then|giving)\b,?)\s*"), False),
)
_JOINT = re.compile(r"[;,⇒&.]|[=-]>|\b(?:where|since|because|as|and|so|thus|hence|therefore|then|giving)\b")
_LAST_WORD = re.compile(r"[;,]\s*[^\W\d]+\.?$")
_RATIO = re.compile(r"(?<=\d)\s+:\s+(?=\d)")


def statements(text: str) -> Iterator[Line]:
    """The lines that state something, with their numbers: no comments, no prose, no markup. Raises NotationError."""
    lines = _continued(
        (number, _bare(raw))
        for number, raw in enumerate(plain(with_plain_names(respelled(text))).split("\n"), 1)
        if raw.strip() and not _COMMENT_LINE.match(raw)
    )
    answers = [
        (number, match["value"]) for number, line in lines if (match := _ANSWER.fullmatch(line)) and "=" not in line
    ]
    lines = [(number, line) for number, line in lines if line and not _is_prose(line)]
    if len(lines) > 1 and all(_DASH.match(line) for _, line in lines):  # a list; one minus may be a minus
        lines = [(number, line.lstrip(" -")) for number, line in lines]
    lines = [(number, _LEAD_IN.sub("", line, count=1)) for number, line in unlabelled(with_indices(lines))]
    lines = without_conversions(with_phrases(lines))
    named = _named(lines)
    for number, line in lines:
        if _DASH.match(line):
            raise NotationError(f"line {number}: '- ' in front may be a bullet or a minus")
        if ("cent" in line or "¢" in line) and _CENTS.search(line) and _WHOLE_CURRENCY.search(line):
            raise NotationError(f"line {number}: an amount in cents beside one in whole currency")
        if ":" in line:
            line = _LEAD_IN.sub("", _ratio(_without_heading(_ratio(line, number), number, named), number), count=1)
        for part in _parts(line, named):
            part = _unremarked(part, named)
            while (part[-1:] in "?_.…" or part[0] in "?_.…") and (match := _BLANK_SIDE.search(part)):
                part = part[: match.start()] + part[match.end() :]
                part = part if "=" in part else " "
            if part.isspace():
                continue
            yield number, part
    if answers and not named & {"ans", "Ans", "ANS", "answer", "Answer"}:
        for number, value in answers:
            if named.intersection(NAME.findall(value)) and not _PROSE.search(value):
                yield number, f"ans = {value}"


def defined_in_words(part: str) -> tuple[str, frozenset[str]] | None:
    """The name and the words of "x = the number of pens", which says what a name means and equates nothing."""
    match = _DEFINITION.fullmatch(part)
    return (match["name"], frozenset(re.findall(r"\w+", match["words"]))) if match else None


def _bare(raw: str) -> str:
    """A line without its comment, bullet, quote marks, bold face and what follows "≈"."""
    line = _END_COMMENT.sub("", _HASH_COMMENT.sub("", raw)) if "%" in raw or "#" in raw or "//" in raw else raw
    line = _BULLET.sub("", line, count=1).strip()
    if line[:1] in "\"'`[{|<" or "&" in line or line[:2] == "**":
        line = _unwrapped(line)
    for mark in ("**", "__", "`", "$"):
        if len(line) > 2 * len(mark) and line.startswith(mark):
            inner = line.removeprefix(mark)
            end = inner.rstrip(".,").find(mark)
            if end == len(inner.rstrip(".,")) - len(mark) or (end >= 0 and inner[:end].endswith(":")):
                line = inner.replace(mark, "", 1).strip()  # **x = 5**, **Total:** x = 5
    if "≈" not in line:
        return line
    left, _, _ = line.partition("≈")
    return left.strip() if "=" in left else ""  # what is only nearly so is no equation


_BOLD_NAME = re.compile(r"^(\*{1,2}|_{2}|`)([A-Za-z]\w*)\1(?=\s*=)")


def _unwrapped(line: str) -> str:
    """``"x = 5",``, ``[x + y = 10, x - y = 2]``, ``| x = 5 |``, ``x &= 5`` and ``**ans** = 5`` without their marks."""
    line = _BOLD_NAME.sub(r"\2", line)
    for opening, closing in (("[", "]"), ("{", "}"), ("|", "|"), ('"', '"'), ("'", "'")):
        inner = line.rstrip(",.;")
        if line.startswith(opening) and (line.find(closing, 1) in (-1, len(inner) - 1)) and "=" in line:
            line = inner[1:].removesuffix(closing).strip()
    if '"' in line and "=" in line:
        line = line.replace('"', "")
    if "&" in line:
        line = re.sub(r"\s*&+\s*(?=[=<>≤≥≠])|(?<=[=<>≤≥≠])\s*&+\s*|^\s*&+\s*|\s*&+\s*$", " ", line).strip()
        if sum(map(line.count, "=<>≤≥≠")) == 1:
            line = re.sub(r"\s*&+\s*(?=[-+*/])|(?<=[-+*/])\s*&+\s*", " ", line)
    return line


def _continued(lines: Iterator[Line]) -> list[Line]:
    """The lines, one that begins with "=" joined to the equation before it."""
    joined: list[Line] = []
    for number, line in lines:
        if line.startswith("=") and line[1:2] not in ("=", ">") and joined and _STATES.match(joined[-1][1]):
            joined[-1] = (joined[-1][0], f"{joined[-1][1].rstrip(' ,.')} {line}")
        else:
            joined.append((number, line))
    return joined


def _is_prose(line: str) -> bool:
    """A line that states no equation. What reads like a program is none."""
    if _DECLARATION.fullmatch(line):
        return True
    if "=" in line or _RELATION.search(line):
        return False
    first = re.match(r"\w*", line)
    if first and first[0] in PROGRAM_WORDS - {"and", "or", "with"}:
        return bool(_ANSWER.fullmatch(line))
    return bool(_PROSE.search(line)) or not _SIGN.search(line) or bool(re.fullmatch(r"[\s\[\]{}.,]*", line))


def _named(lines: Sequence[Line]) -> frozenset[str]:
    """The names in the lines, remarks and headings left out."""
    bare = [_without_tail(_HEADING.sub("", line) if ":" in line else line) for _, line in lines]
    bare = [_LAST_WORD.sub("", line) if ";" in line or "," in line else line for line in bare]
    return frozenset(NAME.findall("\n".join(bare)))


def _without_heading(line: str, number: int, named: frozenset[str]) -> str:
    heading = _HEADING.match(line)
    if heading is None:
        return line
    rest = line[heading.end() :]
    if heading[1].strip() in named.difference(NAME.findall(rest)):
        raise NotationError(f"line {number}: {heading[0].strip()!r} may be a heading or part of a ratio")
    return rest


def _ratio(line: str, number: int) -> str:
    """``a : b = 3 : 2`` as fractions, and ``10 : 4``; the colon of a heading or a time of day stays."""
    sides = [side.split(":") for side in line.split("=")]
    parts = [[part.strip() for part in side] for side in sides]
    if len(parts) == 2 and len(parts[0]) == len(parts[1]) > 1 and all(part for side in parts for part in side):
        if len(parts[0]) > 2:
            raise NotationError(f"line {number}: a ratio of more than two parts")
        return " = ".join(f"({over}) / ({under})" for over, under in parts)
    return _RATIO.sub(" / ", line)


def _parts(line: str, named: frozenset[str]) -> list[str]:
    """The statements of a line: ``x = 5 and y = 6``, ``2x = 10 => x = 5``, without what is said between them."""
    parts = [line]
    if _JOINT.search(line):
        for joint, may_be_said in _JOINTS:
            parts = [piece for part in parts for piece in _split(part, joint, may_be_said, named)]
    bare = (piece.strip().rstrip(",") for piece in parts)
    return [part for piece in bare if (part := piece if piece.endswith("..") else piece.removesuffix(".").strip())]


def _split(part: str, joint: re.Pattern[str], may_be_said: bool, named: frozenset[str]) -> list[str]:
    """The statements on both sides of each joint outside brackets; the whole where one is neither said nor stated."""
    pieces, start, depth, at = [], 0, 0, 0
    for match in joint.finditer(part):
        between = part[at : match.start()]
        depth += between.count("(") - between.count(")")
        at = match.start()
        if depth == 0:
            pieces.append(part[start:at].strip())
            start = match.end()
    pieces.append(part[start:].strip())
    if len(pieces) == 1:
        return [part]
    stated = [piece for piece in pieces if _STATES.match(piece)]
    said = [piece for piece in pieces if piece and piece not in stated]
    if not stated or (said and not may_be_said):
        return [part]
    if not all(_is_said(piece, named, leading=piece == pieces[0]) for piece in said):
        return [part]
    return stated


def _is_said(piece: str, named: frozenset[str], leading: bool) -> bool:
    """Whether it is a remark: words side by side, or behind the equation one word that is no name."""
    if _RELATION.search(piece) or "=" in piece or piece.count("(") != piece.count(")"):
        return False
    if _PROSE.search(piece):
        return not re.search(r"[+*/^]|\bor\b|\bif\b", piece)
    return not leading and piece.rstrip(".").isalpha() and len(piece) > 2 and piece.rstrip(".") not in named


def _without_tail(part: str) -> str:
    """A part without a bracket or words behind its end that may be a remark."""
    if part.endswith((")", "]", "),", ").", "],", "].")):
        match = _BRACKET.search(part)
        if match and re.match(r"[^\W\d]", match["round"] or match["square"] or ""):
            return part[: match.start()]
    if _TAIL_MARK.search(part):
        return _TAIL.sub("", part)
    return part


def _unremarked(part: str, named: frozenset[str]) -> str:
    """A part without the remark behind it: (given), [pens], (since 10 / 2 = 5), // in all, -- pens."""
    while (shorter := _without_tail(part)) != part and _STATES.match(shorter):
        words = part[len(shorter) :].strip()
        inside = words[1:].rstrip(".,;").rstrip(")]") if words[0] in "([" else words.lstrip("/-—<% ")
        function = re.search(r"\b(\w+)$", shorter)
        if words[0] == "(" and function and function[1] in FUNCTIONS:
            return part
        if not _BRACKET_WORD.match(inside):
            known = named.intersection(NAME.findall(inside))
            if known or _ARITHMETIC_WORD.search(inside) or re.search(r"[+*/^=<>]", inside):
                return part
            if not _PROSE.search(inside) and not (inside.isalpha() and len(inside) > 2):
                return part
        part = shorter
    return part
