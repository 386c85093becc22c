"""A question solved by a student: its thoughts, the answer that is chosen among them, and how sure it is.

    [solution] = solve([Asked("A tram carries 46 passengers ...")], decoder, ["pot", "eot", "cot"], sandbox)
    -> Solution(question="A tram ...", answer="29", confidence=0.91, chosen="pot",
                thoughts=(Solved(thought="pot", completion="ans = 46 - 17", status="solved", answer="29",
                                 probability=0.91), ...))

Nothing is scored: there is no gold answer here.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from pipelines.config import EvaluationConfig, TrainingConfig
from pipelines.inference.confidence import Calibration
from pipelines.inference.selection import Path, Votes, ballots, first_success
from pipelines.problems import AnswerKind
from pipelines.solvers import Sandbox, equal
from pipelines.thoughts import SAMPLED, THOUGHTS, judge, student_input

ORDER: tuple[str, ...] = tuple(EvaluationConfig().select)
_MAX_TOKENS = EvaluationConfig().max_tokens
_MAX_INPUT_TOKENS = TrainingConfig().max_input_tokens


class GreedyDecoder(Protocol):
    """What ``open_decoder`` gives."""

    def decode(self, inputs: Sequence[str], *, max_tokens: int, max_input_tokens: int) -> list[list[Any]]:
        """One ``Decoded`` for each input."""


@dataclass(frozen=True)
class Asked:
    """A question, and the kind of answer that is wanted."""

    question: str
    answer_kind: AnswerKind = "number"


@dataclass(frozen=True, kw_only=True)
class Solved:
    """One thought: its text, what came of it, and its probability under the student, of all tokens together."""

    thought: str
    completion: str
    status: str
    answer: str | None
    probability: float


@dataclass(frozen=True, kw_only=True)
class Solution:
    """The thoughts in the order they are preferred, and the first answer; None, with confidence 0, where all failed."""

    question: str
    answer: str | None
    confidence: float
    chosen: str | None
    thoughts: tuple[Solved, ...]


def solve(
    asked: Sequence[Asked],
    decoder: GreedyDecoder,
    thoughts: Sequence[str],
    sandbox: Sandbox,
    calibration: Calibration | None = None,
) -> list[Solution]:
    """Every question in all of these thoughts, greedily; the first thought that solves it gives the answer.

    ``calibration``: what the student's run found of its confidence on dev problems.
    """
    inputs = [student_input(one.question, THOUGHTS[name].trigger) for one in asked for name in thoughts]
    decoded = decoder.decode(inputs, max_tokens=_MAX_TOKENS, max_input_tokens=_MAX_INPUT_TOKENS)
    solutions = []
    for number, one in enumerate(asked):
        solved, paths = [], []
        for name, [written] in zip(thoughts, decoded[number * len(thoughts) :], strict=False):
            finish = "stop" if written.finished else "length"
            verdict = judge(THOUGHTS[name], written.completion, finish, None, one.answer_kind, sandbox)
            solved.append(
                Solved(
                    thought=name,
                    completion=written.completion,
                    status=verdict.status,
                    answer=verdict.answer,
                    probability=math.exp(written.logprob),
                )
            )
            paths.append(
                Path(
                    thought=name,
                    decoding="greedy",
                    draw=0,
                    status=verdict.status,
                    answer=verdict.answer,
                    correct=None,
                    logprob=written.logprob,
                    tokens=written.tokens,
                )
            )
        choice = first_success(paths)
        sure = confidence(paths, ballots(paths, partial(equal, kind=one.answer_kind)), calibration)
        solutions.append(
            Solution(
                question=one.question,
                answer=choice.answer,
                confidence=sure[paths.index(choice.path)] if choice.path else 0.0,
                chosen=choice.path.thought if choice.path else None,
                thoughts=tuple(solved),
            )
        )
    return solutions


def confidence(paths: Sequence[Path], votes: Votes, calibration: Calibration | None) -> list[float]:
    """Per path how sure its answer is, in [0, 1]: the probability that it is right as dev problems had it; without a
    calibration the probability of the whole completion, which says little of that."""
    if calibration is None:
        return [math.exp(path.logprob) for path in paths]
    return calibration.probabilities(paths, votes)


def trained_thoughts(config: Mapping[str, Any]) -> list[str]:
    """The thoughts a student's ``config.json`` says it was trained on, in the order they are preferred; of a foreign
    student, those that a teacher can be asked for."""
    trained = config.get("thought_distill", {}).get("thoughts") or SAMPLED
    return [*(name for name in ORDER if name in trained), *(name for name in trained if name in {*THOUGHTS} - {*ORDER})]
