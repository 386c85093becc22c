"""Fenced blocks of Markdown that hold Python: three or more backticks or tildes, closed or not.

blocks("Here:\n```python\nans = 48\n```\nIt prints\n```\n48\n```", is_code)  ->  ["ans = 48"]
"""

from __future__ import annotations

import re
from collections.abc import Callable

_FENCE = re.compile(r"(?P<before>[^\n]*?)(?P<mark>`{3,}|~{3,})[ \t]*(?P<info>[^`\n]*)")
_INLINE = re.compile(r"[^\n`]*?(`{3,})[ \t]*(?:(?:python|py)3?\b)?(?P<code>[^`\n]+)\1[^`\n]*")
_PYTHON = re.compile(r"\{?\.?(?:python|py|ipython|pycon|py3|python3|python2|tool_code|code)\b.*", re.I)
_CODE_BEHIND = re.compile(r"(?:python|py)?3?[ \t]+(.* = .*|print\(.*)", re.I)
_OTHER = re.compile(
    r"(?:text|txt|plaintext|plain|output|stdout|console|bash|sh|shell|zsh|powershell|json|yaml|latex|tex|math|markdown"
    r"|md|html|xml|cpp|c|java|javascript|js|sql|r|none)\b.*",
    re.I,
)


def blocks(text: str, is_code: Callable[[str], bool]) -> list[str]:
    """The blocks that hold the program, in order: those marked as Python, else those that ``is_code`` takes for it,
    else what stands outside; the text before a fence that only closes."""
    lines = text.split("\n")
    found, outside = _scanned(lines)
    fences = sum(1 for line in lines if _FENCE.fullmatch(line) and not _INLINE.fullmatch(line))
    before = "\n".join(lines[: _first(lines)])
    if fences % 2 and not _PYTHON.match(_info(lines)) and is_code(before):
        return [before, *(body for info, body in found if _PYTHON.match(info))]
    marked = [body for info, body in found if _PYTHON.match(info)]
    if marked:
        return marked
    unmarked = [body for info, body in found if not _OTHER.match(info)]
    coded = [body for body in unmarked if is_code(body)]
    if coded:
        return coded
    return [outside] if is_code(outside) else unmarked


def _scanned(lines: list[str]) -> tuple[list[tuple[str, str]], str]:
    """(info, body) of each block, and the text outside all of them."""
    found: list[tuple[str, str]] = []
    outside: list[str] = []
    mark, info, body = "", "", list[str]()
    for line in lines:
        inline = None if mark else _INLINE.fullmatch(line)
        match = None if inline else _FENCE.fullmatch(line)
        if inline:
            found.append(("", inline["code"].strip()))
        elif match is None or (mark and match["mark"][0] != mark[0]) or len(match["mark"]) < len(mark):
            (body if mark else outside).append(line)
        elif not mark:
            outside.append(match["before"])
            mark, info, body = match["mark"], match["info"].strip(), []
            if code := _CODE_BEHIND.fullmatch(info):
                info, body = "python", [code[1]]
        else:
            body.append(match["before"])
            found.append((info, "\n".join(body)))
            reopened = _PYTHON.match(match["info"]) is not None  # the fence before it was never closed
            mark, info, body = (match["mark"], match["info"].strip(), []) if reopened else ("", "", [])
    if mark:
        found.append((info, "\n".join(body)))
    return [each for entry in found for each in _nested(*entry)], "\n".join(outside)


def _nested(info: str, body: str) -> list[tuple[str, str]]:
    """A block that holds fenced blocks of its own is those."""
    if "```" not in body and "~~~" not in body:
        return [(info, body)]
    return _scanned(body.split("\n"))[0] or [(info, body)]


def _first(lines: list[str]) -> int:
    return next((index for index, line in enumerate(lines) if _FENCE.fullmatch(line)), len(lines))


def _info(lines: list[str]) -> str:
    match = _FENCE.fullmatch(lines[_first(lines)]) if _first(lines) < len(lines) else None
    return match["info"].strip() if match else ""
