"""Mixing: problems, samples and verdicts meet by problem, and what a recipe keeps becomes the mixture.

problems/ ─┐  (compared with evaluation_problems/ and each other)
samples/  ─┼─► by problem ──► what becomes of each row ──► shares ──► mixture/{train,dev}, card.json, overlap.jsonl
verdicts/ ─┘                     (mixture.perturb: other numbers in the proven ones first, ``ray_jobs.perturb``)

``held_out.json``: the ids of all problems that no mixture of this seed and dev_fraction trains on, proven or not.

python -m ray_jobs.mix run_dir=runs/gsm8k mixture.ratios='{pot: 1}'
"""

import json
import sys
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.config import RunConfig
from pipelines.errors import RunStopped
from pipelines.mixture import (
    CUT_BY,
    DECIDED_SCHEMA,
    MIXTURE_SCHEMA,
    NOTHING,
    Counted,
    card,
    decide,
    inside,
    is_union,
    table_cuts,
    tally,
    to_table,
)
from pipelines.mixture.example import in_fraction
from ray_jobs import cli
from ray_jobs.meeting import PART, by_problem, dataset
from ray_jobs.perturb import grow
from ray_jobs.questions import REASONS, Compared, compare
from ray_jobs.run_directory import RunDirectory
from ray_jobs.session import run_or_describe
from ray_jobs.stage import Result, Stage, say
from ray_jobs.training_data import HELD_OUT


def run(config: RunConfig, run_dir: RunDirectory) -> Result:
    """The mixing graph: three tables → sorted by problem → what becomes of each row → shares → two splits."""
    import ray

    ray.data.DataContext.get_current().shuffle_strategy = ray.data.context.ShuffleStrategy.SORT_SHUFFLE_PULL_BASED
    problems = run_dir.table("problems")
    compared = compare(problems, config.mixture, run_dir, config.seed, _silent(problems, config, run_dir))
    names = problems["problem_id"].to_pylist()
    split = problems.append_column("held_out", pa.array([name in compared.held_out for name in names], pa.bool_()))
    grown = grow(split, config, run_dir) if config.mixture.perturb else None
    if grown:
        compared.add_children(grown.problems)
    compared.write(run_dir)
    asked = split.append_column("left_out", pa.array([compared.left_out.get(name) for name in names], pa.string()))
    decided = (
        dataset(asked, run_dir, *(grown.rows(compared.left_out) if grown else ()))
        .groupby(PART)
        .map_groups(_decide, fn_args=(config,), batch_format="pyarrow")
        .materialize()
    )
    blocks = decided.to_arrow_refs()  # sorted by problem: the order of the mixture does not depend on the cluster
    kept = None if is_union(config.mixture) else _cuts(blocks, config)
    write = ray.remote(_write)
    tallies = ray.get([write.remote(ref, number, kept, run_dir.uri) for number, ref in enumerate(blocks)])
    made = {**card(sum(tallies, NOTHING), config.mixture), "questions": compared.all_counts}
    if grown is not None:
        made["perturbation"] = grown.card(compared.left_out)
        grown.write(run_dir)
    say_left_out(compared, config)
    run_dir.write_bytes(json.dumps(made, indent=2).encode(), "mixture", "card.json")
    run_dir.write_bytes(json.dumps(_held_out(names, compared)).encode(), "mixture", HELD_OUT)
    if made["rows"]["train"] == 0:
        raise RunStopped(
            f"mix: nothing is left to train on; dropped: {made['dropped']}; loosen mixture.keep or sample more"
        )
    dropped = ", ".join(f"{reason} {count:,}" for reason, count in made["dropped"].items())
    train, dev = made["rows"]["train"], made["rows"]["dev"]
    return Result(rows=train + dev, summary=f"{train:,} train, {dev:,} dev; dropped: {dropped or 'none'}")


_NOTICEABLE = 0.05


def say_left_out(compared: Compared, config: RunConfig) -> None:
    """A line where decontamination takes more than 5 % of the problems: mostly a published protocol's own split."""
    gone = sum(compared.left_out.get(name) in REASONS.values() for name in compared.ids)
    if gone > _NOTICEABLE * len(compared.ids):
        say(
            f"mix: {gone:,} of {len(compared.ids):,} problems ({100 * gone / len(compared.ids):.0f} %) are left out "
            f"because they share {config.mixture.decontaminate} words in a row with an evaluation question or are near "
            "one; mixture.decontaminate: null trains on them, as published protocols do"
        )


def _silent(problems: pa.Table, config: RunConfig, run_dir: RunDirectory) -> set[str]:
    """Problems of which nothing would train: outside ``mixture.fraction``, or without a sample."""
    names = problems["problem_id"].to_pylist()
    found = {name for name in names if not in_fraction(config.seed, name, config.mixture.fraction)}
    if config.mixture.recipe != "label":
        found |= set(names) - set(run_dir.table("samples", columns=["problem_id"])["problem_id"].to_pylist())
    return found


def _held_out(names: list[str], compared: Compared) -> list[str]:
    """Problems for dev, the same ones whatever was proven and whatever the recipe keeps, so that mixtures compare."""
    return [name for name in names if name in compared.held_out and name not in compared.left_out]


def _decide(part: pa.Table, config: RunConfig) -> pa.Table:
    """What becomes of the rows of some problems, by problem."""
    return to_table(
        [
            decided
            for rows in by_problem(part)
            for decided in decide(
                rows.problem_id,
                rows.problem,
                rows.left_out,
                rows.samples,
                rows.verdicts,
                config.mixture,
                config.seed,
                rows.held_out,
            )
        ]
    )


def _cuts(blocks: list[Any], config: RunConfig) -> dict[str, int]:
    """Where each thought's share ends; a few bytes of each row come to the driver for it."""
    import ray

    ranks = ray.remote(_ranks)
    return table_cuts(pa.concat_tables(ray.get([ranks.remote(ref) for ref in blocks])), config.mixture)


def _ranks(block: pa.Table) -> pa.Table:
    schema = pa.schema([DECIDED_SCHEMA.field(name) for name in CUT_BY])
    return block.select(CUT_BY).cast(schema) if block.num_rows else schema.empty_table()


def _write(block: pa.Table, number: int, kept: Mapping[str, int] | None, uri: str) -> Counted:
    """A block's examples that the shares keep, as one file a split; returns what became of its rows."""
    run_dir = RunDirectory(uri)
    counted = NOTHING
    if block.num_rows:
        counted = tally(block, kept)
        block = block.filter(inside(block, kept))
    for split in ("train", "dev"):
        rows = block.filter(pc.equal(block["split"], split)).select(MIXTURE_SCHEMA.names) if block.num_rows else None
        if (rows is not None and rows.num_rows) or number == 0:  # even an empty split has a file
            run_dir.filesystem.create_dir(run_dir.path("mixture", split))
            examples = rows.cast(MIXTURE_SCHEMA) if rows is not None else MIXTURE_SCHEMA.empty_table()
            file = run_dir.path("mixture", split, f"part-{number:05}.parquet")
            pq.write_table(examples, file, filesystem=run_dir.filesystem)
    return counted


def _fields(config: RunConfig) -> dict[str, Any]:
    proof = config.verification.model_dump(exclude={"require_isolation"}) if config.mixture.perturb else None
    off = {"fraction": 1, "perturb": 0, "duplicates": "drop"}
    unused = {name for name, value in off.items() if getattr(config.mixture, name) == value}
    mixture = config.mixture.model_dump(exclude=unused)  # so that mixtures made before there were these stay valid
    return {**mixture, "seed": config.seed, **({"verification": proof} if proof else {})}


MIX = Stage(
    name="mix",
    folder="mixture",
    inputs=("problems", "samples", "verdicts"),
    optional=("evaluation_problems",),
    fields=_fields,
    run=run,
)


def command(config: RunConfig, dry_run: bool) -> None:
    """``python -m ray_jobs.mix``."""
    run_dir = RunDirectory(config.run_dir)
    run_or_describe([MIX], config, run_dir, dry_run=dry_run)


if __name__ == "__main__":
    sys.exit(cli.main("mix", "Mix the proven thoughts into training examples.", command))
