'''Programs that are plain arithmetic, computed by walking their syntax tree: no process, no ``exec``.

    def solution():
        """..."""
        pens = 6 * 8
        return pens + 4      ->  52

Plain is: numbers, names that already have a value, ``+ - * / // % **``, a few functions of numbers, assignments in a
straight line, functions without arguments made of the same, and printing on the way to an answer. Whatever else stands
in a program, or goes wrong in it, makes it not plain, and it is run in a child as any other; both ways give the same
answer, because every operation here is Python's own on exact ``int`` and ``float``.
'''

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Sequence

MAX_BITS = 2048
_Value = int | float
_Operation = Callable[[_Value, _Value], _Value]

_BINARY: dict[type[ast.operator], _Operation] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_FUNCTIONS: dict[str, Callable[..., _Value]] = {
    "abs": abs,
    "float": float,
    "int": int,
    "max": max,
    "min": min,
    "round": round,
    "math.ceil": math.ceil,
    "math.floor": math.floor,
    "math.sqrt": math.sqrt,
}


_FORMAT = re.compile(r",?(?:\.\d)?[f%]?")


class _NotPlain(Exception):  # noqa: N818 - what it says
    """The program is to be run in a child."""


def answer(tree: ast.Module, names: Sequence[str] = ("ans", "result")) -> _Value | None:
    """The value of the first name that is set, else of ``solution()``; None where the program is not plain."""
    try:
        program = _Plain()
        program.execute(tree.body, program.globals)
        for name in names:
            if name in program.globals:
                return program.globals[name]
        return program.call("solution")
    except (_NotPlain, ArithmeticError, ValueError, TypeError, RecursionError):
        return None


class _Plain:
    def __init__(self) -> None:
        self.globals: dict[str, _Value] = {}
        self._functions: dict[str, ast.FunctionDef] = {}
        self._local: frozenset[str] = frozenset()

    def call(self, name: str) -> _Value:
        """Runs a function without arguments, in a scope of its own. Functions do not nest here."""
        if name not in self._functions or self._local or name in self.globals:
            raise _NotPlain
        body = self._functions[name].body
        self._local = frozenset((name, *(each for statement in body for each in _stored(statement))))
        last = body[-1]
        if not isinstance(last, ast.Return) or last.value is None:
            raise _NotPlain
        scope: dict[str, _Value] = {}
        self.execute(body[:-1], scope)
        value = self._value(last.value, scope)
        self._local = frozenset()
        return value

    def execute(self, statements: Sequence[ast.stmt], scope: dict[str, _Value]) -> None:
        """Runs statements in order; names are stored in ``scope``."""
        for statement in statements:
            match statement:
                case ast.Expr(ast.Constant(str())) | ast.Pass() | ast.Import([ast.alias("math", None)]):
                    if isinstance(statement, ast.Import) and scope is not self.globals:
                        raise _NotPlain
                case ast.Assign([*targets], value) if all(isinstance(target, ast.Name) for target in targets):
                    computed = self._value(value, scope)
                    for target in targets:
                        assert isinstance(target, ast.Name)
                        self._store(target.id, computed, scope)
                case ast.AugAssign(ast.Name(name), operation, value):
                    left = self._named(name, scope)
                    self._store(name, self._combined(operation, left, self._value(value, scope)), scope)
                case ast.Expr(ast.Call(ast.Name("print"), arguments, [])) if "print" not in self.globals:
                    for argument in arguments:  # of no effect beside an answer, but what is in it may fail
                        self._printed(argument, scope)
                case ast.FunctionDef(name, arguments) if scope is self.globals and not _any(arguments):
                    if (
                        statement.decorator_list
                        or name in self.globals
                        or name in _FUNCTIONS
                        or name in ("math", "print")
                    ):
                        raise _NotPlain
                    self._functions[name] = statement
                case _:
                    raise _NotPlain

    def _printed(self, node: ast.expr, scope: dict[str, _Value]) -> None:
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        for part in parts:
            match part:
                case ast.Constant(str()):
                    pass
                case ast.FormattedValue(value, -1, None):
                    self._value(value, scope)
                case ast.FormattedValue(value, -1, ast.JoinedStr([ast.Constant(str(spec))])) if _FORMAT.fullmatch(spec):
                    format(self._value(value, scope), spec)
                case _:
                    self._value(part, scope)

    def _store(self, name: str, value: _Value, scope: dict[str, _Value]) -> None:
        if name in _FUNCTIONS or name in self._functions or name in ("math", "print"):
            raise _NotPlain
        scope[name] = value

    def _named(self, name: str, scope: dict[str, _Value]) -> _Value:
        if name in scope:
            return scope[name]
        if name in self._local or name not in self.globals:  # what a function assigns is its own
            raise _NotPlain
        return self.globals[name]

    def _value(self, node: ast.expr, scope: dict[str, _Value]) -> _Value:
        match node:
            case ast.Constant(value) if type(value) in (int, float):
                return _bounded(value)
            case ast.Name(name):
                return self._named(name, scope)
            case ast.BinOp(left, operation, right):
                return self._combined(operation, self._value(left, scope), self._value(right, scope))
            case ast.UnaryOp(ast.USub(), operand):
                return -self._value(operand, scope)
            case ast.UnaryOp(ast.UAdd(), operand):
                return self._value(operand, scope)
            case ast.Call(ast.Name(name), arguments, []) if name in _FUNCTIONS:
                return self._applied(name, arguments, scope)
            case ast.Call(ast.Attribute(ast.Name("math"), name), arguments, []) if f"math.{name}" in _FUNCTIONS:
                return self._applied(f"math.{name}", arguments, scope)
            case ast.Call(ast.Name(name), [], []) if scope is self.globals:
                return self.call(name)
            case _:
                raise _NotPlain

    def _applied(self, name: str, arguments: Sequence[ast.expr], scope: dict[str, _Value]) -> _Value:
        return _bounded(_FUNCTIONS[name](*(self._value(argument, scope) for argument in arguments)))

    def _combined(self, operation: ast.operator, left: _Value, right: _Value) -> _Value:
        if type(operation) not in _BINARY:
            raise _NotPlain
        if isinstance(operation, ast.Pow) and (abs(right) > MAX_BITS or int(left).bit_length() * abs(right) > MAX_BITS):
            raise _NotPlain
        return _bounded(_BINARY[type(operation)](left, right))


def _bounded(value: object) -> _Value:
    """The value, if it is an int or float of ordinary size."""
    if type(value) is int and value.bit_length() <= MAX_BITS:
        return value
    if type(value) is float and math.isfinite(value):
        return value
    raise _NotPlain


def _any(arguments: ast.arguments) -> bool:
    return bool(arguments.posonlyargs or arguments.args or arguments.vararg or arguments.kwonlyargs or arguments.kwarg)


def _stored(statement: ast.stmt) -> list[str]:
    """The names that a statement of the plain kinds assigns."""
    if isinstance(statement, ast.Assign):
        return [target.id for target in statement.targets if isinstance(target, ast.Name)]
    if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
        return [statement.target.id]
    return []
