"""New problems from recorded, verified thoughts: how many, why not more, and a sample to read.

    python benchmarks/perturbation.py --per-problem 3              the counts, for GSM8K and SVAMP
    python benchmarks/perturbation.py --per-problem 3 --show 50    and 50 of them beside their parents, half of each

It reads the data sets' folder from ``THOUGHT_DISTILL_DATA``: the folder ``recorded`` and nothing else.
"""

import argparse
import json
import os
import random
from collections import Counter, defaultdict
from pathlib import Path

from pipelines.mixture import Judged
from pipelines.mixture.perturbation import children
from pipelines.problems import Problem
from pipelines.solvers import Sandbox
from pipelines.thoughts import THOUGHTS, judge

_FILES = {"gsm8k": "gsm8k_train_codex_*.jsonl", "svamp": "svamp_train_*.jsonl"}


def recorded(folder, pattern):
    """The recorded rows by problem."""
    rows = defaultdict(list)
    for path in sorted((folder / "recorded").glob(pattern)):
        for line in path.read_text(encoding="utf-8").rstrip("\n").split("\n"):
            row = json.loads(line)
            rows[row["problem_id"]].append(row)
    return rows


def judged(row, sandbox):
    """A row with its verdict."""
    found = judge(
        THOUGHTS[row["thought"]],
        *(row["completion"], row["finish_reason"], row["answer"], "number"),
        *(sandbox, row["question"]),
    )
    return Judged(
        sample_id=f"{row['problem_id']}/{row['thought']}/{row['draw']}",
        **{name: row[name] for name in ("thought", "draw", "completion")},
        **{name: getattr(found, name) for name in ("status", "answer", "correct", "flags")},
    )


def perturbed(rows, count, seed, sandbox):
    """Each parent's rows with its children, and what was counted."""
    tally, made = Counter(), []
    for problem_id, own in rows.items():
        dataset, split, _ = problem_id.split("/", 2)
        problem = Problem(
            problem_id=problem_id,
            **{name: own[0][name] for name in ("question", "answer")},
            **{"answer_kind": "number", "rationale": None, "dataset": dataset, "split": split},
        )
        for child in children(problem, [judged(row, sandbox) for row in own], count, seed, sandbox, tally):
            made.append((problem, child))
    return made, tally


def main():
    """Counts for each data set, then the sample."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--per-problem", type=int, default=3)
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    folder = Path(os.environ["THOUGHT_DISTILL_DATA"])
    shown = []
    for name, pattern in _FILES.items():
        rows = recorded(folder, pattern)
        with Sandbox(timeout_s=5, memory_mb=512) as sandbox:
            made, tally = perturbed(rows, options.per_problem, options.seed, sandbox)
        shown += random.Random(options.seed).sample(made, min(len(made), options.show // len(_FILES)))
        parents = tally["parents", "with_a_verified_pot_or_eot"]
        print(f"{name}: {len(rows)} problems, {parents} with a verified PoT or EoT, {len(made)} new problems at")
        print(f"    {options.per_problem} each ({len(made) / parents:.2f} per verified original)")
        for section in dict.fromkeys(section for section, _ in sorted(tally)):
            counts = {what: count for (where, what), count in tally.most_common() if where == section}
            print(f"    {section}: " + ", ".join(f"{what} {count:,}" for what, count in counts.items()))
    for number, (parent, child) in enumerate(shown, 1):
        print(f"\n{number}. {child.problem.problem_id}   {child.changed}   {parent.answer} -> {child.problem.answer}")
        print(f"   was: {parent.question}\n   now: {child.problem.question}")
        for thought, (text, _) in child.thoughts.items():
            print(f"   {thought}: " + text.replace(child.problem.question, "[question]").replace("\n", "\n        "))


if __name__ == "__main__":
    main()
