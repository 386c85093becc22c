"""Problems, samples and verdicts as rows of one schema, so that they can be sorted by problem and meet.

    {"table": "verdicts", "problem_id": "gsm8k/train/12", "sample_id": "gsm8k/train/12/pot/0", "status": "solved", ...}

A row fills the columns of its own table and leaves the others null. Some hundred problems that follow each other are a
part, and the rows of a part meet (of one problem alone they would cost a call each). What is done with the rows of one
problem is the business of whoever lets them meet.
"""

import itertools
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.problems import PROBLEM_SCHEMA, Problem, from_rows
from ray_jobs.run_directory import RunDirectory

_BYTES_PER_READ, ROWS_PER_BLOCK = 32 * 2**20, 20_000
_PROBLEMS_PER_PART = 500
PART = "part"
"""The column that a dataset of rows is grouped by; parts follow each other as their problems' ids do."""

MEETING_SCHEMA = pa.schema(
    [
        pa.field("table", pa.string()),
        *(pa.field(name, pa.string()) for name in PROBLEM_SCHEMA.names),
        pa.field("left_out", pa.string()),
        pa.field("held_out", pa.bool_()),
        pa.field("changed", pa.string()),
        *(pa.field(name, pa.string()) for name in ("sample_id", "thought", "completion", "status")),
        pa.field("draw", pa.int32()),
        pa.field("correct", pa.bool_()),
        pa.field("flags", pa.list_(pa.string())),
    ]
)

_OWN_COLUMNS = {
    "problems": {*PROBLEM_SCHEMA.names, "left_out", "held_out", "changed"},
    "samples": {"sample_id", "problem_id", "thought", "draw", "completion"},
    "verdicts": {"sample_id", "problem_id", "status", "answer", "correct", "flags"},
}


@dataclass(frozen=True)
class Met:
    """The rows of one problem: itself (None where samples name one that is not there), why it is left out, and whether
    it is held out for dev."""

    problem_id: str
    problem: Problem | None
    left_out: str | None
    held_out: bool
    samples: list[dict[str, Any]]
    verdicts: list[dict[str, Any]]


def by_problem(part: pa.Table) -> Iterator[Met]:
    """The problems of a part, sorted by their ids, each with its rows."""
    of_part = sorted(part.to_pylist(), key=itemgetter("problem_id"))
    for problem_id, group in itertools.groupby(of_part, key=itemgetter("problem_id")):
        rows: dict[str, list[dict[str, Any]]] = {"problems": [], "samples": [], "verdicts": []}
        for row in group:
            rows[row["table"]].append(row)
        asked = next(iter(rows["problems"]), None)
        problem = from_rows([{**asked, "answer_kind": asked["answer_kind"] or "number"}])[0] if asked else None
        left_out, held_out = (asked["left_out"], bool(asked["held_out"])) if asked else (None, False)
        yield Met(problem_id, problem, left_out, held_out, rows["samples"], rows["verdicts"])


def dataset(problems: pa.Table, run_dir: RunDirectory, *further: pa.Table) -> Any:
    """All rows of the run, and ``further`` ones (under ``MEETING_SCHEMA``), each with its part."""
    import ray

    starts = sorted(problems["problem_id"].to_pylist())[_PROBLEMS_PER_PART::_PROBLEMS_PER_PART]
    own = [_in_parts(table, starts) for table in (meeting(problems, "problems"), *further)]
    slices = [table.slice(row, ROWS_PER_BLOCK) for table in own for row in range(0, table.num_rows, ROWS_PER_BLOCK)]
    return (
        ray.data.from_arrow(slices)
        .union(_read(run_dir, "samples", starts), _read(run_dir, "verdicts", starts))
        .repartition(target_num_rows_per_block=ROWS_PER_BLOCK)  # as many tasks after the sort as blocks before it
    )


def _read(run_dir: RunDirectory, folder: str, starts: list[str]) -> Any:
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
    return files.map_batches(_tables, fn_args=(run_dir.uri, folder, starts), batch_size=1, batch_format="pyarrow")


def _tables(groups: pa.Table, uri: str, folder: str, starts: list[str]) -> Iterator[pa.Table]:
    filesystem = RunDirectory(uri).filesystem
    for group in groups["files"].to_pylist():
        tables = []
        for file in group:
            own = [name for name in pq.read_schema(file, filesystem=filesystem).names if name in _OWN_COLUMNS[folder]]
            tables.append(meeting(pq.read_table(file, columns=own, filesystem=filesystem, partitioning=None), folder))
        yield _in_parts(pa.concat_tables(tables), starts)


def _in_parts(rows: pa.Table, starts: list[str]) -> pa.Table:
    """``starts``: the first problem of each part but the first."""
    parts = [bisect_right(starts, problem_id) for problem_id in rows["problem_id"].to_pylist()]
    return rows.append_column(PART, pa.array(parts, pa.int32()))


def meeting(batch: pa.Table, table: str) -> pa.Table:
    """Rows of one of the three tables under the common schema; columns that are not its own are left out."""
    named = batch.select([name for name in batch.column_names if name in _OWN_COLUMNS[table]])
    named = named.append_column("table", pa.array([table] * batch.num_rows, pa.string()))
    columns = [
        named[field.name].cast(field.type) if field.name in named.column_names else pa.nulls(named.num_rows, field.type)
        for field in MEETING_SCHEMA
    ]
    return pa.table(columns, schema=MEETING_SCHEMA)
