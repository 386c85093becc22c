"""Annotated solutions: prose with machine-readable steps, GSM8K's notation and two additions of ours.

    Let x be the number of pens in a box: <<?6 * x + 4 = 52>>6 * x + 4 = 52.
    52 - 4 = <<in_boxes=52-4=48>>48 pens are in boxes.
    48 / 6 = <<x=48/6=8>>8 pens are in a box.
    #### 8

- ``<<expression=value>>`` is GSM8K's calculator annotation; the value follows it in the prose.
- ``<<name=expression=value>>`` also names the step's result.
- ``<<?left = right>>`` states an equation of the natural form of a problem with a true unknown.

This module only reads the notation. It does not evaluate expressions.
"""

import re
from dataclasses import dataclass

_ANNOTATION = re.compile(r"<<(.*?)>>")
_NAME = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Step:
    """One calculation: ``name`` (None in plain GSM8K), ``expression`` and ``value`` as written,
    and the prose of the sentence that holds it, without annotations."""

    name: str | None
    expression: str
    value: str
    prose: str


@dataclass(frozen=True)
class Equation:
    """One stated equation, as written, with the prose of its line."""

    text: str
    prose: str


@dataclass(frozen=True)
class Annotated:
    """An annotated solution, read: its prose lines, its steps, its equations, its final answer."""

    lines: tuple[str, ...]
    steps: tuple[Step, ...]
    equations: tuple[Equation, ...]
    answer: str | None


def read(rationale: str) -> Annotated:
    """Read an annotated solution. Annotations that do not parse count as prose."""
    lines: list[str] = []
    steps: list[Step] = []
    equations: list[Equation] = []
    answer = None
    for raw in rationale.splitlines():
        if raw.startswith("####"):
            answer = raw[4:].strip()
            continue
        prose = strip(raw).strip()
        if prose:
            lines.append(prose)
        for body in _ANNOTATION.findall(raw):
            if body.startswith("?"):
                equations.append(Equation(body[1:].strip(), prose))
                continue
            parts = [part.strip() for part in body.split("=")]
            if len(parts) == 3 and _NAME.fullmatch(parts[0]):
                steps.append(Step(parts[0], parts[1], parts[2], prose))
            elif len(parts) == 2:
                steps.append(Step(None, parts[0], parts[1], prose))
    return Annotated(tuple(lines), tuple(steps), tuple(equations), answer)


def strip(text: str) -> str:
    """The prose alone: annotations removed."""
    return _ANNOTATION.sub("", text)
