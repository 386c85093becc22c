"""Which problems are worth a request: not those that the mixture will drop, and dev problems only once a thought.

    screened = screen(problems, [("gsm8k/test/7", "If she sells ...")], config.mixture, seed=0, draws=4)
    screened.left_out                         {"gsm8k/train/12": LeftOut("ngram", "gsm8k/test/7")}
    screened.draws("gsm8k/train/40", 4)       1 for a dev problem, 0 for one that is left out, else 4

What is too close to another question is ``overlap``'s to say; the mixture drops by the same rule.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pipelines.config import MixtureConfig
from pipelines.errors import DataError
from pipelines.mixture.example import in_fraction
from pipelines.mixture.held_out import held_out
from pipelines.mixture.overlap import Evaluated, NearIndex, first_of_near, words_of
from pipelines.problems import Problem

_WORDS = {
    "same": "with the same question as an evaluation problem",
    "ngram": "sharing {ngram} words in a row with an evaluation question",
    "near": "with at most one word in ten different from an evaluation question",
    "repeat": "near an earlier question (mixture.near_duplicates)",
}


@dataclass(frozen=True)
class LeftOut:
    """Why a problem does not train, and the id of the problem that it is too close to."""

    kind: Literal["same", "ngram", "near", "repeat"]
    other_id: str


@dataclass(frozen=True)
class Screened:
    """The problems that are left out, by id, and the ids of the dev problems among the others."""

    left_out: Mapping[str, LeftOut] = field(default_factory=dict)
    dev: frozenset[str] = frozenset()

    def draws(self, problem_id: str, draws: int) -> int:
        """How many of ``draws`` completions of each thought are worth a request."""
        if problem_id in self.left_out:
            return 0
        return min(draws, 1) if problem_id in self.dev else draws

    def reasons(self, ngram: int | None) -> str:
        """How many problems are left out and why, with an example of each kind; "" where there are none."""
        kinds = Counter[str](why.kind for why in self.left_out.values())
        first: dict[str, str] = {}
        for name, why in self.left_out.items():
            first.setdefault(why.kind, f"{name} and {why.other_id}")
        return "; ".join(
            f"{kinds[kind]:,} {words.format(ngram=ngram)} ({first[kind]})"
            for kind, words in _WORDS.items()
            if kinds[kind]
        )


def screen(
    problems: Sequence[Problem], evaluated: Iterable[tuple[str, str]], config: MixtureConfig, seed: int, draws: int
) -> Screened:
    """Compare each question with those of the evaluation sets, given by id and question, and with each other.

    Where a thought has one draw, dev problems cost no more than others, and it is left open which they are.

    Raises:
        DataError: evaluation sets hold more than half of the problems, so that the data sets are probably the same.
    """
    known = Evaluated(evaluated, config.decontaminate)
    order = list(_WORDS)
    left_out: dict[str, LeftOut] = {}
    for problem in problems:
        if hits := known.hits(problem.question):
            closest = min(hits, key=lambda hit: order.index(hit.kind))
            left_out[problem.problem_id] = LeftOut(closest.kind, closest.evaluation_problem_id)
    screened = Screened(left_out)
    if 2 * len(left_out) > len(problems):
        raise DataError(
            f"problems: {len(left_out):,} of {len(problems):,} would not train, because evaluation_problems has them: "
            f"{screened.reasons(config.decontaminate)}; expected other problems than those of the evaluation; choose "
            "another split or data set, or mixture.decontaminate=null, which drops the same questions only"
        )
    if draws == 1 and config.near_duplicates == "keep":
        return screened
    ids = [problem.problem_id for problem in problems]
    words = [words_of(problem.question) for problem in problems]
    index = NearIndex(words)
    near = [index.near(own, before=number) for number, own in enumerate(words)]
    dev = held_out(ids, near, seed, config.dev_fraction)
    if config.near_duplicates == "drop":
        untrained = {name for name in ids if name not in dev and not in_fraction(seed, name, config.fraction)}
        gone = [number for number, name in enumerate(ids) if name in left_out or name in untrained]
        firsts = first_of_near(near, left_out=gone)
        left_out |= {ids[n]: LeftOut("repeat", ids[first]) for n, first in enumerate(firsts) if first is not None}
    return Screened(left_out, dev - left_out.keys())
