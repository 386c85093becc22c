r"""Other spellings of the EoT notation, rewritten into it before anything is read.

    respelled("x ← 5\r\nans = \\sqrt{x − 1} ＋ ⌈2.5⌉")   ->  "x = 5\nans = sqrt(x − 1) + ceil(2.5)"

Wrappers (block comments, tags, quote marks), characters and LaTeX commands that ``markup`` keeps for prose.
"""

from __future__ import annotations

import html
import re

_SIGNS = str.maketrans(
    dict.fromkeys("⁎✖⨯⨉", "*")
    | dict.fromkeys("←≔≡⟵", "=")
    | dict.fromkeys("→⇒⟹⟶➔➜➝∴", "⇒")
    | {"⩽": "≤", "⩾": "≥", "∧": "&", "⌈": " ceil(", "⌉": ")", "⌊": " floor(", "⌋": ")"}
    | dict.fromkeys("\u2028\u2029\u0085\x0b\x0c", "\n")
    | dict.fromkeys("“”„«»", '"')
)
"""What ``markup`` leaves as it is because it means nothing in prose."""
_ROOT = re.compile(r"√\s*(\d[\d.,]*|[^\W\d]\w*)")
_CUBE_ROOT = re.compile(r"∛\s*(\d[\d.,]*|[^\W\d]\w*|\([^()]*\))")
_BLOCKS = (("<!--", "-->"), ("/*", "*/"), ("(*", "*)"))
_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9_-]{0,30}\s?/?>")
_ENTITY = re.compile(r"&[a-zA-Z]{2,8};")
_ARROW_LABEL = re.compile(
    r"(?<![-=])(?:-{2,12}>?|[—―]{1,12}|={2,12}>|⇒|[-=]>)[ \t]{0,8}(?=[(\[][\w. ]{1,14}[)\]][ \t]{0,8}$)", re.MULTILINE
)
_INNER = r"((?:[^{}]|\{[^{}]*\})*)"
_LATEX = (
    (re.compile(r"\\(?:tag\*?|label)\s*\{[^{}]*\}|\\(?:notag|nonumber)(?![A-Za-z])"), " "),
    (re.compile(r"\\(?:left|right)\s*(?:\\[{}]|\.)"), " "),
    (re.compile(r"\\(?:left|right)?\s*\\?\|"), "|"),
    (re.compile(r"\\l(ceil|floor)(?![A-Za-z])"), r" \1("),
    (re.compile(r"\\r(?:ceil|floor)(?![A-Za-z])"), ")"),
    (re.compile(r"\\(?:implies|Rightarrow|Longrightarrow|to|rightarrow|therefore)(?![A-Za-z])"), " ⇒ "),
    (re.compile(r"\\(?:ast|star)(?![A-Za-z])"), "*"),
    (re.compile(r"\\(?:neq?)(?![A-Za-z])"), "≠"),
    (re.compile(r"\\(?:equiv|coloneqq)(?![A-Za-z])"), "="),
    (re.compile(r"\\(?:gt)(?![A-Za-z])"), ">"),
    (re.compile(r"\\(?:lt)(?![A-Za-z])"), "<"),
    (re.compile(r"\\p?mod(?![A-Za-z])|\\bmod(?![A-Za-z])"), " mod "),
    (re.compile(r"\\(max|min|gcd)(?![A-Za-z])"), r" \1"),
)
_BRACES = (
    (re.compile(rf"\\(?:boxed|fbox)\s*\{{{_INNER}\}}"), lambda match: _boxed(match[1])),
    (re.compile(rf"\\sqrt\s*\[(\d)\]\s*\{{{_INNER}\}}"), lambda match: f"(({match[2]})^(1/{match[1]}))"),
    (re.compile(rf"\\sqrt\s*\{{{_INNER}\}}"), lambda match: f" sqrt({match[1]})"),
    (re.compile(r"\\sqrt\s*(\d)"), lambda match: f" sqrt({match[1]})"),
    (re.compile(r"\\d?binom\s*\{([^{}]*)\}\s*\{([^{}]*)\}"), lambda match: f" comb({match[1]}, {match[2]})"),
)
_INDEX = re.compile(r"(?<=\w)_\{((?:[^{}\n]|\{[^{}\n]*\}){1,40})\}")


def respelled(text: str) -> str:
    """The text with its wrappers dropped and its characters and commands in the notation's own spelling."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.isascii():
        text = text.translate(_SIGNS)
        text = _CUBE_ROOT.sub(r"((\1)^(1/3))", _ROOT.sub(r"sqrt(\1)", text)).replace("√(", "sqrt(")
    if "*" in text or "<" in text:
        for start, end in _BLOCKS:
            text = _without_blocks(text, start, end)
    if "<" in text:
        text = _TAG.sub(lambda match: "\n" if match[0][:3].lower() == "<br" else " ", text)
    if text[:1] in "\"'" or text[-1:] in "\"'":
        text = _unquoted(text)
    if "&" in text and ";" in text:
        text = _ENTITY.sub(lambda match: html.unescape(match[0]), text)
    if "\\" in text or "{" in text:
        text = _without_latex(text)
    return _ARROW_LABEL.sub(" ... ", text) if "--" in text or ">" in text or not text.isascii() else text


def _unquoted(text: str) -> str:
    """The text without the quote marks around the whole of it."""
    bare = text.strip()
    for mark in ('"""', "'''", '"', "'"):
        if len(bare) > 2 * len(mark) and bare.startswith(mark) and bare.endswith(mark):
            return bare[len(mark) : -len(mark)] if bare.count(mark) == 2 else text
    return text


def _without_blocks(text: str, start: str, end: str) -> str:
    """The text without what stands between the marks of a comment; the number of its lines stays."""
    at = text.find(start)
    while at >= 0:
        stop = text.find(end, at + len(start))
        if stop < 0:
            break
        text = text[:at] + " " + "\n" * text.count("\n", at, stop) + text[stop + len(end) :]
        at = text.find(start, at)
    return text


def _without_latex(text: str) -> str:
    for pattern, replacement in _LATEX:
        text = pattern.sub(replacement, text)
    for _ in range(3):  # roots within roots
        before = text
        for pattern, call in _BRACES:
            text = pattern.sub(call, text)
        if text == before:
            break
    return _INDEX.sub(lambda match: "_" + _index(match[1]), text)


def _boxed(inside: str) -> str:
    """A boxed equation is the equation, a boxed expression a bracket."""
    return f" {inside} " if "=" in inside else f"({inside})"


def _index(inside: str) -> str:
    """``x_{t+1}`` is the name x_t_plus_1."""
    words = inside.replace("+", " plus ").replace("-", " minus ")
    return re.sub(r"\W+", "_", re.sub(r"\\(?:text|mathrm)", "", words)).strip("_")
