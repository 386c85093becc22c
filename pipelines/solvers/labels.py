"""The numbers that models give to equations: what is surely one is dropped, what may be arithmetic is refused.

    x + y = 10   (1)         ->  x + y = 10        in order from 1, on every line that has one
    x - y = 2  - (2)         ->  x - y = 2         the same; alone, "- (1)" may be a minus
    Eq. 3: x = 6             ->  x = 6
    b) x = 6, [2] x = 6      ->  x = 6             no arithmetic begins like that

A label in brackets behind or before an equation looks like a factor; only the run of all of them tells.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.solvers.tokens import NAME, NotationError

Line = tuple[int, str]

_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii")
_CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩"
_MARK = r"\d{1,2}|[ivx]{1,4}|[A-Za-z]"
_WORD = r"(?i:eq(?:uation|n)?s?|step|line)"
_WORDED_START = re.compile(
    rf"{_WORD}\b\.?\s*[#(\[]?\s*(?:\d{{1,2}}|[ivx]{{1,4}}|[A-Z])[)\]]?\s*(?:[.:)=]?>|[.:)]|[-–—]\s)\s*(?=\S)"
)
_WORDED_END = re.compile(
    r"(?<=[\w)%])(?:\s*[,;:.…&|>-]*\s+|\s*)[(\[<{]?\s*(?i:from\s+|by\s+|see\s+)?(?i:eq(?:uation|n)?)\b\.?\s*[#(\[]?\s*(?:\d{1,2}|[ivx]{1,4}|[A-Z])\s*[)\]>}]{0,2}$"
)
_SQUARE = re.compile(r"(?<=[\w)%])(?:[\s,.…&-]*\s|\s*\.{2,}\s*)\[(?:\d{1,2}|[ivx]{1,4}|[A-Z*])\]$")
_OPEN = re.compile(
    rf"(?:\[(?:{_MARK})\]|(?:\d{{1,2}}|[ivx]{{2,4}}|[A-Za-z])\)|[A-Za-z]\.(?=\s)|[ivx]{{2,4}}\.(?=\s))[:.]?\s*(?=[\w($-])"
)
_COUNT = re.compile(r"\d{1,2}[.:]\s+(?=\d|[^\W\d])")
_BEFORE = re.compile(rf"\((?P<mark>{_MARK})\)(?P<sure>\s*:)?\s+(?=[\w($-])")
_BEHIND = re.compile(rf"(?P<between>(?:\s*[,.…:;&|]+\s*|\s+)(?:-\s*)?|\s*-\s*)?\((?P<mark>{_MARK})\)[.,]?$")
_STEPS = re.compile(r"[\d\s()+\-*/×]*\(\d\)[\d\s()+\-*/×]*(?::|⇒|=>)\s+(?=.*=)")


@dataclass(frozen=True)
class _Label:
    """A bracket that may be a label; ``kind``: before or signed in front, spaced, dash or glued behind the line."""

    at: int
    line: int
    mark: str
    kind: str
    text: str
    rest: str


def unlabelled(lines: Sequence[Line]) -> list[Line]:
    """The lines without the numbers of their equations. Raises NotationError where one may be arithmetic."""
    bare = [(number, _surely_bare(line)) for number, line in lines]
    found = [label for at, (number, line) in enumerate(bare) if "(" in line and (label := _label(at, number, line))]
    if not found:
        return bare
    without = {label.at: label.rest for label in found}
    named = Counter(NAME.findall("\n".join(without.get(at, line) for at, (_, line) in enumerate(bare))))
    for series in (_digits(found), _letters(found, named)):
        for label in series:
            bare[label.at] = (label.line, label.rest)
    return bare


def _surely_bare(line: str) -> str:
    """The line without labels that cannot be arithmetic."""
    if "=" not in line:
        return line
    if not line.isascii():
        line = line.strip(_CIRCLED + " ") if line.strip(_CIRCLED + " ") else line
    for pattern in (_WORDED_START, _STEPS, _OPEN, _COUNT):
        match = pattern.match(line)
        if match and "=" in line[match.end() :]:
            line = line[match.end() :]
            break
    for pattern in (_WORDED_END, _SQUARE):
        if "]" in line if pattern is _SQUARE else "eq" in line.lower():
            match = pattern.search(line)
            if match and "=" in line[: match.start()]:
                line = line[: match.start()].rstrip(" ,;:.…&|>-")
                break
    return line


def _label(at: int, number: int, line: str) -> _Label | None:
    match = _BEFORE.match(line)
    if match and "=" in line[match.end() :]:
        rest = line[match.end() :]
        kind = "signed" if rest.startswith("-") and not match["sure"] else "before"  # (1) - x is 1 - x
        return _Label(at, number, match["mark"], kind, match[0].strip(), rest)
    match = _BEHIND.search(line[-40:])
    if match is None:
        return None
    start = len(line) - len(line[-40:]) + match.start()
    before, between = line[:start], match["between"] or ""
    if "=" not in before or not (before[-1:].isalnum() or before[-1:] in ")%_"):
        return None
    kind = "dash" if "-" in between else "spaced" if between else "glued"
    return _Label(at, number, match["mark"], kind, match[0].strip(), before)


def _digits(found: Sequence[_Label]) -> list[_Label]:
    """The numbers, where they count the equations from 1; none where all of them are arithmetic."""
    labels = [label for label in found if label.mark.isdigit()]
    counted = [int(label.mark) for label in labels]
    kinds = {label.kind for label in labels}
    in_order = counted == list(range(1, len(labels) + 1))
    if in_order and "glued" not in kinds and (len(labels) > 1 or not kinds & {"dash", "signed"}):
        return labels
    consecutive = len(labels) > 1 and counted == list(range(counted[0], counted[0] + len(labels)))
    doubtful = consecutive or len(kinds) > 1 or 1 in counted
    for label in labels:
        if label.kind == "glued":
            refused = in_order and len(labels) > 1
        else:
            refused = doubtful or label.kind not in ("dash", "signed")
        if refused:
            raise _either(label, "subtracted" if label.kind == "dash" else "a factor")
    return []


def _letters(found: Sequence[_Label], named: Counter[str]) -> list[_Label]:
    """The letters or Roman numerals, where they count the equations from the first."""
    labels = [label for label in found if not label.mark.isdigit() and label.kind != "glued"]
    if not labels:
        return []
    marks = [label.mark for label in labels]
    letters = "abcdefghijklmnopqrstuvwxyz"
    if not any(marks == list(series[: len(marks)]) for series in (_ROMAN, letters, letters.upper(), letters[8:])):
        return []
    for label in labels:
        if named[label.mark]:
            raise _either(label, "an unknown")
    return labels


def _either(label: _Label, what: str) -> NotationError:
    return NotationError(f"line {label.line}: {label.text!r} may be {what} or the equation's number")
