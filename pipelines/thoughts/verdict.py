"""A verdict: what a completion is worth, proved by solving it.

    Verdict(status="solved", answer="38", correct=True, flags=(), detail="", elapsed_s=0.001)

The gold answer is looked at only after the completion has been solved.
"""

from dataclasses import dataclass, replace

from pipelines.errors import ThoughtDistillError
from pipelines.problems import AnswerKind
from pipelines.solvers import Outcome, Sandbox, equal
from pipelines.thoughts.completion_text import answer_text
from pipelines.thoughts.ending import ending
from pipelines.thoughts.suspicion import suspicions
from pipelines.thoughts.thought import Thought


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The judgement of one completion; ``correct`` is "solved, and with the gold answer", None where there is none."""

    status: str
    answer: str | None
    correct: bool | None
    flags: tuple[str, ...]
    detail: str
    elapsed_s: float


def judge(
    thought: Thought,
    completion: str,
    finish_reason: str,
    gold: str | None,
    kind: AnswerKind,
    sandbox: Sandbox,
    question: str | None = None,
) -> Verdict:
    """Solve a completion, then compare its answer with the gold answer.

    ``finish_reason`` is the chat protocol's. A refusal is not solved. What was cut at the token limit is
    ``truncated`` whatever it says by then: its answer, if any, is recorded, but proves nothing.
    What is read is the completion's own answer, without thinking, control tokens and run-ons (``completion_text``).
    ``question`` is only for ``suspicion``; without it one of its flags cannot be raised.

    Raises:
        ThoughtDistillError: the sandbox does not work. Any other error is the completion's, and its verdict says so.
    """
    try:
        outcome = _outcome(thought, completion, finish_reason, kind, sandbox, question)
        answer = outcome.answer if outcome.status == "solved" else None
        correct = answer is not None and gold is not None and equal(answer, gold, kind)
    except ThoughtDistillError:
        raise
    except Exception as error:  # a completion that nobody foresaw must not end every run that holds it
        outcome = Outcome(status="no_answer", answer=None, detail=f"the judge failed: {error!r:.200}")
        correct = False
    return Verdict(
        status=outcome.status,
        answer=outcome.answer,
        correct=None if gold is None else correct,
        flags=outcome.flags,
        detail=outcome.detail,
        elapsed_s=outcome.elapsed_s,
    )


def _outcome(
    thought: Thought, completion: str, finish_reason: str, kind: AnswerKind, sandbox: Sandbox, question: str | None
) -> Outcome:
    """What the completion says when it is solved, with the flags of what is suspicious about it."""
    ended = ending(finish_reason)
    if ended in ("content_filter", "refusal"):
        outcome = Outcome(status="refused", answer=None, detail=f"finish_reason {finish_reason}")
    else:
        completion = answer_text(completion, thought)
        outcome = thought.solve(completion, kind, sandbox)
    if ended in ("length", "error"):
        why = "cut at the token limit" if ended == "length" else f"broken off ({finish_reason})"
        outcome = replace(outcome, status="truncated", detail=f"{why} ({outcome.status} by then)")
    if outcome.answer is not None:
        doubts = suspicions(thought.name, question, completion, outcome.answer)
        outcome = replace(outcome, flags=(*outcome.flags, *doubts))
    return outcome
