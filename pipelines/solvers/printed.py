"""The number that a printed line states.

stated("Tom has 15 pens left.")          ->  "15"
stated("Each of the 3 gets 5, so 15")    ->  "15"
stated("12 boys and 3 girls")            ->  None
"""

from __future__ import annotations

import re

_FIGURE = re.compile(r"\d[\d,.]*")
_CONCLUSION = re.compile(
    r"(?:=|:\s|\b(?:is|are|was|so|therefore|thus|hence|equals|makes|leaves)\b:?)"
    r"\s*(?P<number>[-−]?[$€£]?[-−]?\d[\d,]*(?:\.\d+)?(?:\s?/\s?\d+)?%?)"
)


def stated(line: str) -> str | None:
    """The only number of the line; of several the last, where the line says that it concludes (so, is, =, a colon) and
    says so of no other number but with a chain of "="."""
    figures = list(_FIGURE.finditer(line))
    if len(figures) <= 1:
        return line if figures else None
    conclusions = list(_CONCLUSION.finditer(line))
    if not conclusions or conclusions[-1].end() < figures[-1].start() + 1:
        return None
    if any(not each[0].startswith("=") for each in conclusions[:-1]):
        return None
    return conclusions[-1]["number"]
