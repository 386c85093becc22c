"""Memory of the driver while rows stream: 100,000 samples through verify and mix with a small object store.

    python benchmarks/streaming.py --folder runs/streaming                   100,020 rows, object store of 500 MB
    python benchmarks/streaming.py --folder runs/streaming --problems 3340 --store-mb 100

The samples are written without a teacher (the rehearsal's own thoughts of generated problems, 1 in 10 mistaken, and a
comment that makes each row about as long as a real completion). Printed is what the driver's process holds, MiB of
resident memory every few seconds, for half of the rows and for all: what grows with the rows shows as a difference
between the two. It says nothing of speed. Needs psutil (the bench extra).
"""

import argparse
import logging
import os
import threading
import time
from pathlib import Path

import psutil
import pyarrow as pa
import ray

from pipelines.config import RehearsalConfig, RunConfig
from pipelines.problems import load
from pipelines.teacher.rehearsal import complete
from ray_jobs import mix, verify
from ray_jobs.problems import EVALUATION_PROBLEMS, PROBLEMS
from ray_jobs.run_directory import RunDirectory
from ray_jobs.session import quiet_ray_data, run_stages

THOUGHTS = ("cot", "pot", "eot")
ROWS_PER_FILE = 10_000
MIB = 2**20


def configured(folder, problems):
    """A run of generated problems."""
    return RunConfig.model_validate(
        {
            "run_dir": str(folder.absolute()),
            "problems": {"source": "generated", "count": problems, "families": "wide"},
            "evaluation_problems": [{"source": "generated", "split": "test", "count": 100, "families": "wide"}],
            "sampling": {"draws": 1},
        }
    )


def write_samples(config, run_dir):
    """samples/ as foreign Parquet, a file for each ``ROWS_PER_FILE``."""
    rehearsal = RehearsalConfig(mistakes=0.1)
    rows, files = [], 0
    for problem in load(config.problems, config.seed):
        for thought in THOUGHTS:
            sample_id = f"{problem.problem_id}/{thought}/0"
            written = complete(problem.rationale, thought, sample_id, 0, rehearsal)
            rows.append(
                {
                    "sample_id": sample_id,
                    "problem_id": problem.problem_id,
                    "thought": thought,
                    "draw": 0,
                    "completion": written.text,
                    "reasoning": "We go through the question once more. " * 20,
                    "finish_reason": "stop",
                    "model": "rehearsal",
                }
            )
        if len(rows) >= ROWS_PER_FILE:
            run_dir.write_bytes(_parquet(rows), "samples", f"part-{files:05d}.parquet")
            rows, files = [], files + 1
    run_dir.write_bytes(_parquet(rows), "samples", f"part-{files:05d}.parquet")


def _parquet(rows):
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue().to_pybytes()


class Memory:
    """Resident MiB of this process every ``every_s``, by stage."""

    def __init__(self, every_s=2.0):
        self.curve = {}
        self._every_s, self._stage = every_s, None
        threading.Thread(target=self._watch, daemon=True).start()

    def of(self, stage):
        """From now on the figures are this stage's."""
        self.curve[stage], self._stage = [], stage

    def _watch(self):
        process = psutil.Process(os.getpid())
        while True:
            if self._stage:
                self.curve[self._stage].append(round((process.memory_info().rss - process.memory_info().shared) / MIB))
            time.sleep(self._every_s)


def measured(folder, problems, memory):
    """Verify and mix so many problems' samples; the curve of each."""
    config = configured(folder, problems)
    run_dir = RunDirectory(config.run_dir)
    with run_dir.locked():
        run_stages([PROBLEMS, EVALUATION_PROBLEMS], config, run_dir)
        if not run_dir.exists("samples"):
            write_samples(config, run_dir)
        for stage in (verify.VERIFY, mix.MIX):
            memory.of(f"{stage.name}, {3 * problems:,} rows")
            run_stages([stage], config, run_dir)
            memory.of("between")


def main():
    """Half of the rows, then all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--problems", type=int, default=33_340, help="with three samples each")
    parser.add_argument("--store-mb", type=int, default=500, help="object store")
    options = parser.parse_args()
    logging.getLogger("ray._private.authentication").setLevel(logging.ERROR)
    ray.init("local", logging_level="WARNING", include_dashboard=False, object_store_memory=options.store_mb * 10**6)
    quiet_ray_data()
    memory = Memory()
    for part in (options.problems // 2, options.problems):
        measured(options.folder / str(part), part, memory)
    print("\n| stage | driver's memory without what it shares, MiB, evenly spaced in time |\n|---|---|")
    for stage, curve in memory.curve.items():
        if stage != "between":
            step = max(1, len(curve) // 12)
            print(f"| {stage} | {' '.join(map(str, curve[::step]))} (most {max(curve)}) |")


if __name__ == "__main__":
    main()
