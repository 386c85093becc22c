"""Program of thought (PoT): Python that leaves the answer in ``ans``.

passengers_at_start = 46
passengers_now = passengers_at_start - 17
ans = passengers_now
"""

import re

from pipelines.problems import AnswerKind
from pipelines.solvers import Outcome, Sandbox
from pipelines.thoughts.thought import Thought


def solve(completion: str, kind: AnswerKind, sandbox: Sandbox) -> Outcome:
    """The answer that the program leaves, run in the sandbox."""
    return sandbox.run_program(completion, kind)


_ANSWERED = re.compile(r"^(?:ans|answer|result|final_answer)\s*=(?!=)|^[ \t]*(?:return\b|print\()", re.MULTILINE)

THOUGHT = Thought(
    name="pot", trigger="Let's break down the code step by step", solve=solve, answered=_ANSWERED, comments=("#",)
)
