"""Running a PoT completion and taking its answer as plain text.

    pens = 6 * 8
    ans = pens + 4          ->  Raw(status="solved", text="52")

The answer is the variable ``ans``, ``answer``, ``final_answer`` or ``result``; else what ``solution()`` and its like
return; else the value of a last expression; else the last line printed (``ending`` has the details). This is the one
module that executes what a model wrote: ``fork_server`` calls it in a confined child, nothing else does. Text leaves
here as it is; ``sandbox`` checks and canonicalises it on the other side.
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
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from types import CodeType, CoroutineType, FunctionType, ModuleType
from typing import Any

from pipelines.solvers import arithmetic, values
from pipelines.solvers.ending import Ending, ending
from pipelines.solvers.imports import OFFERED, drop_unused, needed
from pipelines.solvers.printed import stated
from pipelines.solvers.source import FILE, parsed

_KEPT_OUTPUT = 4_000
_MODULES: tuple[ModuleType, ...] = (math, fractions, decimal, statistics, datetime, itertools, collections)


@dataclass(frozen=True)
class Raw:
    """What a child says about its program: ``text`` is the answer as it stands, not yet canonical."""

    status: str
    text: str | None = None
    detail: str = ""


@dataclass(frozen=True)
class Code:
    """A program ready to run: ``body``, then the expression at its end, if any; ``libraries`` that it needs."""

    body: CodeType
    last: CodeType | None
    ending: Ending
    libraries: tuple[str, ...]


class Unavailable(ImportError):  # noqa: N818 - the module is
    """The program imports something that is not offered to programs."""


class OfferedModules:
    """A finder of modules: offers the standard library and ``imports.OFFERED``, whatever else is installed.

    NumPy is offered only where the server has imported it: it would start threads and read files in a child.
    """

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """Refuses what is not offered, and leaves the rest to the finders behind."""
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or top.startswith("_sysconfigdata"):  # a name of each platform
            return
        if top in OFFERED and (top != "numpy" or "numpy" in sys.modules):
            return
        raise Unavailable(f"{top} is not available in the sandbox", name=name)


class _Tail(io.TextIOBase):
    """Standard output that remembers its end only, and how much was written."""

    def __init__(self) -> None:
        self.text = ""
        self.written = 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.text = (self.text + str(text))[-_KEPT_OUTPUT:]
        self.written += len(text)
        return len(text)


def run(source: str, kind: str) -> Raw:
    """Reads the program, executes it and reads its answer. Never raises for what the program does."""
    try:
        code = read(source, kind, plainly=False)
    except (MemoryError, RecursionError):  # the parser's own stack as well as the process's memory
        return Raw("syntax_error", detail="too large or too deeply nested to parse")
    return code if isinstance(code, Raw) else execute(code, kind)


def read(source: str, kind: str, *, plainly: bool = True) -> Code | Raw:
    """The code to execute; the answer itself where the program is plain arithmetic (unless not ``plainly``) or does
    not parse. Executes nothing.

    Raises MemoryError and RecursionError for what is too large or too deeply nested.
    """
    try:
        tree = parsed(source)
        if "import" in source:
            drop_unused(tree)
        end = ending(tree)
        plain = arithmetic.answer(tree, end.names) if plainly and not end.shows else None
        if plain is not None and (text := values.text(plain, kind)) is not None:
            return Raw("solved", text)
        last = None
        if end.last is not None:
            tree.body.pop()
            last = compile(ast.Expression(end.last), FILE, "eval", dont_inherit=True)
        body = compile(tree, FILE, "exec", dont_inherit=True)
        return Code(body, last, end, needed(tree, source))
    except (SyntaxError, ValueError, OverflowError) as error:
        return Raw("syntax_error", detail=_described(error))


def execute(code: Code, kind: str) -> Raw:
    """Executes the code and reads its answer. Never raises for what the program does."""
    output = _Tail()
    sys.stdout = sys.stderr = output
    namespace: dict[str, Any] = {module.__name__: module for module in _MODULES}
    namespace |= {name: sys.modules[name] for name in code.libraries if name in sys.modules}
    namespace |= {"__name__": "__main__", "__builtins__": builtins, "exit": sys.exit, "quit": sys.exit}
    if "asyncio" in code.body.co_names:
        import asyncio

        setattr(asyncio, "run", _awaited)  # noqa: B010 - to mypy it is a constant
    last = None
    try:
        try:
            exec(code.body, namespace)
            if code.last is not None:
                written = output.written
                last = eval(code.last, namespace)
                if output.written > written:  # what it printed is what it shows
                    last = None
        except SystemExit:  # after the answer is set an ordinary end
            pass
        return _answer(code.ending, namespace, last, output, kind)
    except BaseException as error:
        return _failure(error)


def _answer(end: Ending, namespace: dict[str, Any], last: Any, output: _Tail, kind: str) -> Raw:
    if end.shows and kind == "number" and (shown := _shown_number(last, output)) is not None:
        return shown
    left = [value for name in end.names if (value := namespace.get(name)) is not None]
    reads = [_value(value, kind) for value in left if not isinstance(value, FunctionType)]
    if reads:
        return next((read for read in reads if read.text is not None), reads[0])
    functions = [value for value in left if isinstance(value, FunctionType)]
    for value in (*functions, *(namespace.get(name) for name in ("solution", *end.functions))):
        value = _called(value) if callable(value) else value
        if value is not None:
            return _value(value, kind)
    if last is not None and (read := _value(last, kind)).text is not None:
        return read
    if (line := _last_line(output.text, kind)) is not None:
        return Raw("solved", line, detail="last line printed")
    for value in (*functions, last):
        if value is not None:
            return _value(value, kind)
    return Raw("no_answer", detail="no ans, result or solution(), no last expression, and nothing is printed")


def _value(value: Any, kind: str) -> Raw:
    text = values.text(value, kind)
    return Raw("solved", text) if text is not None else Raw("non_numeric", detail=values.shown(value))


def _shown_number(last: Any, output: _Tail) -> Raw | None:
    """The one number that the program shows at its end; None where it shows none or several."""
    if last is not None:
        read = _value(last, "number")
        return read if read.text is not None and stated(read.text) is not None else None
    line = _last_line(output.text, "number")
    return Raw("solved", line, "last line printed") if line and stated(line) is not None else None


def _last_line(printed: str, kind: str) -> str | None:
    """The last line with a word or figure in it; of numbers with a figure, if there is one."""
    lines = [line.strip()[: values.MAX_TEXT] for line in printed.splitlines() if any(map(str.isalnum, line))]
    if not lines:
        return printed.strip()[-values.MAX_TEXT :] or None
    if kind in ("boolean", "text"):
        return lines[-1]
    return next((line for line in reversed(lines) if any(map(str.isdigit, line))), lines[-1])


def _called(function: Any) -> Any:
    """What a function without arguments returns; None where it needs some."""
    value = function() if _takes_nothing(function) else None
    return _awaited(value) if isinstance(value, CoroutineType) else value


def _awaited(coroutine: Any, **_: Any) -> Any:
    """What a coroutine returns that waits for other coroutines only; there is no event loop, it would need a socket."""
    try:
        while coroutine.send(None) is None:
            pass
    except StopIteration as end:
        return end.value
    raise RuntimeError("the program waits for an event, and there is no event loop")


def _takes_nothing(function: Any) -> bool:
    """Whether it is a function that can be called without arguments."""
    if not isinstance(function, FunctionType):
        return callable(function)
    code = function.__code__
    needed = code.co_argcount - len(function.__defaults__ or ())
    return needed <= 0 and code.co_kwonlyargcount == len(function.__kwdefaults__ or ())


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
        if trace.tb_frame.f_code.co_filename == FILE:
            line = trace.tb_lineno
        trace = trace.tb_next
    message = getattr(error, "msg", None) if isinstance(error, SyntaxError) else str(error)[:200]
    return f"{type(error).__name__}: {message}" + (f" (line {line})" if line else "")
