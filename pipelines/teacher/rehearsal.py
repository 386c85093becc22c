"""The rehearsal teacher: annotated solutions turned into the three thoughts, with mistakes on purpose.

    52 - 4 = <<in_boxes=52-4=48>>48 pens are in boxes.      CoT: 52 - 4 = 48 pens are in boxes.
    48 / 6 = <<per_box=48/6=8>>8 pens are in a box.         PoT: in_boxes = 52 - 4
    #### 8                                                       per_box = in_boxes / 6
                                                                 ans = per_box

A result that a later step uses is written there by its name. Problems that state equations
(``<<?6 * per_box + 4 = 52>>``) give those as their EoT. Mistakes are a pure function of seed and sample.
"""

import keyword
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from pipelines.config import MistakeKind, RehearsalConfig
from pipelines.problems.annotation import Annotated, read
from pipelines.teacher.completion import Completion

_NUMBER = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?|\.\d+)(?![\w.])")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?|\.\d+)%")
_OPERATION = re.compile(r"(?<=[\w.)])\s*([-+*/])\s*(?=[\w.(])")
_OTHER_OPERATION = {"+": "-", "-": "+", "*": "+", "/": "*"}
_BEGUN = "Let me see:"  # of prose that breaks off in its first step; an empty answer would be a fault of the endpoint


@dataclass(frozen=True)
class _Line:
    """A named calculation with earlier results written by name."""

    name: str
    expression: str


def complete(rationale: str, thought: str, sample_id: str, seed: int, config: RehearsalConfig) -> Completion:
    """The thought that an annotated solution gives, mistaken with probability ``config.mistakes``."""
    solution = read(rationale)
    draw = random.Random(f"{seed}/{sample_id}")
    text = _WRITE[thought](solution)
    if draw.random() < config.mistakes:
        text = _mistaken(text, thought, solution, draw.choice(config.mistake_kinds), draw)
    return Completion(text=text, finish_reason="stop", model="rehearsal")


def chain_of_thought(solution: Annotated) -> str:
    """The prose, ending in "The answer is N."."""
    return "\n".join([*solution.lines, f"The answer is {solution.answer}."])


def program_of_thought(solution: Annotated) -> str:
    """One assignment a step; the last result is ``ans``."""
    lines = list(_named_lines(solution))
    return "\n".join([*(f"{line.name} = {line.expression}" for line in lines), f"ans = {_result(solution, lines)}"])


def equation_of_thought(solution: Annotated) -> str:
    """The stated equations where the problem has a true unknown, else each step as an equation."""
    lines = list(_named_lines(solution))
    if not solution.equations:
        return "\n".join([*(f"{line.name} = {line.expression}" for line in lines), f"ans = {_result(solution, lines)}"])
    stated = [equation.text for equation in solution.equations]
    unknowns = set(re.findall(r"[A-Za-z_]\w*", " ".join(stated)))
    derived = []
    result = _result(solution, lines)
    if result not in unknowns:  # what is asked for follows from the unknowns by some last steps
        derived = [f"{line.name} = {line.expression}" for line in _needed(lines, result, unknowns)]
    return "\n".join([*stated, *derived, f"ans = {result}"])


_WRITE = {"cot": chain_of_thought, "pot": program_of_thought, "eot": equation_of_thought}


def _named_lines(solution: Annotated) -> Iterator[_Line]:
    """Steps as assignments; a number that equals an earlier result becomes that result's name."""
    names: dict[str, str] = {}
    used: set[str] = set()
    for index, step in enumerate(solution.steps):
        expression = _PERCENT.sub(r"(\1/100)", step.expression)
        expression = _NUMBER.sub(lambda found: names.get(_plain(found[0]), found[0]), expression)
        expression = _OPERATION.sub(r" \1 ", expression).strip()
        name = step.name or _name_after(step.prose, step.value) or "step"
        if name in used:
            name = f"{name}_{index + 1}"
        used.add(name)
        names[_plain(step.value)] = name
        yield _Line(name, expression)


def _needed(lines: list[_Line], result: str, known: set[str]) -> list[_Line]:
    wanted, needed = {result}, []
    for line in reversed(lines):
        if line.name in wanted and line.name not in known:
            needed.append(line)
            wanted |= set(re.findall(r"[A-Za-z_]\w*", line.expression))
    return needed[::-1]


def _result(solution: Annotated, lines: list[_Line]) -> str:
    return lines[-1].name if lines else str(solution.answer)


def _name_after(prose: str, value: str) -> str | None:
    """The word that follows a result in its sentence: "24 clips in May" names it ``clips``."""
    found = re.search(rf"=\s*\$?{re.escape(value)}\s+([A-Za-z]{{3,}})", prose)
    name = found[1].lower() if found else None
    return None if name is None or keyword.iskeyword(name) else name


def _plain(number: str) -> str:
    return str(Fraction(number)) if _NUMBER.fullmatch(number) else number


def _mistaken(text: str, thought: str, solution: Annotated, kind: MistakeKind, draw: random.Random) -> str:
    if kind == "arithmetic":
        return _wrong_number(text, thought, draw)
    if kind == "operation":
        return _wrong_operation(text, thought, draw)
    if kind == "broken_code":
        return _broken(text, thought)
    if kind == "underdetermined":
        return _incomplete(text, thought)
    if thought == "cot":
        return solution.lines[0] if solution.lines else _BEGUN
    return "Sure! " + chain_of_thought(solution)


def _wrong_number(text: str, thought: str, draw: random.Random) -> str:
    """A number miswritten; in CoT it is the final answer, as a miscalculation ends."""
    if thought == "cot":
        steps, _, answer = text.rpartition("The answer is ")
        return f"{steps}The answer is {_miswritten(answer.rstrip('.'), draw)}."
    found = list(_NUMBER.finditer(text))
    if not found:
        return _broken(text, thought)
    chosen = draw.choice(found)
    wrong = _miswritten(chosen[0], draw)
    return text[: chosen.start()] + wrong + text[chosen.end() :]


def _miswritten(number: str, draw: random.Random) -> str:
    try:
        return f"{float(number.replace(',', '')) + draw.choice((1, 2, 10)):g}"
    except ValueError:
        return "0"


def _wrong_operation(text: str, thought: str, draw: random.Random) -> str:
    found = list(_OPERATION.finditer(text))
    if not found or thought == "cot":
        return _wrong_number(text, thought, draw)
    chosen = draw.choice(found)
    return f"{text[: chosen.start()]} {_OTHER_OPERATION[chosen[1]]} {text[chosen.end() :]}"


def _broken(text: str, thought: str) -> str:
    """Code that does not parse; prose that breaks off before its last step."""
    if thought == "cot":
        return "\n".join(text.split("\n")[:-2]) or _BEGUN
    return text.replace(" = ", " = (", 1)


def _incomplete(text: str, thought: str) -> str:
    """What comes first is left out, so that a name has no value."""
    if thought == "cot":
        return _broken(text, thought)
    lines = text.split("\n")
    return "\n".join(lines[1:]) if len(lines) > 2 else "ans = unknown"
