"""The teacher's answers as Parquet: what the journal has of a plan becomes samples/ and samples_failed/, in plan order.

The journal stays as it is: it says what was paid for, in the order in which it came.
"""

from typing import Any

import pyarrow as pa

from pipelines.config import RunConfig
from pipelines.errors import RunStopped
from pipelines.teacher import FAILURE_SCHEMA, SAMPLE_SCHEMA
from ray_jobs.journal import read_journal
from ray_jobs.plan import Plan
from ray_jobs.run_directory import Manifest, RunDirectory, digest
from ray_jobs.stage import Result


def write_answers(config: RunConfig, run_dir: RunDirectory, plan: Plan) -> Result:
    """The journal as Parquet, in plan order: samples, and the requests that failed to the end.

    Raises:
        RunStopped: more than ``sampling.max_failed`` of the requests failed, or have no answer.
    """
    wanted = set(plan.wanted)
    samples: dict[str, dict[str, Any]] = {}
    failures: dict[str, dict[str, Any]] = {}
    for row in read_journal(run_dir):
        if row["sample_id"] in wanted:
            if row["kind"] == "sample":
                samples.setdefault(row["sample_id"], row)
            else:
                failures[row["sample_id"]] = row  # the latest says what is wrong now
    rows = [samples[sample_id] for sample_id in plan.wanted if sample_id in samples]
    failed = [failures[name] for name in plan.wanted if name in failures and name not in samples]
    run_dir.start("samples_failed")
    run_dir.write_table(pa.Table.from_pylist(failed, schema=FAILURE_SCHEMA), "samples_failed")
    run_dir.publish(
        "samples_failed",
        Manifest(
            stage="sample",
            fingerprint="",
            version="",
            fields={},
            inputs={},
            files=run_dir.written("samples_failed"),
            rows=len(failed),
            wall_s=0.0,
        ),
    )
    run_dir.write_table(pa.Table.from_pylist(rows, schema=SAMPLE_SCHEMA), "samples")
    missing = len(plan.wanted) - len(rows) - len(failed)
    lost = f" and {missing:,} have no answer" if missing else ""
    if len(failed) + missing > config.sampling.max_failed * len(plan.wanted):
        first = f" (first: {failed[0]['sample_id']}: {failed[0]['error']})" if failed else ""
        raise RunStopped(
            f"sample: {len(failed):,} of {len(plan.wanted):,} requests failed{lost}, more than sampling.max_failed "
            f"{config.sampling.max_failed:g}{first}"
        )
    skipped = f", {plan.without_recording:,} without a completion skipped" if plan.without_recording else ""
    return Result(
        rows=len(rows),
        summary=f"{len(rows):,} samples, {len(failed):,} failed{lost}, {plan.samples_missing:,} asked now{skipped}",
        notes={"version": digest(sorted(samples)), "failed": len(failed), "without_completion": plan.without_recording},
        is_final=len(rows) == len(plan.wanted),
    )
