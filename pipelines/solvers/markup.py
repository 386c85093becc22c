r"""The signs that models put around and into mathematics: LaTeX, Markdown, Unicode.

    plain(r"\(\boxed{2\frac{1}{2}}\) × 10³")   ->  r" \boxed{2 1/2}  * 10^3"

Prose (``answers``) and equations (``tokens``) are both read after this. Nothing is calculated, and what is not
known here stays as it is, so that a reader can refuse it.
"""

from __future__ import annotations

import re
import unicodedata

_MINUS = "−–‒‐‑⁃﹣﹘"
_BLANKS = "\u00a0\u202f\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u205f\u3000"
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_SIGNS = (
    dict.fromkeys(map(ord, _MINUS), "-")
    | dict.fromkeys(map(ord, "×⋅∙∗✕✖"), "*")
    | dict.fromkeys(map(ord, "÷∕➗"), "/")
    | _FULL_WIDTH
    | {ord("∶"): ":"}
    | dict.fromkeys(map(ord, _INVISIBLE))
)
_PROSE_SIGNS = _SIGNS | {ord("·"): "*", ord("⁄"): "/", ord("’"): "'"} | dict.fromkeys(map(ord, _BLANKS), " ")
_PROSE_SIGNS |= {ord("₀") + digit: str(digit) for digit in range(10)}
_THIN = re.compile(rf"(?<=\d)[{_BLANKS}](?=\d{{3}}(?!\d))")
_BLANK = re.compile(rf"(?<!\d)[{_BLANKS}]|[{_BLANKS}](?!\d{{3}}(?!\d))")
_QUOTES = (("“”„‟", '"'), ("‘’‚‛", "'"))
_SUPERSCRIPT = re.compile(r"[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_NORMAL = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_VULGAR = re.compile(r"(\d)?\s?([¼-¾⅐-⅞])")
_CURRENCY = re.compile(r"(?<![A-Za-z])(?:(?:US|AU|NZ|HK|CA|A|C|S)(?=\$)|(?:USD|EUR|GBP|INR|Rs\.?)\s?(?=[$\d]))")
_FRACTION = re.compile(r"(\d\s*)?\\[dtc]?frac\s*(?:\{([^{}]*)\}\s*\{([^{}]*)\}|(\d)\s*(\d))")
_WORDS = re.compile(r"\\(?:text(?:bf|it|rm)?|math(?:rm|bf|it|sf)|operatorname)\s*\{([^{}]*)\}")
_ROW = re.compile(r"\\\\(?:\[[^\]]*\])?[ \t]*\n?")
_LATEX = (
    (re.compile(r"\\(?:begin|end)\s*\{[a-z]+\*?\}(?:\{[^{}]*\})?"), " "),
    (re.compile(r"\\(?:left|right|displaystyle|quad|qquad|big|Big)(?![A-Za-z])"), " "),
    (re.compile(r"\\[()\[\]]|\$\$"), " "),
    (re.compile(r"\\!"), ""),
    (re.compile(r"\{,\}|(?<=\d)\\,(?=\d{3}(?!\d))"), ","),
    (re.compile(r"\\[,;: ]"), " "),
    (re.compile(r"\\([%$_#&])"), r"\1"),
    (re.compile(r"\\(?:times|cdot)(?![A-Za-z])"), "*"),
    (re.compile(r"\\div(?![A-Za-z])"), "/"),
    (re.compile(r"\\(?:approx|simeq)(?![A-Za-z])"), "≈"),
    (re.compile(r"\\le(?:q)?(?![A-Za-z])"), "≤"),
    (re.compile(r"\\ge(?:q)?(?![A-Za-z])"), "≥"),
    (re.compile(r"\\l?dots(?![A-Za-z])"), "..."),
    (re.compile(r"\\tag\{(\d+)\}"), r" (\1)"),
    (re.compile(r"\^\s*\{?\\circ\}?"), "°"),
    (re.compile(r"([_^])\{([-+]?\w+)\}"), r"\1\2"),
)


def plain(text: str) -> str:
    """The text with LaTeX, Unicode signs and currency codes in one plain spelling; ``\\boxed{}`` stays."""
    if "\\" in text or "{" in text:
        text = _without_latex(text)
    elif "$$" in text:
        text = text.replace("$$", " ")
    if not text.isascii():
        text = _THIN.sub(",", text)
        text = _SUPERSCRIPT.sub(lambda match: "^" + match[0].translate(_NORMAL), text)
        text = _VULGAR.sub(_vulgar, text).translate(_PROSE_SIGNS)
    return _CURRENCY.sub("", text)


def ascii_signs(text: str) -> str:
    """The text with typographic signs, quotation marks and blanks as ASCII has them, and without invisible ones.

    Digits around a no-break blank keep it (1 250 is a number). Quotation marks stay in a line that has straight ones.
    """
    if text.isascii():
        return text
    text = _BLANK.sub(" ", text).translate(_SIGNS)
    for typographic, straight in _QUOTES:
        if any(sign in text for sign in typographic):
            marks = str.maketrans(dict.fromkeys(typographic, straight))
            lines = text.split("\n")
            text = "\n".join(line if straight in line else line.translate(marks) for line in lines)
    return text


def _without_latex(text: str) -> str:
    text = _WORDS.sub(lambda match: f" {match[1].strip()} ", _ROW.sub("\n", text))
    for pattern, replacement in _LATEX:
        text = pattern.sub(replacement, text)
    for _ in range(3):  # fractions within fractions
        text, count = _FRACTION.subn(_fraction, text)
        if not count:
            break
    return text


def _fraction(match: re.Match[str]) -> str:
    """``\\frac{1}{2}`` is (1/2) beside other signs; ``2\\frac{1}{2}`` is the mixed number 2 1/2."""
    top, bottom = (match[2] or match[4] or "").strip(), (match[3] or match[5] or "").strip()
    whole = match[1] or ""
    if top.isdigit() and bottom.isdigit():
        return f"{whole.strip()} {top}/{bottom}" if whole else f"({top}/{bottom})"
    return f"{whole}(({top})/({bottom}))"


def _vulgar(match: re.Match[str]) -> str:
    top, _, bottom = unicodedata.normalize("NFKC", match[2]).partition("⁄")
    return f"{match[1]} {top}/{bottom}" if match[1] else f"({top}/{bottom})"
