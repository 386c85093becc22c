"""Equation of thought (EoT): a system of equations whose unknown ``ans`` is the answer.

    % Let x be the number of pens in a box:
    pens_per_box = x
    % Six boxes and 4 loose pens make 52 pens:
    6 * pens_per_box + 4 = 52
    ans = pens_per_box

Equations are statements, not assignments: their order is free and unknowns are free symbols.
"""

import re

from pipelines.problems import AnswerKind
from pipelines.solvers import Outcome, Sandbox
from pipelines.thoughts.thought import Thought


def solve(completion: str, kind: AnswerKind, sandbox: Sandbox) -> Outcome:
    """The value of ``ans`` in the system, solved in the sandbox; an EoT answer is always a number."""
    return sandbox.solve_equations(completion)


_ANSWERED = re.compile(r"^[^%#\n]*\bans(?:wer)?\s*=|=\s*ans\s*$", re.MULTILINE)

THOUGHT = Thought(
    name="eot",
    trigger="System of linear equations: (Do not simplify)",
    solve=solve,
    answered=_ANSWERED,
    comments=("%", "#", "//"),
)
