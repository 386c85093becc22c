"""Problems, samples and verdicts as rows of one schema, so that they can be sorted by problem and meet.

    {"table": "verdicts", "problem_id": "gsm8k/train/12", "sample_id": "gsm8k/train/12/pot/0", "status": "solved", ...}

A row fills the columns of its own table and leaves the others null. What is done with the rows of one problem is the
business of whoever lets them meet.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.problems import PROBLEM_SCHEMA, Problem, from_rows
from ray_jobs.run_directory import RunDirectory

_BYTES_PER_READ, ROWS_PER_BLOCK = 32 * 2**20, 20_000

MEETING_SCHEMA = pa.schema(
    [
        pa.field("table", pa.string()),
        *(pa.field(name, pa.string()) for name in PROBLEM_SCHEMA.names),
        pa.field("left_out", pa.string()),
        pa.field("changed", pa.string()),
        *(pa.field(name, pa.string()) for name in ("sample_id", "thought", "completion", "status")),
        pa.field("draw", pa.int32()),
        pa.field("correct", pa.bool_()),
        pa.field("flags", pa.list_(pa.string())),
    ]
)

_OWN_COLUMNS = {
    "problems": {*PROBLEM_SCHEMA.names, "left_out", "changed"},
    "samples": {"sample_id", "problem_id", "thought", "draw", "completion"},
    "verdicts": {"sample_id", "problem_id", "status", "answer", "correct", "flags"},
}


@dataclass(frozen=True)
class Met:
    """The rows of one problem: itself (None where samples name one that is not there), and why it is left out."""

    problem_id: str
    problem: Problem | None
    left_out: str | None
    samples: list[dict[str, Any]]
    verdicts: list[dict[str, Any]]


def met(group: pa.Table) -> Met:
    """A group of rows that have their problem in common."""
    rows: dict[str, list[dict[str, Any]]] = {"problems": [], "samples": [], "verdicts": []}
    for row in group.to_pylist():
        rows[row["table"]].append(row)
    asked = next(iter(rows["problems"]), None)
    problem = from_rows([{**asked, "answer_kind": asked["answer_kind"] or "number"}])[0] if asked else None
    left_out = asked["left_out"] if asked else None
    return Met(group["problem_id"][0].as_py(), problem, left_out, rows["samples"], rows["verdicts"])


def dataset(problems: pa.Table, run_dir: RunDirectory, *further: pa.Table) -> Any:
    """All rows of the run's problems, samples and verdicts, and ``further`` ones (under ``MEETING_SCHEMA``)."""
    import ray

    own = [meeting(problems, "problems"), *further]
    slices = [table.slice(row, ROWS_PER_BLOCK) for table in own for row in range(0, table.num_rows, ROWS_PER_BLOCK)]
    return (
        ray.data.from_arrow(slices)
        .union(_read(run_dir, "samples"), _read(run_dir, "verdicts"))
        .repartition(target_num_rows_per_block=ROWS_PER_BLOCK)  # as many tasks after the sort as blocks before it
    )


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
            tables.append(meeting(pq.read_table(file, columns=own, filesystem=filesystem), folder))
        yield pa.concat_tables(tables)


def meeting(batch: pa.Table, table: str) -> pa.Table:
    """Rows of one of the three tables under the common schema; columns that are not its own are left out."""
    named = batch.select([name for name in batch.column_names if name in _OWN_COLUMNS[table]])
    named = named.append_column("table", pa.array([table] * batch.num_rows, pa.string()))
    columns = [
        named[field.name].cast(field.type) if field.name in named.column_names else pa.nulls(named.num_rows, field.type)
        for field in MEETING_SCHEMA
    ]
    return pa.table(columns, schema=MEETING_SCHEMA)
