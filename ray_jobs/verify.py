"""Verification: every sample is proved by solving it, spread over the CPUs of the cluster.

samples/ ──► Verifier actors (one sandbox each) ──► verdicts/

python -m ray_jobs.verify run_dir=runs/gsm8k        works on any folder with problems/ and samples/
"""

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.config import RunConfig, VerificationConfig
from pipelines.errors import ConfigError, DataError
from pipelines.problems.foreign_gold import foreign_gold
from pipelines.solvers import Sandbox
from pipelines.thoughts import THOUGHTS, judge
from pipelines.thoughts.degraded import degraded
from ray_jobs import cli, foreign
from ray_jobs.hardware import AWAY_FROM_GPUS, cpu_share
from ray_jobs.progress import Progress
from ray_jobs.run_directory import RunDirectory
from ray_jobs.session import run_or_describe
from ray_jobs.stage import Result, Stage, say

if TYPE_CHECKING:
    from ray.data import Dataset

VERDICT_SCHEMA = pa.schema(
    [
        pa.field("sample_id", pa.string(), nullable=False),
        pa.field("problem_id", pa.string(), nullable=False),
        pa.field("thought", pa.string(), nullable=False),
        pa.field("draw", pa.int32(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("answer", pa.string()),
        pa.field("correct", pa.bool_()),
        pa.field("flags", pa.list_(pa.string())),
        pa.field("detail", pa.string()),
        pa.field("elapsed_s", pa.float64()),
    ]
)
JUDGE = 3
"""Raised when the same completion may get another verdict than before, so that old verdicts are made anew."""

_ROWS_PER_CALL, _ROWS_PER_FILE = 128, 8192


def run(config: RunConfig, run_dir: RunDirectory) -> Result:
    """The verification graph: read → prove → write."""
    import ray

    rows = run_dir.rows_written("samples")
    if not rows:
        raise DataError(f"{run_dir.path('samples')}: holds no rows, so there is nothing to prove; sample first")
    files = run_dir.parquet_files("samples")
    samples = ray.data.read_parquet(files, filesystem=run_dir.filesystem, partitioning=None)
    with Progress("verify", rows, lambda: (run_dir.rows_written("verdicts"), "")):
        proved(samples, rows, config, run_dir).write_parquet(run_dir.path("verdicts"), filesystem=run_dir.filesystem)
    return _result(run_dir)


def proved(samples: "Dataset", rows: int, config: RunConfig, run_dir: RunDirectory) -> "Dataset":
    """The verdicts of samples, against the gold answers of the run's problems."""
    import ray

    actors = verifiers(rows // _ROWS_PER_CALL)
    return samples.repartition(
        target_num_rows_per_block=max(_ROWS_PER_CALL, min(_ROWS_PER_FILE, rows // (4 * actors)))
    ).map_batches(
        Verifier,
        fn_constructor_args=(config.verification, ray.put(_gold(run_dir)), config.seed),
        batch_format="pyarrow",
        batch_size=_ROWS_PER_CALL,
        compute=ray.data.ActorPoolStrategy(size=actors),
        num_cpus=cpu_share(),
        label_selector=AWAY_FROM_GPUS,
    )


class Verifier:
    """An actor with a sandbox of its own."""

    def __init__(self, config: VerificationConfig, gold: Any, seed: int = 0) -> None:
        """``gold``: reference to a table of problem_id, question, answer and answer_kind."""
        import ray

        table = ray.get(gold).to_pydict()
        known = zip(table["question"], table["answer"], table["answer_kind"], strict=True)
        self._gold = dict(zip(table["problem_id"], known, strict=True))
        self._sandbox = sandbox(config)
        self._config, self._seed = config, seed

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Verdicts of a batch of samples, in the same order."""
        return pa.Table.from_pylist([self._verdict(row) for row in batch.to_pylist()], schema=VERDICT_SCHEMA)

    def _verdict(self, row: dict[str, Any]) -> dict[str, Any]:
        question, gold, kind = self._gold.get(row["problem_id"], (None, None, "number"))
        finish_reason = row.get("finish_reason") or "stop"
        thought = THOUGHTS[row["thought"]]
        completion = row["completion"] or ""  # null in foreign samples
        verdict = judge(thought, completion, finish_reason, gold, kind, self._sandbox, question)
        verdict = degraded(verdict, row["sample_id"], row["thought"], gold, self._config, self._seed)
        return {
            **{name: row[name] for name in ("sample_id", "problem_id", "thought", "draw")},
            **vars(verdict),
            "flags": list(verdict.flags),
        }


def sandbox(config: VerificationConfig) -> Sandbox:
    """A sandbox with the limits of a proof, which runs nothing where this node cannot confine and must."""
    return Sandbox(config.timeout_s, config.memory_mb, config.require_isolation)


def verifiers(blocks: int) -> int:
    """One verifier for each CPU of the cluster, but no more than there are blocks."""
    import ray

    return max(1, min(blocks, int(ray.cluster_resources().get("CPU", 1))))


def limits(config: RunConfig) -> dict[str, Any]:
    """What bounds a proof, the teacher's and the student's alike."""
    return config.verification.model_dump(include={"timeout_s", "memory_mb"})


def _degradation(config: RunConfig) -> dict[str, Any]:
    rates = config.verification.model_dump(include={"missed_proofs", "false_proofs"})
    return {**rates, "seed": config.seed} if any(rates.values()) else {}


def preflight(config: RunConfig, run_dir: RunDirectory) -> None:
    """Refuse foreign samples that cannot be judged, and a missing isolation that was required.

    Raises:
        DataError, ConfigError: one line each.
    """
    check_isolation(config)
    foreign.check(run_dir, "problems", "problem_id", ("problem_id", "answer"))
    foreign.check(run_dir, "samples", "sample_id", (*VERDICT_SCHEMA.names[:4], "completion"))
    thoughts = run_dir.read_table("samples", columns=["thought"])
    unknown = set(thoughts["thought"].unique().to_pylist()) - set(THOUGHTS) if thoughts is not None else set()
    if unknown:
        raise DataError(
            f"{run_dir.path('samples')}: column 'thought' holds {', '.join(map(repr, sorted(unknown)))}; "
            f"expected some of {', '.join(THOUGHTS)}"
        )


def check_isolation(config: RunConfig) -> None:
    """Say, or refuse where isolation is required, that programs of the teacher run unconfined.

    Raises:
        ConfigError: one line.
    """
    with Sandbox(config.verification.timeout_s, config.verification.memory_mb) as sandbox:
        isolation = sandbox.isolation()
    if not isolation.complete:
        if config.verification.require_isolation:
            raise ConfigError(
                f"verification.require_isolation: this machine cannot confine programs ({isolation.summary})"
            )
        say(f"verify: programs are not fully confined on this machine ({isolation.summary})")


def _gold(run_dir: RunDirectory) -> pa.Table:
    table = run_dir.table("problems")
    if run_dir.is_foreign("problems") and "answer_kind" not in table.column_names:
        read = [foreign_gold(answer) for answer in table["answer"].to_pylist()]
        table = table.set_column(
            table.column_names.index("answer"), "answer", pa.array([gold.answer for gold in read], pa.string())
        ).append_column("answer_kind", pa.array([gold.kind for gold in read], pa.string()))

    def column(name: str) -> Any:  # foreign problems may lack it
        return table[name] if name in table.column_names else pa.nulls(table.num_rows, pa.string())

    return pa.table(
        {
            "problem_id": table["problem_id"],
            "question": column("question"),
            "answer": table["answer"].cast(pa.string()),  # foreign answers may be numbers
            "answer_kind": pc.fill_null(column("answer_kind"), "number"),
        }
    )


def _result(run_dir: RunDirectory) -> Result:
    table = run_dir.table("verdicts", columns=["thought", "status", "correct"])
    samples = Counter(table["thought"].to_pylist())
    right = Counter(table.filter(pc.fill_null(table["correct"], False))["thought"].to_pylist())
    solved = Counter(table.filter(pc.equal(table["status"], "solved"))["thought"].to_pylist())
    summary = "; ".join(
        f"{thought} {right[thought]:,} right, {solved[thought]:,} solved of {count:,}"
        for thought, count in sorted(samples.items())
    )
    return Result(rows=table.num_rows, summary=summary)


VERIFY = Stage(
    name="verify",
    folder="verdicts",
    inputs=("problems", "samples"),
    fields=lambda config: {"judge": JUDGE, **limits(config), **_degradation(config)},
    run=run,
)


def command(config: RunConfig, dry_run: bool) -> None:
    """``python -m ray_jobs.verify``."""
    run_dir = RunDirectory(config.run_dir)
    if not dry_run:
        preflight(config, run_dir)
    run_or_describe([VERIFY], config, run_dir, dry_run=dry_run)


if __name__ == "__main__":
    sys.exit(cli.main("verify", "Prove every sample by solving it.", command))
