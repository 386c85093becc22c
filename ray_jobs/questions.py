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
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from pipelines.config import MixtureConfig
from pipelines.mixture import Evaluated, Hit, NearIndex, first_of_near, held_out, parent_id, words_of
from pipelines.mixture.overlap import Words
from ray_jobs.run_directory import RunDirectory
from ray_jobs.stage import say

_QUESTIONS_PER_TASK = 1000
_REPORTED = 13  # words in a row that are listed, and counted in the report, where nothing is dropped for them
REASONS = {"same": "in_evaluation", "ngram": "overlaps_evaluation", "near": "near_evaluation"}


@dataclass(frozen=True)
class Compared:
    """What the problems' questions came to. ``held_out``: the ids of the problems for dev; ``left_out``: why a problem
    does not train, by id; ``counts``: how many are close to another question, left out or not."""

    held_out: frozenset[str]
    left_out: dict[str, str]
    counts: dict[str, int]
    hits: dict[str, list[Hit]]
    known: Any
    index: Any
    ids: list[str]
    asked: set[Words]
    decontaminate: int | None

    def add_children(self, children: pa.Table) -> None:
        """Compare perturbed problems with the evaluation sets, as all are, and with the problems for dev.

        They leave with their parents, and where a problem or an earlier child asks the same; near their parents they
        are by intention.
        """
        names, questions = children["problem_id"].to_pylist(), children["question"].to_pylist()
        found = _spread(questions, self.ids, self.known, self.index)
        for name, question, (hits, near) in zip(names, questions, found, strict=True):
            words = words_of(question)
            reason = self.left_out.get(parent_id(name)) or ("repeats_a_problem" if words in self.asked else None)
            self.asked.add(words)
            if hits:
                self.hits[name] = hits
            if (overlaps := _reason(hits, self.decontaminate)) is not None:
                self.left_out[name] = overlaps
            elif reason or any(self.ids[number] in self.held_out for number in near):
                self.left_out[name] = reason or "near_dev"

    def write(self, run_dir: RunDirectory) -> None:
        """``mixture/overlap.jsonl``: one line for each pair of problems."""
        lines = [json.dumps({"problem_id": name, **asdict(hit)}) for name, hits in self.hits.items() for hit in hits]
        run_dir.write_bytes("".join(f"{line}\n" for line in lines).encode(), "mixture", "overlap.jsonl")

    @property
    def all_counts(self) -> dict[str, int]:
        """``counts`` with those of each kind of hit, children included."""
        kinds = Counter(_worst(found) for found in self.hits.values())
        return self.counts | {f"{kind}_as_evaluation": kinds[kind] for kind in REASONS}


def compare(
    problems: pa.Table, config: MixtureConfig, run_dir: RunDirectory, seed: int, silent: Set[str] = frozenset()
) -> Compared:
    """Compare all questions with the evaluation sets and with each other.

    ``silent``: ids of problems of which nothing would train, so that nothing is left out for being near them.
    """
    import ray

    ids, questions = problems["problem_id"].to_pylist(), problems["question"].to_pylist()
    evaluated = run_dir.read_table("evaluation_problems", columns=["problem_id", "question"])
    columns = evaluated.to_pydict() if evaluated is not None else {"problem_id": [], "question": []}
    if evaluated is None:
        say(f"mix: {run_dir.path('evaluation_problems')} is not there, so no question was compared with a test set")
    asked = zip(columns["problem_id"], columns["question"], strict=True)
    known = ray.put(Evaluated(asked, config.decontaminate or _REPORTED))
    words = [words_of(question) for question in questions]
    index = ray.put(NearIndex(words))
    compared = _spread(questions, None, known, index)
    hits = {name: found for name, (found, _) in zip(ids, compared, strict=True) if found}
    near = [earlier for _, earlier in compared]
    dev = held_out(ids, near, seed, config.dev_fraction)
    left_out = {name: reason for name, found in hits.items() if (reason := _reason(found, config.decontaminate))}
    gone = {number for number, name in enumerate(ids) if name in left_out or (name in silent and name not in dev)}
    repeating = [name for name, first in zip(ids, first_of_near(near, left_out=gone), strict=True) if first is not None]
    if config.near_duplicates == "drop":
        left_out.update(dict.fromkeys(repeating, "near_duplicate"))
    counts = {
        "problems": len(ids),
        "evaluation_problems": len(columns["question"]),
        "near_duplicates": len(repeating),
        "in_near_groups": len({n for number, earlier in enumerate(near) if earlier for n in (number, *earlier)}),
    }
    return Compared(dev, left_out, counts, hits, known, index, ids, set(words), config.decontaminate)


def _reason(found: list[Hit], decontaminate: int | None) -> str | None:
    """Why a question with these hits does not train; without decontamination only the same question does not."""
    if not found:
        return None
    kind = _worst(found)
    return REASONS[kind] if decontaminate is not None or kind == "same" else None


def _worst(found: list[Hit]) -> str:
    """The closest kind of a question's hits."""
    return min((hit.kind for hit in found), key=list(REASONS).index)


def _spread(questions: list[str], ids: list[str] | None, known: Any, index: Any) -> list[tuple[list[Hit], list[int]]]:
    """Each question's hits, and the numbers of the near problems: of those before it, with ``ids`` of all."""
    import ray

    task = ray.remote(_compared)
    starts = range(0, len(questions), _QUESTIONS_PER_TASK)
    last = None if ids is None else len(ids)
    slices = [task.remote(questions[at : at + _QUESTIONS_PER_TASK], at, last, known, index) for at in starts]
    return [row for rows in ray.get(slices) for row in rows]


def _compared(
    questions: list[str], start: int, before: int | None, known: Any, index: Any
) -> list[tuple[list[Hit], list[int]]]:
    return [
        (known.hits(question), index.near(words_of(question), before=number if before is None else before))
        for number, question in enumerate(questions, start)
    ]
