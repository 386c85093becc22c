"""Comparing questions, spread over the cluster: which problems do not train because of what they ask.

problems/            ─┬─► slices ──► each question with the evaluation sets and with those before it ──► reasons
evaluation_problems/ ─┘                                                                  overlap.jsonl

    {"problem_id": "gsm8k/train/12", "evaluation_problem_id": "gsm8k/test/7", "kind": "ngram",
     "shared": "if she sells the remainder ...", "different": 21}

What counts as too close is ``pipelines.mixture.overlap``'s to say.
"""

import json
from collections import Counter
from collections.abc import Set
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa

from pipelines.config import MixtureConfig
from pipelines.mixture import Evaluated, Hit, NearIndex, first_of_near, parent_id, words_of
from ray_jobs.run_directory import RunDirectory
from ray_jobs.stage import say

_QUESTIONS_PER_TASK = 1000
_REASONS = {"same": "in_evaluation", "ngram": "overlaps_evaluation", "near": "near_evaluation"}


@dataclass(frozen=True)
class Compared:
    """Why whole problems are left out (by problem id), and how many there are of each kind, left out or not."""

    left_out: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)


def compare(
    problems: pa.Table,
    config: MixtureConfig,
    run_dir: RunDirectory,
    silent: Set[str],
    children: pa.Table | None,
) -> Compared:
    """Compare all questions and list the hits in ``mixture/overlap.jsonl``, one line for each pair of problems.

    ``silent``: ids of problems that train nothing anyway, so that nothing is left out for being near them.
    ``children`` (perturbed problems) are compared with the evaluation sets as all are. They leave with their parents,
    and where a problem or an earlier child asks the same; near their parents they are by intention.
    """
    import ray

    ids, questions = problems["problem_id"].to_pylist(), problems["question"].to_pylist()
    evaluated = run_dir.read_table("evaluation_problems", columns=["problem_id", "question"])
    columns = evaluated.to_pydict() if evaluated is not None else {"problem_id": [], "question": []}
    if evaluated is None:
        say(f"mix: {run_dir.path('evaluation_problems')} is not there, so no question was compared with a test set")
    known = ray.put(Evaluated(zip(columns["problem_id"], columns["question"], strict=True), config.decontaminate))
    index = ray.put(NearIndex([words_of(question) for question in questions]))
    asked = {words_of(question) for question in questions}
    originals = len(questions)
    if children is not None:
        ids, questions = ids + children["problem_id"].to_pylist(), questions + children["question"].to_pylist()
    task = ray.remote(_compared)
    starts = range(0, len(questions), _QUESTIONS_PER_TASK)
    slices = [task.remote(questions[start : start + _QUESTIONS_PER_TASK], start, known, index) for start in starts]
    compared = [row for rows in ray.get(slices) for row in rows]
    hits = {number: found for number, (found, _) in enumerate(compared) if found}
    lines = [json.dumps({"problem_id": ids[number], **asdict(hit)}) for number in hits for hit in hits[number]]
    run_dir.write_bytes("".join(f"{line}\n" for line in lines).encode(), "mixture", "overlap.jsonl")
    gone = hits.keys() | {number for number in range(originals) if ids[number] in silent}
    repeats = first_of_near([near for _, near in compared[:originals]], left_out=gone)
    left_out = {ids[number]: _REASONS[_worst(found)] for number, found in hits.items()}
    repeating = [ids[number] for number, first in enumerate(repeats) if first is not None]
    if config.near_duplicates == "drop":
        left_out.update(dict.fromkeys(repeating, "near_duplicate"))
    for child, question in zip(ids[originals:], questions[originals:], strict=True):
        reason = left_out.get(parent_id(child)) or ("repeats_a_problem" if words_of(question) in asked else None)
        asked.add(words_of(question))
        if reason is not None:
            left_out.setdefault(child, reason)
    kinds = Counter(_worst(found) for found in hits.values())
    counts = {f"{kind}_as_evaluation": kinds[kind] for kind in _REASONS}
    compared_with = {"evaluation_problems": len(columns["question"])}
    return Compared(left_out, {**compared_with, **counts, "near_duplicates": len(repeating)})


def _worst(found: list[Hit]) -> str:
    """The closest kind of a question's hits."""
    return min((hit.kind for hit in found), key=list(_REASONS).index)


def _compared(questions: list[str], start: int, known: Any, index: Any) -> list[tuple[list[Hit], list[int]]]:
    """Hits among the evaluation questions, and the numbers of near questions that come before."""
    return [
        (known.hits(question), index.near(words_of(question), before=number))
        for number, question in enumerate(questions, start)
    ]
