"""Names that are no identifiers, written as identifiers.

    number of pens = 5, ans = number of pens    ->  number_of_pens = 5, ans = number_of_pens
    pens(Tom) = 5, pens[1] = 5, Tom.pens = 5    ->  pens_Tom = 5, pens_1 = 5, Tom_pens = 5
    #pens = 5, M&Ms = 5, Tom's_pens = 5         ->  number_pens = 5, M_and_Ms = 5, Toms_pens = 5

Only where nothing else can be meant: a phrase or an index must be the whole left side of an equation, and its words
must not be unknowns of their own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipelines.solvers.tokens import NAME, PROGRAM_WORDS
from pipelines.solvers.tree import FUNCTIONS
from pipelines.solvers.units import COUNTS

Line = tuple[int, str]

_COUNTED = re.compile(r"(?:[=+\-*/(]|\bis)\s*#([^\W\d]\w*)")
_AMPERSAND = re.compile(r"(?<![\w&])([^\W\d]\w*)&([^\W\d]\w*)(?!&)")
_POSSESSIVE = re.compile(r"(?<=[^\W\d])['’]s(?=_|\s+[^\W\d])")
_PHRASE = re.compile(r"([^\W\d]+(?: [^\W\d]\w*){1,7})\s*=(?!=)")
_INDEXED = re.compile(r"([^\W\d]\w*)(?:\((\w+)\)|\[([\w ]+)\]|\.([^\W\d]\w*))\s*[-+*/]?=(?!=)")
_ARITHMETIC = frozenset(
    [
        "half",
        "third",
        "quarter",
        "fifth",
        "tenth",
        "twice",
        "thrice",
        "double",
        "triple",
        "plus",
        "minus",
        "times",
        "less",
        "more",
    ]
) | {
    *("minus", "times", "less", "more"),
    *("divided", "sum", "difference", "product", "quotient", "percent", "ratio", "let", "so", "then", "thus", "we"),
    *("solving", "substituting", "adding", "subtracting", "get", "have", "has", "gives", "given", "that", "square"),
}
_JOINING = frozenset({"of", "per", "a", "the"})


def with_plain_names(text: str) -> str:
    """The text with ``#pens``, ``M&Ms`` and ``Tom's_pens`` where they are used as names."""
    if "#" in text:
        for name in dict.fromkeys(_COUNTED.findall(text)):
            text = re.sub(rf"#{name}\b", f"number_{name}", text)
    if "&" in text:
        found = [match[0] for match in _AMPERSAND.finditer(text)]
        for name in {each for each in found if found.count(each) > 1 or "_" in each} if len(found) < 100 else ():
            text = text.replace(name, name.replace("&", "_and_"))
    return _POSSESSIVE.sub("s", text) if "'s" in text or "’s" in text else text


def with_indices(lines: Sequence[Line]) -> list[Line]:
    """The lines with each indexed name as one identifier."""
    changed = list(lines)
    written = (line for _, line in changed if "(" in line or "[" in line or "." in line)
    for base, match in {match[1]: match for line in written if (match := _INDEXED.match(line))}.items():
        if base not in FUNCTIONS:
            changed = _with_index(changed, base, match)
    return changed


def with_phrases(lines: Sequence[Line]) -> list[Line]:
    """The lines with each name of several words as one identifier."""
    phrases = {match[1] for _, line in lines if " " in line and (match := _PHRASE.match(line))}
    phrases = {phrase for phrase in phrases if _is_name(phrase.split())}
    while phrases:
        either = "|".join(sorted(map(re.escape, phrases), key=len, reverse=True))
        found = re.compile(rf"(?<!\w)(?:{either})(?!\w)")
        changed = [(number, found.sub(lambda match: match[0].replace(" ", "_"), line)) for number, line in lines]
        rest = {each for _, line in changed for each in NAME.findall(line)} - _JOINING
        kept = {phrase for phrase in phrases if not rest.intersection(phrase.split())}
        if kept == phrases:
            return changed
        phrases = kept
    return list(lines)


def _is_name(words: Sequence[str]) -> bool:
    spoken = {word.lower() for word in words}
    return PROGRAM_WORDS.isdisjoint(words) and _ARITHMETIC.isdisjoint(spoken) and COUNTS.isdisjoint(words)


def _with_index(lines: list[Line], base: str, first: re.Match[str]) -> list[Line]:
    name = re.escape(base)
    if first[2]:
        use = re.compile(rf"\b{name}\((\w+)\)")
    elif first[3]:
        use = re.compile(rf"\b{name}\[([\w ]+)\]")
    else:
        use = re.compile(rf"\b{name}\.([^\W\d]\w*)")
    rest = set(NAME.findall(use.sub(" ", "\n".join(line for _, line in lines))))
    indices = {match[1] for _, line in lines for match in use.finditer(line)}
    if base in rest or (first[2] and indices & rest):
        return lines
    return [(number, use.sub(lambda match: f"{base}_{match[1].replace(' ', '_')}", line)) for number, line in lines]
