"""Choosing one answer among the judged thoughts of one problem.

    select([Path(thought="pot", decoding="greedy", draw=0, status="solved", answer="8", correct=True, logprob=-2.1),
            Path(thought="cot", decoding="greedy", draw=0, status="solved", answer="7", correct=False, logprob=-4.0)],
           equal)
    -> {"cot": Choice("7", False, ...), "pot": Choice("8", True, ...), "cot>pot": Choice("7", ...),
        "pot>cot": Choice("8", ...), "adaptive": Choice("8", ..., completions=1), "majority": Choice("8", ...),
        "weighted": Choice("8", ...), "oracle": Choice("8", ...)}

Pure functions: nothing is decoded, solved or scored here. Whether a path is correct was decided
when it was judged, and no selection but the oracle looks at it. ``docs/evaluation.md`` has each rule's formula.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations

SOLVED = "solved"
ADAPTIVE = "adaptive"
MAJORITY = "majority"
MAJORITY_WITH_GREEDY = "majority_with_greedy"
WEIGHTED = "weighted"
CONFIDENCE = "confidence"
ORACLE = "oracle"
VOTES = (MAJORITY, MAJORITY_WITH_GREEDY, WEIGHTED, CONFIDENCE)
"""Selections in which paths vote: ``majority`` is MD's, over sampled paths alone where there are any; the others, over
all paths, are ours."""
_ADAPTIVE_ORDER = ("pot", "cot")  # MD, N = 2: PoT, and CoT only where the program fails

Equal = Callable[[str, str], bool]


@dataclass(frozen=True, kw_only=True)
class Path:
    """One judged completion of a student for one problem.

    ``decoding`` is "greedy" or "sample", ``draw`` counts from 0 within thought and decoding, ``correct`` is None
    where the problem has no gold answer, ``logprob`` is the sum over the generated tokens (natural logarithm),
    ``tokens`` their number, None where it is unknown.
    """

    thought: str
    decoding: str
    draw: int
    status: str
    answer: str | None
    correct: bool | None
    logprob: float
    tokens: int | None = None


@dataclass(frozen=True)
class Choice:
    """The answer that a selection gives, whether it is right, and the path it comes from.

    A selection without an answer has ``answer`` and ``path`` None; it is wrong (``correct`` False), or None
    where the problem has no gold answer. ``completions`` is how many had to be written for the choice.
    ``confidence``, where the selection has one: majority's share of the paths, weighted's share of the weights,
    confidence's probability that the answer is right.
    """

    answer: str | None
    correct: bool | None
    path: Path | None
    completions: int = 1
    confidence: float | None = None


Votes = Sequence[int | None]
"""Per path the number of the answer it gives, counted from 0 in the order of the paths; None where it failed."""

Probabilities = Callable[[Sequence[Path], Votes], Sequence[float]]
"""Per path the probability that its answer is right (``confidence.Calibration``); failed paths: any number."""


def select(paths: Sequence[Path], equal: Equal, probabilities: Probabilities | None = None) -> dict[str, Choice]:
    """The choice of every selection for the paths of one problem, in whatever order they come.

    ``equal`` tells whether two answers of this problem are the same answer.
    """
    paths = in_order(paths)
    return choose(paths, ballots(paths, equal), probabilities)


def choose(paths: Sequence[Path], votes: Votes, probabilities: Probabilities | None = None) -> dict[str, Choice]:
    """The choice of every selection for paths that are ``in_order``, with their ballots.

    The keys are each thought that is present, every order of two or more of them ("pot>eot>cot"), ``majority``,
    ``weighted`` and ``oracle``; ``majority_with_greedy`` where there are both greedy and sampled paths, ``adaptive``
    where PoT and CoT are present, ``confidence`` with ``probabilities``.
    """
    leads: dict[str, Path] = {}
    for path in paths:
        leads.setdefault(path.thought, path)
    orders = [order for size in range(1, len(leads) + 1) for order in permutations(leads, size)]
    choices = {">".join(order): first_success([leads[thought] for thought in order]) for order in orders}
    if all(thought in leads for thought in _ADAPTIVE_ORDER):
        choices[ADAPTIVE] = choices[">".join(_ADAPTIVE_ORDER)]
    sampled = [index for index, path in enumerate(paths) if path.decoding == "sample"] or list(range(len(paths)))
    voting = [paths[index] for index in sampled]
    choices[MAJORITY] = vote(voting, [votes[index] for index in sampled], [1.0] * len(voting))
    if len(voting) < len(paths):
        choices[MAJORITY_WITH_GREEDY] = vote(paths, votes, [1.0] * len(paths))
    choices[WEIGHTED] = vote(paths, votes, [weight(path) for path in paths])
    if probabilities is not None:
        choices[CONFIDENCE] = most_probable(paths, votes, probabilities(paths, votes))
    right = next((path for path in paths if path.correct), None)
    choices[ORACLE] = _choice(right, len(paths)) if right else nothing(paths)
    return choices


def in_order(paths: Sequence[Path]) -> list[Path]:
    """Thoughts by name; the greedy path of each first, for it stands for its thought, then the draws."""
    return sorted(paths, key=lambda path: (path.thought, path.decoding != "greedy", path.draw))


def first_success(paths: Sequence[Path]) -> Choice:
    """The first path that was solved (ETD: PoT, and EoT where it fails), written one after the other until then."""
    for count, path in enumerate(paths, 1):
        if path.status == SOLVED:
            return _choice(path, count)
    return nothing(paths)


def majority(paths: Sequence[Path], equal: Equal) -> Choice:
    """The answer with most votes over these paths of all thoughts, of those that were solved (MD, equation 5).

    Equal votes are decided by the summed log-probability of the paths that agree, then by the greatest one.
    The choice's path is the most probable one of the winners.
    """
    return vote(paths, ballots(paths, equal), [1.0] * len(paths))


def ballots(paths: Sequence[Path], equal: Equal) -> list[int | None]:
    """Which answer each path votes for; the first path of an answer stands for it in comparisons."""
    answers: list[str] = []
    known: dict[str, int] = {}
    votes: list[int | None] = []
    for path in paths:
        answer = path.answer
        if path.status != SOLVED or answer is None:
            votes.append(None)
            continue
        if answer not in known:
            same = next((number for number, other in enumerate(answers) if equal(other, answer)), len(answers))
            if same == len(answers):
                answers.append(answer)
            known[answer] = same
        votes.append(known[answer])
    return votes


def weight(path: Path) -> float:
    """The geometric mean of the path's token probabilities, exp(logprob / tokens), between 0 and 1.

    Self-consistency's normalised weight (Wang et al., arXiv 2203.11171, equation 1). The sequence's own probability
    is not used: it falls with length, so that a short program would outvote any prose. 1 where tokens are unknown.
    """
    return math.exp(min(path.logprob / path.tokens, 0.0)) if path.tokens else 1.0


def vote(paths: Sequence[Path], votes: Votes, weights: Sequence[float]) -> Choice:
    """The answer with the greatest sum of weights; ties as for ``majority``."""
    groups = _groups(votes)
    if not groups:
        return nothing(paths)

    def standing(group: list[int]) -> tuple[float, float, float]:
        logprobs = [paths[index].logprob for index in group]
        return math.fsum(weights[index] for index in group), math.fsum(logprobs), max(logprobs)

    winners = max(groups, key=standing)
    best = max(winners, key=lambda index: paths[index].logprob)
    total = math.fsum(weights)
    share = math.fsum(weights[index] for index in winners) / total if total else None
    return _choice(paths[best], len(paths), share)


def most_probable(paths: Sequence[Path], votes: Votes, probabilities: Sequence[float]) -> Choice:
    """The answer of the path that is most probably right; ties go to the more votes, then as for ``majority``.

    The maximum, not the sum: whether an answer is right is one event, however many paths give it, and how many
    paths agree is known to each path's probability already.
    """
    groups = _groups(votes)
    if not groups:
        return nothing(paths)

    def standing(group: list[int]) -> tuple[float, int, float, float]:
        logprobs = [paths[index].logprob for index in group]
        return max(probabilities[index] for index in group), len(group), math.fsum(logprobs), max(logprobs)

    winners = max(groups, key=standing)
    best = max(winners, key=lambda index: (probabilities[index], paths[index].logprob))
    return _choice(paths[best], len(paths), float(probabilities[best]))


def nothing(paths: Sequence[Path]) -> Choice:
    """No answer from these paths: wrong, where there is a gold answer."""
    correct = None if all(path.correct is None for path in paths) else False
    return Choice(None, correct, None, len(paths))


def _groups(votes: Votes) -> list[list[int]]:
    """The paths' indices by the answer they give."""
    groups: dict[int, list[int]] = {}
    for index, number in enumerate(votes):
        if number is not None:
            groups.setdefault(number, []).append(index)
    return list(groups.values())


def _choice(path: Path, completions: int, confidence: float | None = None) -> Choice:
    return Choice(path.answer, path.correct, path, completions, confidence)
