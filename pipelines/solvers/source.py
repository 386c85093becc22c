"""The program in a completion: without fences, tags, prompts, quotes and prose around it, as a syntax tree.

    ```python            >>> pens = 6 * 8        First we count the pens:
    ans = 6 * 8          >>> pens                pens = 6 × 8
    ```                  48                      So ans is what we want.

A text that Python reads as it stands is left alone. Nothing here changes a calculation: signs are translated where
Python has no meaning for them, and lines are dropped only where they are prose. Executes nothing.
"""

from __future__ import annotations

import ast
import keyword
import re
import unicodedata
from collections.abc import Iterator
from itertools import islice

from pipelines.solvers.fences import blocks

MAX_CHARACTERS = 50_000
FILE = "<program>"
_MOST_TEXTS = 10
_MOST_REPAIRS = 100
_TAGS = "python[23]?|py[23]?|ipython|pycon|code|program|script|llm-code|tool_code|execute|solution|answer|pre"
_TAG = re.compile(rf"[<\[]({_TAGS})(?:\s[^<>\n]*)?[>\]][ \t]*(.*?)(?:[<\[]/\1[>\]]|\Z)", re.I | re.S)
_LABEL = re.compile(r"python[23]?|py[23]?|ipython", re.I)
_QUOTED = re.compile(r"^[ \t]*>(?!>)[ \t]?", re.M)
_PROMPT = re.compile(r"[ \t]*(?:>>>|\.\.\.|In \[\d*\]:|\.\.\.:)(?: |$)")
_FIRST_PROMPT = re.compile(r"^[ \t]*(?:>>> |In \[\d*\]: )", re.M)
_SHELL = re.compile(r"[ \t]*(?:[!%]\s*\w|(?:\$ )?(?:pip3?|conda|apt|apt-get) install )")
_PROSE = re.compile(r"\s*[^\W\d]+(?:'\w+)?[,:]?\s+[^\W\d]")
_ASSIGNS = re.compile(r"[^\W\d]\w*\s*(?:[-+*/%]|//|\*\*)?=(?!=)")
_NEXT_QUESTION = re.compile(r"\s*[#*]*\s*(?:Q|Question|Problem|Human|User|Instruction|Input|Exercise)\b[^=]*[:?]", re.I)
_WORD = re.compile(r"[^\W\d_]{2,}")
_LITERAL = re.compile(
    r"(?:\"\"\".*?\"\"\"|'''.*?''')|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|#[^\n]*"
    r"|(?P<curly>[“„«][^“”„«»\"\n]*[”“»]|‘[^‘’\n]*’)|(?P<sign>[^\x00-\x7f])|(?<![\w'\")\]])[$](?=\d)",
    re.S,
)
_SIGNS = (
    dict.fromkeys("‐‑‒–—―−﹣－", "-")
    | dict.fromkeys("×✕✖⋅·∙∗＊", "*")
    | dict.fromkeys("÷∕⁄", "/")
    | dict.fromkeys("“”„«»", '"')
    | dict.fromkeys("‘’‚′", "'")
    | {"≤": "<=", "≥": ">=", "≠": "!=", "\u2028": "\n", "\u2029": "\n", "\u0085": "\n", "…": "..."}
)
_POWERS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True))
_POWER = re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹]+")


def parsed(source: str) -> ast.Module:
    """The code in a completion: as it stands, or its fenced blocks, or what is left without the prose around it.

    Raises SyntaxError, and what the parser raises on hostile text: ValueError, RecursionError, MemoryError.
    """
    if len(source) > MAX_CHARACTERS:
        raise ValueError(f"longer than {MAX_CHARACTERS} characters")
    if "\r" in source:
        source = source.replace("\r\n", "\n").replace("\r", "\n")
    fenced = "```" in source or "~~~" in source
    if fenced and (tree := _as_it_stands(source)) is not None:  # they are in its strings
        return _whole(tree)
    refusal: SyntaxError | None = None
    idle: ast.Module | None = None
    for text in islice(_texts(source, fenced), _MOST_TEXTS):
        try:
            tree = _read(text)
        except SyntaxError as error:
            refusal = refusal or error
            continue
        if not all(map(_is_idle, tree.body)):
            return _whole(tree)
        idle = idle or tree
    if idle is None:
        raise refusal or SyntaxError("nothing to parse")
    return idle


def _as_it_stands(text: str) -> ast.Module | None:
    try:
        return ast.parse(text, FILE)
    except SyntaxError:
        return None


def _texts(source: str, fenced: bool) -> Iterator[str]:
    """What may be the program, the likeliest first: a completion may hold several blocks, and outputs."""
    if fenced:
        if _QUOTED.search(source):
            source = _QUOTED.sub("", source)
        found = blocks(source, is_code)
    else:
        yield source
        if _QUOTED.match(source):
            yield _QUOTED.sub("", source)
        found = [_TAG.sub(r"\2", match[2]) for match in _TAG.finditer(source)]
    if found:
        yield "\n".join(found)
        if len(found) > 1:
            yield from reversed(found)
    elif fenced:
        yield source


def is_code(text: str) -> bool:
    """Whether a text is Python that does something: not prose, not a number or a name that stands alone."""
    try:
        body = _read(text).body
    except (SyntaxError, ValueError):
        return False
    return any(not _is_idle(statement) for statement in body)


def _is_idle(statement: ast.stmt) -> bool:
    match statement:
        case ast.Pass() | ast.AnnAssign(value=None) | ast.Expr(ast.Constant() | ast.Name()):
            return True
        case ast.Expr(ast.UnaryOp(_, ast.Constant()) | ast.Tuple()):
            return True
    return False


def _whole(tree: ast.Module) -> ast.Module:
    """A program that returns is the body of ``solution()``, whose first line was in the prompt."""
    if any(isinstance(statement, ast.Return) for statement in tree.body):
        function = ast.parse("def solution(): pass", FILE)
        assert isinstance(function.body[0], ast.FunctionDef)
        function.body[0].body = tree.body
        return function
    return tree


def _read(text: str) -> ast.Module:
    """The text as Python, as it stands or repaired. Raises the SyntaxError of the text as it stands."""
    try:
        if "In [" in text and _FIRST_PROMPT.search(text):  # to Python an annotation
            raise SyntaxError("a prompt")
        tree = ast.parse(_dedented(text), FILE)
    except SyntaxError as refusal:
        repaired = _repaired(text)
        if repaired is None:
            raise
        try:
            tree = ast.parse(repaired, FILE)
        except SyntaxError:
            raise refusal from None
    return _unwrapped(tree)


def _unwrapped(tree: ast.Module) -> ast.Module:
    """Without a language's name as first line; of a program in quotation marks the program."""
    match tree.body:
        case [ast.Expr(ast.Constant(str(quoted)))]:
            try:
                inner = ast.parse(_dedented(quoted), FILE)
            except (SyntaxError, ValueError):
                return tree
            return tree if all(map(_is_idle, inner.body)) else inner
        case [ast.Expr(ast.Name(name) | ast.List([ast.Name(name)])), _, *_] if _LABEL.fullmatch(name):
            del tree.body[0]
    return tree


def _repaired(text: str) -> str | None:
    """The text without what is around code, and with Python's own signs; None where that leaves nothing."""
    text = _plain_signs(text).strip("\n")
    if "\n" not in text and "\\n" in text:
        text = text.replace("\\n", "\n").replace('\\"', '"')
    text = "\n".join(map(_without_marks, text.split("\n")))
    for mark in ("`", '"', "'"):
        if text.strip()[:1] == text.strip()[-1:] == mark:
            text = text.strip().strip(mark)
            break
    lines = text.split("\n")
    if _FIRST_PROMPT.search(text):
        lines = [line[match.end() :] for line in lines if (match := _PROMPT.match(line))]
    lines = ["" if _SHELL.match(line) else line for line in lines]
    if lines and _LABEL.fullmatch(lines[0].strip()):
        del lines[0]
    return _without_prose(_dedented("\n".join(_trimmed(lines))))


def _plain_signs(text: str) -> str:
    """Typographic signs as Python's, outside its own strings and comments."""
    if text.isascii() and "$" not in text:
        return text
    text = _LITERAL.sub(_plain_sign, text)
    return _POWER.sub(lambda match: "**" + "".join(map(_POWERS.__getitem__, match[0])), text)


def _plain_sign(match: re.Match[str]) -> str:
    if match[0] == "$":
        return ""
    if match["curly"]:
        return repr(match[0][1:-1])
    sign = match["sign"]
    if not sign:
        return match[0]
    if sign in _SIGNS:
        return _SIGNS[sign]
    category = unicodedata.category(sign)
    if category == "Zs":
        return " "
    if category == "Cf":  # byte order mark, zero width, soft hyphen
        return ""
    plain = unicodedata.normalize("NFKC", sign)
    return plain if plain.isascii() and category[0] in "PSN" and sign not in _POWERS else sign


def _without_marks(line: str) -> str:
    """A line without the Markdown backticks around it."""
    bare = line.strip()
    if len(bare) > 2 and bare.startswith("`") and bare.endswith("`"):
        return line[: len(line) - len(line.lstrip())] + bare.strip("`").strip()
    return line


def _trimmed(lines: list[str]) -> list[str]:
    """The lines between the first and the last that are not prose; lines inside stay, for they may be a docstring's."""
    while lines and (not lines[0].strip() or _is_prose(lines[0])):
        lines.pop(0)
    while lines and (not lines[-1].strip() or _is_prose(lines[-1])):
        lines.pop()
    return lines


def _is_prose(line: str) -> bool:
    if _opens_statement(line):
        return False
    if not _PROSE.match(line):
        return line.strip().endswith(":") and line.strip()[:-1].isalpha() and not line.startswith((" ", "\t"))
    try:
        ast.parse(line.strip().removesuffix(":") + (":\n pass" if line.strip().endswith(":") else ""), FILE)
    except (SyntaxError, ValueError):
        return True
    return False


def _without_prose(text: str) -> str | None:
    """The text without the prose between its lines, and without indents that open no block.

    What the parser stops at is looked at, and nothing else. Before the next question the program ends.
    """
    lines = text.split("\n")
    for _ in range(_MOST_REPAIRS):
        try:
            ast.parse("\n".join(lines), FILE)
            return "\n".join(lines)
        except SyntaxError as error:
            index = (error.lineno or 0) - 1
            if not 0 <= index < len(lines):
                return None
            if isinstance(error, IndentationError) and error.msg == "unexpected indent":
                _outdent(lines, index)
            elif _NEXT_QUESTION.match(lines[index]):
                del lines[index:]
            elif _is_remark(lines[index]):
                lines[index] = ""
            else:
                return None
    return None


def _outdent(lines: list[str], index: int) -> None:
    """Moves a line, and those that stand as deep behind it, to the indent of the line before."""
    indent = _indent(lines[index])
    before = next((_indent(line) for line in reversed(lines[:index]) if line.strip()), 0)
    surplus = max(indent - before, 1) if indent > before else indent
    while index < len(lines) and (not lines[index].strip() or _indent(lines[index]) >= indent):
        lines[index] = lines[index][surplus:] if lines[index].strip() else ""
        index += 1


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _is_remark(line: str) -> bool:
    """Whether a line that Python refuses is a sentence or heading: words, and no statement."""
    words = _WORD.findall(line)
    if not words:
        return not any(map(str.isalnum, line))
    if _opens_statement(line) or _ASSIGNS.search(line) or words[0] == "print":
        return False
    return len(words) > 1 or line.rstrip(" *").endswith((".", ":", "!"))


def _opens_statement(line: str) -> bool:
    """Whether the line begins with a word of Python's and does not end as a sentence does."""
    word = re.match(r"\s*([a-z]+)\b", line)
    return word is not None and keyword.iskeyword(word[1]) and not line.rstrip().endswith((".", "!", "?", ","))


def _dedented(source: str) -> str:
    """The program without an indent that its first line has (models often start with a space)."""
    lines = source.expandtabs(4).split("\n")
    first = next((line for line in lines if line.strip()), "")
    indent = len(first) - len(first.lstrip())
    if not indent:
        return source
    if all(line[:indent].isspace() or not line.strip() for line in lines):
        return "\n".join(line[indent:] for line in lines)
    return source.lstrip()  # only the first line is indented
