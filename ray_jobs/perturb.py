"""Perturbation, spread over the cluster: proven problems with other numbers, before the mixture is made.

problems/ ─┐
samples/  ─┼─► by problem ──► Perturber actors (one sandbox each) ──► children: problems, samples, verdicts
verdicts/ ─┘

Only problems of the train split are parents, so that no dev problem trains in another guise. What a child is, and when
it is refused, is ``pipelines.mixture.perturbation``'s to say; ``mixture/perturbed`` lists the children.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.config import RunConfig
from pipelines.mixture import Child, Tally, children, judged, parent_id
from ray_jobs.hardware import cpu_share
from ray_jobs.meeting import MEETING_SCHEMA, PART, by_problem, dataset
from ray_jobs.run_directory import RunDirectory
from ray_jobs.stage import say
from ray_jobs.verify import sandbox, verifiers

_PROBLEMS_PER_ACTOR = 50


@dataclass(frozen=True)
class Grown:
    """The children as rows that can meet, and what was counted while they were made."""

    children: pa.Table
    counts: Tally

    @property
    def problems(self) -> pa.Table:
        """The children's own rows."""
        return self.children.filter(pc.equal(self.children["table"], "problems"))

    def rows(self, left_out: Mapping[str, str]) -> list[pa.Table]:
        """All rows, those of children that are left out with the reason."""
        reasons = pa.array([left_out.get(name) for name in self.children["problem_id"].to_pylist()], pa.string())
        return [self.children.set_column(self.children.schema.get_field_index("left_out"), "left_out", reasons)]

    def card(self, left_out: Mapping[str, str]) -> dict[str, Any]:
        """The card's section: what became of parents, draws and children."""
        made: dict[str, Any] = {}
        for (section, what), count in sorted(self.counts.items(), key=lambda item: (item[0][0], -item[1], item[0][1])):
            made.setdefault(section, {})[what] = count
        gone = Counter(left_out[name] for name in self.problems["problem_id"].to_pylist() if name in left_out)
        return {**made, "left_out_children": dict(sorted(gone.items()))}

    def write(self, run_dir: RunDirectory) -> None:
        """``mixture/perturbed``: each child with its parent and what was redrawn."""
        own = self.problems
        parents = pa.array([parent_id(name) for name in own["problem_id"].to_pylist()], pa.string())
        columns = [own["problem_id"], parents, *(own[name] for name in ("question", "answer", "changed"))]
        table = pa.table(columns, names=["problem_id", "parent_id", "question", "answer", "changed"])
        run_dir.write_table(table, "mixture", "perturbed")


def grow(problems: pa.Table, config: RunConfig, run_dir: RunDirectory) -> Grown:
    """The children of all problems that are not ``held_out`` (a column), sorted by problem."""
    import ray

    found = (
        dataset(problems, run_dir)
        .groupby(PART)
        .map_groups(
            Perturber,
            fn_constructor_args=(config,),
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(size=verifiers(problems.num_rows // _PROBLEMS_PER_ACTOR)),
            num_cpus=cpu_share(),
        )
        .materialize()
    )
    blocks = [block.cast(MEETING_SCHEMA) for block in ray.get(found.to_arrow_refs()) if block.num_rows]
    rows = pa.concat_tables([MEETING_SCHEMA.empty_table(), *blocks])
    is_tally = pc.equal(rows["table"], "tally")
    counts: Tally = Counter()
    for row in rows.filter(is_tally).to_pylist():
        counts[row["thought"], row["status"]] += row["draw"]
    made = rows.filter(pc.invert(is_tally))
    parents = counts["parents", "with_a_verified_pot_or_eot"]
    say(f"mix: {counts['children', 'kept']:,} problems with other numbers, from {parents:,} verified ones")
    return Grown(made, counts)


class Perturber:
    """An actor with a sandbox of its own."""

    def __init__(self, config: RunConfig) -> None:
        """``config`` gives how many children, the seed and the limits of a proof."""
        self._config = config
        self._sandbox = sandbox(config.verification)

    def __call__(self, part: pa.Table) -> pa.Table:
        """The children of some problems, and the counts as rows of a table "tally"."""
        config = self._config
        tally: Tally = Counter()
        made: list[Child] = []
        for rows in by_problem(part):
            if rows.problem is not None and not rows.held_out:
                samples, _ = judged(rows.samples, rows.verdicts)
                made += children(rows.problem, samples, config.mixture.perturb, config.seed, self._sandbox, tally)
        counts = [
            {"table": "tally", "problem_id": "", "thought": section, "status": what, "draw": count}
            for (section, what), count in tally.items()
        ]
        return pa.Table.from_pylist([row for child in made for row in _rows(child)] + counts, schema=MEETING_SCHEMA)


def _rows(child: Child) -> list[dict[str, Any]]:
    """A child as a problem, and each of its thoughts as a sample and a verdict."""
    name = child.problem.problem_id
    rows: list[dict[str, Any]] = [{"table": "problems", **vars(child.problem), "changed": child.changed}]
    for thought, (text, verdict) in child.thoughts.items():
        sample = {"problem_id": name, "sample_id": f"{name}/{thought}/0", "thought": thought}
        rows.append({"table": "samples", **sample, "draw": 0, "completion": text})
        proof = {"status": verdict.status, "answer": verdict.answer, "correct": verdict.correct}
        rows.append({"table": "verdicts", **sample, **proof, "flags": list(verdict.flags)})
    return rows
