"""Votes: which thoughts a question's samples get right by majority, and the type that MD gives the question.

    2 of 3 CoT samples say 7, PoT says 8, gold is 8   -> right_thoughts: {"pot"}, problem_type: "only_pot"

MD's types (arXiv 2312.10730): 1 = ``only_pot``, 2 = ``only_cot``, 3 = ``several``, 4 = ``none``. With a third thought
there is a further single one (``only_eot``), which is ours and is treated as types 1 and 2 are.
"""

from collections.abc import Sequence

from pipelines.mixture.example import Judged
from pipelines.problems import Problem
from pipelines.solvers import equal


def right_thoughts(problem: Problem, judged: Sequence[Judged]) -> frozenset[str]:
    """The thoughts whose most frequent answer is the gold answer.

    Samples without an answer do not vote; of equally frequent answers the one given in the earlier draw wins.
    """
    return frozenset(t for t in {sample.thought for sample in judged} if _vote_is_right(problem, judged, t))


def problem_type(problem: Problem, judged: Sequence[Judged]) -> str:
    """``only_<thought>``, ``several``, ``none``; ``no_gold`` where nothing can be said."""
    if problem.answer is None:
        return "no_gold"
    right = right_thoughts(problem, judged)
    return {0: "none", 1: f"only_{next(iter(right), '')}"}.get(len(right), "several")


def _vote_is_right(problem: Problem, judged: Sequence[Judged], thought: str) -> bool:
    if problem.answer is None:
        return False
    groups: list[tuple[str, int]] = []
    for sample in sorted(judged, key=lambda sample: (sample.draw, sample.sample_id)):
        if sample.thought != thought or sample.status != "solved" or sample.answer is None:
            continue
        for index, (answer, votes) in enumerate(groups):
            if answer == sample.answer or equal(answer, sample.answer, problem.answer_kind):
                groups[index] = (answer, votes + 1)
                break
        else:
            groups.append((sample.answer, 1))
    if not groups:
        return False
    winner, _ = max(groups, key=lambda group: group[1])
    return equal(winner, problem.answer, problem.answer_kind)
