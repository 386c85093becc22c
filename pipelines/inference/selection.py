"""Choosing one answer among the judged thoughts of one problem.

    select([Path(thought="pot", decoding="greedy", draw=0, status="solved", answer="8", correct=True, logprob=-2.1),
            Path(thought="cot", decoding="greedy", draw=0, status="solved", answer="7", correct=False, logprob=-4.0)],
           equal)
    -> {"cot": Choice("7", False, ...), "pot": Choice("8", True, ...), "cot>pot": Choice("7", ...),
        "pot>cot": Choice("8", ...), "majority": Choice("8", ...), "oracle": Choice("8", ...)}

Pure functions: nothing is decoded, solved or scored here. Whether a path is correct was decided
when it was judged, and no selection but the oracle looks at it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations

SOLVED = "solved"
MAJORITY = "majority"
ORACLE = "oracle"

Equal = Callable[[str, str], bool]


@dataclass(frozen=True, kw_only=True)
class Path:
    """One judged completion of a student for one problem.

    ``decoding`` is "greedy" or "sample", ``draw`` counts from 0 within thought and decoding, ``correct`` is None
    where the problem has no gold answer, ``logprob`` is the sum over the generated tokens (natural logarithm).
    """

    thought: str
    decoding: str
    draw: int
    status: str
    answer: str | None
    correct: bool | None
    logprob: float


@dataclass(frozen=True)
class Choice:
    """The answer that a selection gives, whether it is right, and the path it comes from.

    A selection without an answer has ``answer`` and ``path`` None; it is wrong (``correct`` False), or None
    where the problem has no gold answer.
    """

    answer: str | None
    correct: bool | None
    path: Path | None


def select(paths: Sequence[Path], equal: Equal) -> dict[str, Choice]:
    """The choice of every selection for the paths of one problem, in whatever order they come.

    The keys are each thought that is present, every order of two or more of them ("pot>eot>cot"),
    ``majority`` and ``oracle``. ``equal`` tells whether two answers of this problem are the same answer.
    """
    paths = sorted(paths, key=_rank)
    nothing = Choice(None, None if all(path.correct is None for path in paths) else False, None)
    leads: dict[str, Path] = {}
    for path in paths:
        leads.setdefault(path.thought, path)
    choices = {
        ">".join(order): first_success([leads[thought] for thought in order]) or nothing
        for size in range(1, len(leads) + 1)
        for order in permutations(leads, size)
    }
    choices[MAJORITY] = majority(paths, equal) or nothing
    choices[ORACLE] = next((_choice(path) for path in paths if path.correct), nothing)
    return choices


def first_success(paths: Sequence[Path]) -> Choice | None:
    """The first path that was solved (ETD: PoT, and EoT where it fails); None where all failed."""
    return next((_choice(path) for path in paths if path.status == SOLVED), None)


def majority(paths: Sequence[Path], equal: Equal) -> Choice | None:
    """The answer with most votes over all solved paths of all thoughts (MD, equation 5); None where all failed.

    Equal votes are decided by the summed log-probability of the paths that agree, then by the greatest one.
    The choice's path is the most probable one of the winners.
    """
    groups: list[list[Path]] = []
    for path in paths:
        if path.status != SOLVED or path.answer is None:
            continue
        group = next((group for group in groups if equal(str(group[0].answer), path.answer)), None)
        if group is None:
            groups.append([path])
        else:
            group.append(path)
    if not groups:
        return None
    winners = max(groups, key=lambda group: (len(group), *_confidence(group)))
    return _choice(max(winners, key=lambda path: path.logprob))


def _confidence(group: Sequence[Path]) -> tuple[float, float]:
    return sum(path.logprob for path in group), max(path.logprob for path in group)


def _choice(path: Path) -> Choice:
    return Choice(path.answer, path.correct, path)


def _rank(path: Path) -> tuple[str, bool, int]:
    """Thoughts by name; the greedy path of each first, for it stands for its thought, then the draws."""
    return path.thought, path.decoding != "greedy", path.draw
