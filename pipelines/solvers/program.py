"""Running a PoT completion and taking its answer as plain text.

    pens = 6 * 8
    ans = pens + 4          ->  Raw(status="solved", text="52")

The answer is the variable ``ans`` or ``result``; where neither is set, what ``solution()`` returns; where there is
none, the last line printed. Code fences and prose around the code are dropped. This is the one module that executes
what a model wrote: ``fork_server`` calls it in a confined child, nothing else does. Text leaves here as it is;
``sandbox`` checks and canonicalises it on the other side.
"""

from __future__ import annotations

import ast
import builtins
import collections
import datetime
import decimal
import errno
import fractions
import io
import itertools
import math
import re
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from types import CodeType, FunctionType, ModuleType
from typing import Any

from pipelines.solvers import arithmetic

MAX_CHARACTERS = 50_000
MAX_TEXT = 2_000
MAX_BLOCKS = 8
_KEPT_OUTPUT = 4_000
_HUGE = 10**310  # beyond every float
_THIRD_PARTY = frozenset({"sympy", "mpmath"})
_MODULES: tuple[ModuleType, ...] = (math, fractions, decimal, statistics, datetime, itertools, collections)

_FENCE = re.compile(r"^[ \t]*(?:```|~~~)[^\n]*\n(.*?)(?:^[ \t]*(?:```|~~~)[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_PROSE = re.compile(r"\s*[^\W\d]+(?:'\w+)?[,:]?\s+[^\W\d]")
_FILE = "<program>"


@dataclass(frozen=True)
class Raw:
    """What a child says about its program: ``text`` is the answer as it stands, not yet canonical."""

    status: str
    text: str | None = None
    detail: str = ""


class Unavailable(ImportError):  # noqa: N818 - the module is
    """The program imports something that is not offered to programs."""


class OfferedModules:
    """A finder of modules: offers the standard library, sympy and mpmath, whatever else is installed."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """Refuses what is not offered, and leaves the rest to the finders behind."""
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names and top not in _THIRD_PARTY:
            raise Unavailable(f"{top} is not available to programs", name=name)


class _Tail(io.TextIOBase):
    """Standard output that remembers its end only."""

    def __init__(self) -> None:
        self.text = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.text = (self.text + str(text))[-_KEPT_OUTPUT:]
        return len(text)


def run(source: str, kind: str) -> Raw:
    """Reads the program, executes it and reads its answer. Never raises for what the program does."""
    try:
        code = read(source, kind, plainly=False)
    except (MemoryError, RecursionError):  # the parser's own stack as well as the process's memory
        return Raw("syntax_error", detail="too large or too deeply nested to parse")
    return code if isinstance(code, Raw) else execute(code, kind)


def read(source: str, kind: str, *, plainly: bool = True) -> CodeType | Raw:
    """The code to execute; the answer itself where the program is plain arithmetic (unless not ``plainly``) or does
    not parse. Executes nothing.

    Raises MemoryError and RecursionError for what is too large or too deeply nested.
    """
    try:
        tree = parsed(source)
        if plainly and (value := arithmetic.answer(tree)) is not None and (text := _text(value, kind)) is not None:
            return Raw("solved", text)
        return compile(tree, _FILE, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, OverflowError) as error:
        return Raw("syntax_error", detail=_described(error))


def execute(code: CodeType, kind: str) -> Raw:
    """Executes the code and reads its answer. Never raises for what the program does."""
    output = _Tail()
    sys.stdout = sys.stderr = output
    namespace: dict[str, Any] = {module.__name__: module for module in _MODULES}
    if "sympy" in sys.modules:
        namespace["sympy"] = sys.modules["sympy"]
    namespace |= {"__name__": "__main__", "__builtins__": builtins, "exit": sys.exit, "quit": sys.exit}
    try:
        try:  # noqa: SIM105 - a program is small, contextlib is not
            exec(code, namespace)
        except SystemExit:  # after the answer is set an ordinary end
            pass
        return _answer(namespace, output, kind)
    except BaseException as error:
        return _failure(error)


def parsed(source: str) -> ast.Module:
    """The code in a completion: as it stands, or its fenced blocks, or what is left without the prose around it.

    Raises SyntaxError, and what the parser raises on hostile text: ValueError, RecursionError, MemoryError.
    """
    if len(source) > MAX_CHARACTERS:
        raise ValueError(f"longer than {MAX_CHARACTERS} characters")
    blocks = _FENCE.findall(source) if "```" in source or "~~~" in source else []
    candidates = ["\n".join(blocks), *reversed(blocks)] if blocks else [source, _without_prose(source)]
    refusal = SyntaxError("nothing to parse")
    for candidate in candidates[:MAX_BLOCKS]:
        try:
            return _whole(ast.parse(_dedented(candidate), _FILE))
        except SyntaxError as error:
            refusal = error
    raise refusal


def _whole(tree: ast.Module) -> ast.Module:
    """A program that returns is the body of ``solution()``, whose first line was in the prompt."""
    if any(isinstance(statement, ast.Return) for statement in tree.body):
        function = ast.parse("def solution(): pass", _FILE)
        assert isinstance(function.body[0], ast.FunctionDef)
        function.body[0].body = tree.body
        return function
    return tree


def _without_prose(source: str) -> str:
    """The lines between the first and the last that are not prose; lines inside stay, for they may be a docstring's."""
    lines = source.split("\n")
    while lines and (not lines[0].strip() or _is_prose(lines[0])):
        lines.pop(0)
    while lines and (not lines[-1].strip() or _is_prose(lines[-1])):
        lines.pop()
    return "\n".join(lines)


def _is_prose(line: str) -> bool:
    if not _PROSE.match(line):
        return line.strip().endswith(":") and line.strip()[:-1].isalpha() and not line.startswith((" ", "\t"))
    try:
        ast.parse(line.strip().removesuffix(":") + (":\n pass" if line.strip().endswith(":") else ""), _FILE)
    except (SyntaxError, ValueError):
        return True
    return False


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


def _answer(namespace: dict[str, Any], output: _Tail, kind: str) -> Raw:
    value = namespace.get("ans")
    if value is None:
        value = namespace.get("result")
    if value is None and _takes_nothing(namespace.get("solution")):
        value = namespace["solution"]()
    if value is not None:
        text = _text(value, kind)
        return Raw("solved", text) if text is not None else Raw("non_numeric", detail=_shown(value))
    printed = output.text.strip()
    if printed:
        return Raw("solved", printed.splitlines()[-1].strip()[:MAX_TEXT], detail="last line printed")
    return Raw("no_answer", detail="neither ans nor result nor solution() is set, and nothing is printed")


def _takes_nothing(function: Any) -> bool:
    """Whether it is a function that can be called without arguments."""
    if not isinstance(function, FunctionType):
        return callable(function)
    code = function.__code__
    needed = code.co_argcount - len(function.__defaults__ or ())
    return needed <= 0 and code.co_kwonlyargcount == len(function.__kwdefaults__ or ())


def _text(value: Any, kind: str) -> str | None:
    """The answer's plain text, or None where it is not of the kind. One value in a container is that value."""
    if type(value) is dict and len(value) == 1:  # what sympy.solve gives for one unknown
        value = next(iter(value.values()))
    if type(value).__name__ in ("FiniteSet", "Tuple") and "sympy" in sys.modules:
        value = tuple(value)
    if type(value) in (list, tuple, set, frozenset) and len(value) == 1 and kind != "numbers":
        return _text(next(iter(value)), kind)
    if isinstance(value, bool) or type(value).__name__ in ("BooleanTrue", "BooleanFalse"):
        return ("yes" if value else "no") if kind in ("boolean", "text") else None
    if isinstance(value, str):
        return str.__str__(value)[:MAX_TEXT]
    if kind == "time" and isinstance(value, datetime.time | datetime.datetime):
        return value.strftime("%H:%M")
    if isinstance(value, list | tuple) and kind in ("numbers", "ratio"):
        parts = [_number(part) for part in value[:100]]
        return (
            (":" if kind == "ratio" else "; ").join(part for part in parts if part is not None) if all(parts) else None
        )
    return _number(value)


def _number(value: Any) -> str | None:
    """A finite real number as text that names it exactly; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return int.__repr__(value) if -_HUGE < value < _HUGE else None
    if isinstance(value, float):
        return float.__repr__(value) if math.isfinite(value) else None
    if isinstance(value, Fraction):
        return (
            f"{value.numerator}/{value.denominator}" if max(abs(value.numerator), value.denominator) < _HUGE else None
        )
    if isinstance(value, Decimal):
        return f"{value:.17g}" if value.is_finite() and -310 < value.adjusted() < 310 else None
    if "sympy" not in sys.modules:
        return None
    import sympy

    if isinstance(value, sympy.Expr) and value.is_number and value.is_real and value.is_finite:
        if value.is_Rational:
            return _number(Fraction(int(value.p), int(value.q)))
        return float.__repr__(float(value.evalf(20)))
    return None


def _failure(error: BaseException) -> Raw:
    code = error.errno if isinstance(error, OSError) else None
    if isinstance(error, MemoryError) or code == errno.ENOMEM:
        return Raw("memory_limit")
    if code in (errno.EPERM, errno.EACCES) or isinstance(error, Unavailable) or "can't start new thread" in str(error):
        return Raw("forbidden", detail=_described(error))
    return Raw("runtime_error", detail=_described(error))


def _described(error: BaseException) -> str:
    """``ZeroDivisionError: division by zero (line 3)``."""
    line = getattr(error, "lineno", None)
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == _FILE:
            line = trace.tb_lineno
        trace = trace.tb_next
    message = getattr(error, "msg", None) if isinstance(error, SyntaxError) else str(error)[:200]
    return f"{type(error).__name__}: {message}" + (f" (line {line})" if line else "")


def _shown(value: Any) -> str:
    return f"{type(value).__name__} {repr(value)[:80]}"
