"""What a thought is: a form of reasoning with a trigger, a teacher prompt and a way to its answer.

Thought(name="pot", trigger="Let's break down the code step by step", solve=<run the program>)
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from pipelines.problems import AnswerKind
from pipelines.solvers import Outcome, Sandbox


@dataclass(frozen=True, kw_only=True)
class Thought:
    """One form of reasoning.

    ``trigger`` is the suffix of the student's input that asks for this thought (METHOD §1).
    ``solve`` turns a completion into an answer without ever seeing the gold answer.
    ``answered`` finds the answer in a completion; only behind it can a next question be a run-on (``completion_text``).
    ``comments`` are the signs that begin a comment; a thought in prose has none.
    The teacher's prompt is ``prompts/<name>.md``; a thought without one cannot be sampled.
    """

    name: str
    trigger: str
    solve: Callable[[str, AnswerKind, Sandbox], Outcome]
    answered: re.Pattern[str]
    comments: tuple[str, ...] = ()


def student_input(question: str, trigger: str) -> str:
    """The student's input (ETD's released code): the question, then the trigger that picks the thought."""
    return f"Question: {question}\n{trigger}\n" if trigger else f"Question: {question}\n"
