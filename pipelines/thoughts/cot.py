"""Chain of thought (CoT): prose steps that end in "The answer is N".

The tram starts with 46 passengers. After 17 get off, 46 - 17 = 29 are left. The answer is 29.
"""

import re

from pipelines.problems import AnswerKind
from pipelines.solvers import Outcome, Sandbox, extract
from pipelines.thoughts.thought import Thought


def solve(completion: str, kind: AnswerKind, sandbox: Sandbox) -> Outcome:
    """The answer that the text states; nothing is run, so the sandbox is not used."""
    found = extract(completion, kind)
    if found is None:
        return Outcome(status="no_answer", answer=None, detail="the text states no answer")
    return Outcome(status="solved", answer=found.answer, detail=found.how)


_ANSWERED = re.compile(
    r"(?i)\banswer\b[^.\n:=]{0,40}(?:\bis\b|:|=)[ \t*]*\n?[ \t]*\S+|####\s*\S|\\boxed|</answer>"
    r"|=\s*[$€£]?\d[^\n]*\n\s*\n"
)

THOUGHT = Thought(name="cot", trigger="Let's think step by step.", solve=solve, answered=_ANSWERED)
