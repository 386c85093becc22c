"""Mixing: problems, samples and verdicts meet by problem, and what a recipe keeps becomes the mixture.

problems/ ─┐  (compared with evaluation_problems/ and each other)
samples/  ─┼─► by problem ──► what becomes of each row ──► shares ──► mixture/{train,dev}, card.json, overlap.jsonl
verdicts/ ─┘

python -m ray_jobs.mix run_dir=runs/gsm8k mixture.ratios='{pot: 1}'
"""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.config import RunConfig
from pipelines.errors import RunStopped
from pipelines.mixture import COUNTED, DECIDED_SCHEMA, MIXTURE_SCHEMA, card, decide, inside, table_cuts, to_table
from pipelines.problems import PROBLEM_SCHEMA, from_rows
from ray_jobs import cli
from ray_jobs.questions import compare
from ray_jobs.run_directory import RunDirectory
from ray_jobs.session import run_stages
from ray_jobs.stage import Result, Stage

_BYTES_PER_READ, _ROWS_PER_BLOCK = 32 * 2**20, 20_000

_MEETING_SCHEMA = pa.schema(
    [
        pa.field("table", pa.string()),
        *(pa.field(name, pa.string()) for name in PROBLEM_SCHEMA.names),
        pa.field("left_out", pa.string()),
        *(pa.field(name, pa.string()) for name in ("sample_id", "thought", "completion", "status")),
        pa.field("draw", pa.int32()),
        pa.field("correct", pa.bool_()),
        pa.field("flags", pa.list_(pa.string())),
    ]
)
"""One schema under which rows of the three inputs meet; a row fills the columns of its own table."""

_OWN_COLUMNS = {
    "problems": {*PROBLEM_SCHEMA.names, "left_out"},
    "samples": {"sample_id", "problem_id", "thought", "draw", "completion"},
    "verdicts": {"sample_id", "problem_id", "status", "answer", "correct", "flags"},
}


def run(config: RunConfig, run_dir: RunDirectory) -> Result:
    """The mixing graph: three tables → sorted by problem → what becomes of each row → shares → two splits."""
    import ray

    ray.data.DataContext.get_current().shuffle_strategy = ray.data.context.ShuffleStrategy.SORT_SHUFFLE_PULL_BASED
    problems = run_dir.read_table("problems")
    assert problems is not None
    compared = compare(problems, config.mixture, run_dir)
    reasons = [compared.left_out.get(problem_id) for problem_id in problems["problem_id"].to_pylist()]
    asked = _meeting(problems.append_column("left_out", pa.array(reasons, pa.string())), "problems")
    decided = (
        ray.data.from_arrow([asked.slice(row, _ROWS_PER_BLOCK) for row in range(0, asked.num_rows, _ROWS_PER_BLOCK)])
        .union(_read(run_dir, "samples"), _read(run_dir, "verdicts"))
        .repartition(target_num_rows_per_block=_ROWS_PER_BLOCK)  # as many tasks after the sort as blocks before it
        .groupby("problem_id")
        .map_groups(_decide, fn_args=(config,), batch_format="pyarrow")
        .materialize()
    )
    blocks = decided.to_arrow_refs()  # sorted by problem: the order of the mixture does not depend on the cluster
    counted, write = ray.remote(_counted), ray.remote(_write)
    table = pa.concat_tables([_COUNTED.empty_table(), *ray.get([counted.remote(ref) for ref in blocks])])
    kept = table_cuts(table, config.mixture)
    ray.get([write.remote(ref, number, kept, run_dir.uri) for number, ref in enumerate(blocks)])
    made = {**card(table, kept, config.mixture), "questions": compared.counts}
    run_dir.write_bytes(json.dumps(made, indent=2).encode(), "mixture", "card.json")
    if made["rows"]["train"] == 0:
        raise RunStopped(
            f"mix: nothing is left to train on; dropped: {made['dropped']}; loosen mixture.keep or sample more"
        )
    dropped = ", ".join(f"{reason} {count:,}" for reason, count in made["dropped"].items())
    train, dev = made["rows"]["train"], made["rows"]["dev"]
    return Result(rows=train + dev, summary=f"{train:,} train, {dev:,} dev; dropped: {dropped or 'none'}")


_COUNTED = pa.schema([DECIDED_SCHEMA.field(name) for name in COUNTED])


def _read(run_dir: RunDirectory, folder: str) -> Any:
    """A folder's Parquet as rows that can meet: small files together, since each read costs a task."""
    import ray

    groups: list[list[str]] = []
    filled = _BYTES_PER_READ
    for info in run_dir.listing(folder):
        if not info.path.endswith(".parquet"):
            continue
        if filled >= _BYTES_PER_READ:
            groups.append([])
            filled = 0
        groups[-1].append(str(info.path))
        filled += info.size
    files = ray.data.from_items([{"files": group} for group in groups], override_num_blocks=max(1, len(groups)))
    return files.map_batches(_tables, fn_args=(run_dir.uri, folder), batch_size=1, batch_format="pyarrow")


def _tables(groups: pa.Table, uri: str, folder: str) -> Iterator[pa.Table]:
    filesystem = RunDirectory(uri).filesystem
    for group in groups["files"].to_pylist():
        tables = []
        for file in group:
            own = [name for name in pq.read_schema(file, filesystem=filesystem).names if name in _OWN_COLUMNS[folder]]
            tables.append(_meeting(pq.read_table(file, columns=own, filesystem=filesystem), folder))
        yield pa.concat_tables(tables)


def _meeting(batch: pa.Table, table: str) -> pa.Table:
    """Rows of one of the three tables under the common schema; columns that are not its own are left out."""
    named = batch.select([name for name in batch.column_names if name in _OWN_COLUMNS[table]])
    named = named.append_column("table", pa.array([table] * batch.num_rows, pa.string()))
    columns = [
        named[field.name].cast(field.type) if field.name in named.column_names else pa.nulls(named.num_rows, field.type)
        for field in _MEETING_SCHEMA
    ]
    return pa.table(columns, schema=_MEETING_SCHEMA)


def _decide(group: pa.Table, config: RunConfig) -> pa.Table:
    """What becomes of one problem's rows."""
    rows: dict[str, list[dict[str, Any]]] = {"problems": [], "samples": [], "verdicts": []}
    for row in group.to_pylist():
        rows[row["table"]].append(row)
    asked = next(iter(rows["problems"]), None)
    problem = from_rows([{**asked, "answer_kind": asked["answer_kind"] or "number"}])[0] if asked else None
    left_out = asked["left_out"] if asked else None
    name = group["problem_id"][0].as_py()
    return to_table(decide(name, problem, left_out, rows["samples"], rows["verdicts"], config.mixture, config.seed))


def _counted(block: pa.Table) -> pa.Table:
    """The columns that the card counts."""
    return block.select(COUNTED).cast(_COUNTED) if block.num_rows else _COUNTED.empty_table()


def _write(block: pa.Table, number: int, kept: Mapping[str, int] | None, uri: str) -> None:
    """A block's examples that the shares keep, as one file a split."""
    run_dir = RunDirectory(uri)
    if block.num_rows:
        block = block.filter(inside(block, kept))
    for split in ("train", "dev"):
        rows = block.filter(pc.equal(block["split"], split)).select(MIXTURE_SCHEMA.names) if block.num_rows else None
        if (rows is not None and rows.num_rows) or number == 0:  # even an empty split has a file
            run_dir.filesystem.create_dir(run_dir.path("mixture", split))
            examples = rows.cast(MIXTURE_SCHEMA) if rows is not None else MIXTURE_SCHEMA.empty_table()
            file = run_dir.path("mixture", split, f"part-{number:05}.parquet")
            pq.write_table(examples, file, filesystem=run_dir.filesystem)


MIX = Stage(
    name="mix",
    folder="mixture",
    inputs=("problems", "samples", "verdicts"),
    optional=("evaluation_problems",),
    fields=lambda config: {
        **config.mixture.model_dump(exclude={"fraction"} if config.mixture.fraction == 1 else set()),
        "seed": config.seed,
    },
    run=run,
)


def command(config: RunConfig, dry_run: bool) -> None:
    """``python -m ray_jobs.mix``."""
    from ray_jobs.dry_run import describe

    run_dir = RunDirectory(config.run_dir)
    if dry_run:
        describe([MIX], config, run_dir)
        return
    with run_dir.locked():
        run_stages([MIX], config, run_dir)


if __name__ == "__main__":
    sys.exit(cli.main("mix", "Mix the proven thoughts into training examples.", command))
