"""A question solved by a student: its thoughts, the answer that is chosen among them, and how sure it is.

    [solution] = solve([Asked("A tram carries 46 passengers ...")], decoder, ["pot", "eot", "cot"], sandbox)
    -> Solution(question="A tram ...", answer="29", confidence=0.91, chosen="pot",
                thoughts=(Solved(thought="pot", completion="ans = 46 - 17", status="solved", answer="29",
                                 probability=0.91), ...))

Nothing is scored: there is no gold answer here.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Protocol

from pipelines.config import EvaluationConfig, TrainingConfig
from pipelines.inference.confidence import Calibration
from pipelines.inference.selection import Path, Votes, ballots, first_success
from pipelines.problems import AnswerKind
from pipelines.solvers import Sandbox, equal
from pipelines.thoughts import SAMPLED, THOUGHTS, judge, student_input

ORDER: tuple[str, ...] = tuple(EvaluationConfig().select)


class GreedyDecoder(Protocol):
    """What ``open_decoder`` gives."""

    def decode(self, inputs: Sequence[str], *, max_tokens: int, max_input_tokens: int) -> list[list[Any]]:
        """One ``Decoded`` for each input."""


@dataclass(frozen=True)
class Limits:
    """Tokens that a completion and an input may have."""

    max_tokens: int = EvaluationConfig().max_tokens
    max_input_tokens: int = TrainingConfig().max_input_tokens


_LIMITS = Limits()


@dataclass(frozen=True)
class Asked:
    """A question, the kind of answer that is wanted, and the gold answer where there is one."""

    question: str
    answer_kind: AnswerKind = "number"
    gold: str | None = None


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
    limits: Limits = _LIMITS,
) -> list[Solution]:
    """Every question in all of these thoughts, greedily; the first thought that solves it gives the answer.

    ``calibration``: what the student's run found of its confidence on dev problems.
    """
    solutions = []
    tried_all = tried_greedily(asked, decoder, thoughts, sandbox, **asdict(limits))
    for one, tried in zip(asked, tried_all, strict=True):
        paths = [path for _, path in tried]
        choice = first_success(paths)
        sure = confidence(paths, ballots(paths, partial(equal, kind=one.answer_kind)), calibration)
        solutions.append(
            Solution(
                question=one.question,
                answer=choice.answer,
                confidence=sure[paths.index(choice.path)] if choice.path else 0.0,
                chosen=choice.path.thought if choice.path else None,
                thoughts=tuple(
                    Solved(
                        thought=path.thought,
                        completion=completion,
                        status=path.status,
                        answer=path.answer,
                        probability=math.exp(path.logprob),
                    )
                    for completion, path in tried
                ),
            )
        )
    return solutions


def tried_greedily(
    asked: Sequence[Asked],
    decoder: GreedyDecoder,
    thoughts: Sequence[str],
    sandbox: Sandbox,
    *,
    max_tokens: int,
    max_input_tokens: int,
) -> list[list[tuple[str, Path]]]:
    """For each question its completion in each of the thoughts, in their order, and the path that its proof makes."""
    inputs = [student_input(one.question, THOUGHTS[name].trigger) for one in asked for name in thoughts]
    decoded = iter(decoder.decode(inputs, max_tokens=max_tokens, max_input_tokens=max_input_tokens))
    tried: list[list[tuple[str, Path]]] = []
    for one in asked:
        tried.append([])
        for name in thoughts:
            [written] = next(decoded)
            finish = "stop" if written.finished else "length"
            verdict = judge(THOUGHTS[name], written.completion, finish, one.gold, one.answer_kind, sandbox)
            path = Path(
                thought=name,
                decoding="greedy",
                draw=0,
                status=verdict.status,
                answer=verdict.answer,
                correct=verdict.correct,
                logprob=written.logprob,
                tokens=written.tokens,
            )
            tried[-1].append((written.completion, path))
    return tried


def confidence(paths: Sequence[Path], votes: Votes, calibration: Calibration | None) -> list[float]:
    """Per path how sure its answer is, in [0, 1]: the probability that it is right as dev problems had it; without a
    calibration the probability of the whole completion, which says little of that."""
    if calibration is None:
        return [math.exp(path.logprob) for path in paths]
    return calibration.probabilities(paths, votes)


def trained_thoughts(config: Mapping[str, Any]) -> list[str]:
    """The thoughts a student's ``config.json`` says it was trained on, in the order they are preferred; of a foreign
    student, those that a teacher can be asked for."""
    trained = _own(config).get("thoughts") or SAMPLED
    return [*(name for name in ORDER if name in trained), *(name for name in trained if name in {*THOUGHTS} - {*ORDER})]


def trained_limits(config: Mapping[str, Any]) -> Limits:
    """As long as the student's training rows might be, by its ``config.json``; the defaults for a foreign student."""
    known = _own(config)
    return Limits(
        known.get("max_target_tokens", _LIMITS.max_tokens), known.get("max_input_tokens", _LIMITS.max_input_tokens)
    )


def _own(config: Mapping[str, Any]) -> Mapping[str, Any]:
    own: Mapping[str, Any] = config.get("thought_distill", {})
    return own
