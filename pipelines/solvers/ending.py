"""Where a program leaves its answer.

    ans = 48                                       the variable
    def solver(): return 48                        what a function without arguments returns, called or not
    total = 6 * 8; total                           the value of a last expression
    result = 40; total = result + 8; print(total)  what is printed last, where it was computed after the variable

``ending`` looks at the syntax tree only and executes nothing. It is asked of every program, so it is cheap.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

NAMES = ("ans", "answer", "final_answer", "final_ans", "final_result", "result")
"""Variables that hold the answer, whatever their case."""
FUNCTIONS = ("solution", "solver", "solve", "ans", "answer", "get_answer", "final_answer", "calculate_answer")
"""Functions that return the answer; of other names only the one function that a program leaves uncalled."""
_ASSIGN_NOTHING = frozenset({ast.Expr, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom})
_QUIET = frozenset({"str", "float", "format"})  # these show a number as it is


@dataclass(frozen=True)
class Ending:
    """``names``: the answer's variables, the best first; ``functions``: the same of functions; ``last``: the expression
    at the end; ``shows``: whether what is shown at the end was computed beyond the variables and functions."""

    names: tuple[str, ...]
    functions: tuple[str, ...]
    last: ast.expr | None
    shows: bool


def ending(tree: ast.Module) -> Ending:
    """What the program's text says about where its answer is."""
    assigned: dict[str, int] = {}
    for index, statement in enumerate(tree.body):
        kind = type(statement)
        if kind is ast.Assign and type(target := statement.targets[0]) is ast.Name and len(statement.targets) == 1:  # type: ignore[attr-defined]
            if target.id.lower() in NAMES:  # most programs are nothing else, so this is spelt out
                assigned[target.id] = index
        elif kind not in _ASSIGN_NOTHING:
            assigned |= {name: index for name in _assigned(statement) if name.lower() in NAMES}
    last = _last(tree)
    functions = _functions(tree)
    names = _ordered(tree, assigned)
    return Ending(names, functions, last, _shows(tree, names, assigned, functions))


def _ordered(tree: ast.Module, assigned: dict[str, int]) -> tuple[str, ...]:
    """The variable that was assigned last, but ``ans`` before what was not computed from it; then the others."""
    if len(assigned) <= 1:
        return (*assigned, *(name for name in NAMES if name not in assigned))
    latest = sorted(assigned, key=lambda name: assigned[name], reverse=True)
    if (stated := next((name for name in latest if name.lower() == "ans"), None)) is not None:
        derived = _derived(tree, stated, assigned[stated])
        latest = [*(name for name in latest if name in derived), stated, *latest]
    return tuple(dict.fromkeys((*latest, *NAMES)))


def _shows(tree: ast.Module, names: Sequence[str], assigned: dict[str, int], functions: Sequence[str]) -> bool:
    """Whether the end shows something that was computed from the answer's variable, or beside a mere ``result``."""
    parts = _shown(tree)
    if not parts:
        return False
    base = names[0]
    if base in assigned:
        known = {base} | _aliases(tree, base)
        if all(_only_shows(part, known) for part in parts):
            return False
        if base.lower() == "result":
            return True
        derived = _derived(tree, base, assigned[base]) | {base}
        return any(name in derived for part in parts for name in _loaded(part))
    if not functions:
        return False
    known = set(functions) | {name for function in functions for name in _aliases(tree, function)}
    return not all(_only_shows(part, known) for part in parts)


def _shown(tree: ast.Module) -> list[ast.expr]:
    """What is computed in the last ``print`` that computes something, or in an expression behind it."""
    for statement in reversed(_main(tree)):
        if not isinstance(statement, ast.Expr):
            return []
        value = statement.value
        printed = isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "print"
        parts = value.args if printed and isinstance(value, ast.Call) else [value]
        if any(True for part in parts for _ in _loaded(part)):
            return list(parts)
    return []


def _main(tree: ast.Module) -> Sequence[ast.stmt]:
    """The program's statements; those of a closing ``if __name__ == "__main__"`` instead where it has one."""
    match tree.body:
        case [*_, ast.If(ast.Compare(ast.Name("__name__")), body)]:
            return body
    return tree.body


def _last(tree: ast.Module) -> ast.expr | None:
    """The expression at the end, unless it is text or a number that was only written down."""
    if not tree.body or not isinstance(tree.body[-1], ast.Expr):
        return None
    value = tree.body[-1].value
    return value if any(True for _ in _loaded(value)) or isinstance(value, ast.BinOp) else None


def _only_shows(part: ast.expr, known: set[str]) -> bool:
    """Whether the expression is a known name or call, at most rounded, formatted or put into a sentence."""
    match part:
        case ast.Constant():
            return True
        case ast.Name(name) | ast.Call(ast.Name(name), [], []):
            return name in known
        case ast.Call(ast.Name("round"), [value, _]) | ast.FormattedValue(value) | ast.Starred(value):
            return _only_shows(value, known)
        case ast.Call(ast.Name(name), [value, *_]) if name in _QUIET:
            return _only_shows(value, known)
        case ast.Call(ast.Attribute(ast.Constant(), "format"), values) | ast.JoinedStr(values) | ast.Tuple(values):
            return all(_only_shows(value, known) for value in values)
        case ast.BinOp(left, ast.Mod(), right) if isinstance(left, ast.Constant) and isinstance(left.value, str):
            return _only_shows(right, known)
        case ast.BinOp(left, ast.Add(), right) if _is_text(left) or _is_text(right):
            return _only_shows(left, known) and _only_shows(right, known)
    return False


def _is_text(node: ast.expr) -> bool:
    match node:
        case ast.Constant(str()) | ast.JoinedStr() | ast.Call(ast.Name("str")):
            return True
        case ast.BinOp(left, ast.Add(), right):
            return _is_text(left) or _is_text(right)
    return False


def _derived(tree: ast.Module, name: str, after: int) -> set[str]:
    """Names that are computed from the name in the statements behind ``after``."""
    derived: set[str] = set()
    for statement in tree.body[after + 1 :]:
        if name in (loaded := set(_loaded(statement))) or loaded & derived:
            derived |= set(_assigned(statement))
    return derived


def _aliases(tree: ast.Module, name: str) -> set[str]:
    """Names that are given the value of the name, or of the function, as it is."""
    found = set()
    for statement in tree.body:
        match statement:
            case ast.Assign([ast.Name(alias)], ast.Name(source) | ast.Call(ast.Name(source), [], [])) if source == name:
                found.add(alias)
    return found


def _functions(tree: ast.Module) -> tuple[str, ...]:
    """The functions whose value may be the answer: those named so, else the only one that nothing in the text uses."""
    defined = [each.name for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
    if not defined:
        return ()
    if named := tuple(name for name in FUNCTIONS if name in defined):
        return named
    loaded = set(_loaded(tree))
    unused = [name for name in defined if name not in loaded]
    return tuple(unused) if len(unused) == 1 else ()


def _assigned(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement assigns; inside functions only those that it declares global."""
    match statement:
        case ast.Assign([ast.Name(name)]) | ast.AugAssign(ast.Name(name)):
            yield name
        case ast.AnnAssign(ast.Name(name), _, value) if value is not None:
            yield name
        case _ if type(statement) not in _ASSIGN_NOTHING:
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    yield node.id


def _loaded(node: ast.AST) -> Iterator[str]:
    return (each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load))
