"""Overlap of training questions with the evaluation sets (DESIGN promise 6).

A question that stands in an evaluation set is dropped. Shared runs of 13 words are counted and reported.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_WORD = re.compile(r"[a-z]+|\d+(?:\.\d+)?")
_N = 13


@dataclass(frozen=True)
class EvaluationText:
    """The evaluation sets' questions as they are compared."""

    questions: frozenset[tuple[str, ...]]
    grams: frozenset[tuple[str, ...]]


def evaluation_text(questions: Iterable[str]) -> EvaluationText:
    """Prepare the evaluation questions."""
    words = [_words(question) for question in questions]
    return EvaluationText(
        questions=frozenset(words),
        grams=frozenset(gram for sequence in words for gram in _grams(sequence)),
    )


def is_evaluated(question: str, evaluation: EvaluationText) -> bool:
    """Whether the question itself, up to case and punctuation, is an evaluation question."""
    return _words(question) in evaluation.questions


def overlaps(question: str, evaluation: EvaluationText) -> bool:
    """Whether the question shares a run of 13 words with an evaluation question."""
    return any(gram in evaluation.grams for gram in _grams(_words(question)))


def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(text.casefold()))


def _grams(words: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [words[start : start + _N] for start in range(len(words) - _N + 1)]
