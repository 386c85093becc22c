"""The imports of a program: unused ones are dropped, and the libraries that the rest needs are named.

    import numpy as np        ->  removed: nothing below uses ``np``
    import sympy              ->  libraries(...) == ("sympy",)
    ans = sympy.Integer(48)

Models open programs with the imports that they are used to. An unused one decides nothing, so it must not cost the
answer, and a program without it may still be plain arithmetic.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Sequence

LIBRARIES = ("numpy", "sympy")
"""What programs may use beside the standard library; mpmath comes with sympy."""
NEEDS = "needs"
"""The status of a reply that names the libraries which a server must have imported to do the work."""
OFFERED = frozenset({*LIBRARIES, "mpmath"})
_NAMED = re.compile(r"\b(numpy|sympy|mpmath)\b|\b(np)\.")
_LIBRARY = {"mpmath": "sympy", "np": "numpy"}


def drop_unused(tree: ast.Module) -> None:
    """Removes the imports from outside the standard library whose names occur nowhere else in the program.

    ``from x import *`` stays, and so does what ``try`` guards: there the import itself is a question.
    """
    used: set[str] | None = None
    for body in _bodies(tree):
        for index, statement in enumerate(body):
            if not isinstance(statement, ast.Import | ast.ImportFrom) or not _foreign(statement):
                continue
            if used is None:
                used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
            kept = [alias for alias in statement.names if _bound(alias) in used or alias.name == "*"]
            if kept:
                statement.names = kept
            else:
                body[index] = ast.copy_location(ast.Pass(), statement)


def libraries(source: str) -> tuple[str, ...]:
    """The libraries that a text names, in alphabetical order; a name in a comment counts too."""
    found = {match[1] or match[2] for match in _NAMED.finditer(source)}
    return tuple(sorted({_LIBRARY.get(name, name) for name in found}))


def needed(tree: ast.Module, source: str) -> tuple[str, ...]:
    """The libraries that the program needs once its unused imports are dropped."""
    named = libraries(source)
    if not named:
        return ()
    mentioned = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            mentioned |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            mentioned.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.Name):
            mentioned.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):  # __import__("sympy")
            mentioned.add(_top(node.value))
    return tuple(name for name in named if any(_LIBRARY.get(each, each) == name for each in mentioned))


def _bodies(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    """Every list of statements outside ``try``."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        for field in ("body", "orelse"):
            statements: Sequence[ast.stmt] = getattr(node, field, ())
            if isinstance(statements, list):
                yield statements
                waiting.extend(each for each in statements if hasattr(each, "body") and not isinstance(each, ast.Try))


def _foreign(statement: ast.Import | ast.ImportFrom) -> bool:
    if isinstance(statement, ast.ImportFrom):
        return statement.level == 0 and _top(statement.module or "") not in sys.stdlib_module_names
    return any(_top(alias.name) not in sys.stdlib_module_names for alias in statement.names)


def _top(name: str) -> str:
    return name.partition(".")[0]


def _bound(alias: ast.alias) -> str:
    return alias.asname or _top(alias.name)
