"""Sampling: every thought of every problem, asked of the teacher at the rate it allows.

plan (problems × thoughts × draws, minus the journal) ──► Sampler actors ──► Teacher
                                                              │
                               Ledger (one actor: quota, budget, journal) ──► samples/, samples_failed/

python -m ray_jobs.sample --config configs/gsm8k_etd.yaml run_dir=runs/gsm8k
"""

import os
import sys
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from pipelines.config import RunConfig
from pipelines.errors import ConfigError, CredentialsError, RunStopped
from pipelines.problems import Problem, from_rows
from pipelines.teacher import (
    FAILURE_SCHEMA,
    SAMPLE_SCHEMA,
    Recordings,
    Request,
    model_name,
    price_of,
    recorded_files,
)
from pipelines.thoughts import Prompt, load_prompt
from ray_jobs import cli, paid
from ray_jobs.journal import read_journal
from ray_jobs.ledger import Ledger, LedgerStatus
from ray_jobs.local_teacher import endpoint
from ray_jobs.problems import PROBLEMS
from ray_jobs.progress import Progress
from ray_jobs.run_directory import Manifest, RunDirectory, digest
from ray_jobs.sampler import Sampler
from ray_jobs.session import run_stages
from ray_jobs.stage import Result, Stage

_BLOCK_ROWS = 2_000  # far more than is in flight at once, so that no actor waits for its slowest request
_DEFAULT_IN_FLIGHT = 64


@dataclass(frozen=True)
class Plan:
    """What is to be asked: all requests in order, and those that the journal has no answer to."""

    requests: list[Request]
    missing: list[Request]
    without_recording: int
    spent_usd: float


def make_plan(config: RunConfig, run_dir: RunDirectory, problems: list[Problem]) -> Plan:
    """All requests, in the order of problems, thoughts and draws, and those still to be answered.

    Raises:
        PaidRowsError: a problem that was sampled has another question now.
    """
    requests = [
        Request.of(problem.problem_id, thought, draw, problem.question)
        for problem in problems
        for thought in config.sampling.thoughts
        for draw in range(config.sampling.draws)
    ]
    offered = requests
    if config.teacher.kind == "recorded":
        recordings = Recordings(recorded_files(config.teacher.recorded_path or []))
        offered = [r for r in requests if recordings.find(r.problem_id, r.thought, r.draw, r.question) is not None]
    if config.teacher.kind == "rehearsal":
        annotated = {problem.problem_id for problem in problems if problem.rationale}
        offered = [request for request in requests if request.problem_id in annotated]
    answered: set[str] = set()
    spent = 0.0
    shas = {problem.problem_id: paid.question_sha(problem.question) for problem in problems}
    for row in read_journal(run_dir):
        paid.check_question(run_dir, row, shas)
        if row["kind"] == "sample":
            answered.add(row["sample_id"])
            spent += row.get("cost_usd") or 0.0
    return Plan(
        requests=offered,
        missing=[request for request in offered if request.sample_id not in answered],
        without_recording=len(requests) - len(offered),
        spent_usd=spent,
    )


def preflight(config: RunConfig, run_dir: RunDirectory) -> None:
    """Refuse, before Ray starts or money is spent, what could not work or would spoil rows already paid for.

    Raises:
        ConfigError, CredentialsError, DataError, PaidRowsError: one line each.
    """
    teacher = config.teacher
    if teacher.kind == "openai":
        if teacher.model is None:
            raise ConfigError(
                "teacher.model: missing; kind 'openai' needs a model name, e.g. teacher.model=gpt-4o-mini"
            )
        if teacher.base_url is None and not os.environ.get(teacher.api_key_env):
            raise CredentialsError(
                f"teacher.api_key_env: the environment variable {teacher.api_key_env} is not set; "
                "export your key, or set teacher.base_url for an endpoint without one"
            )
    if teacher.budget_usd is not None and price_of(model_name(teacher)) is None:
        raise ConfigError(
            f"teacher.budget_usd: the price of '{model_name(teacher)}' is unknown; "
            "add it to pipelines/teacher/prices.yaml"
        )
    paid.check(paid.fields(config, _prompts(config)), run_dir)


def run(config: RunConfig, run_dir: RunDirectory) -> Result:
    """Ask what is missing, then write the answers in plan order."""
    table = run_dir.read_table("problems")
    problems = from_rows(table.to_pylist()) if table is not None else []
    plan = make_plan(config, run_dir, problems)
    prompts = _prompts(config)
    if plan.missing:
        paid.record(paid.fields(config, prompts), run_dir)
        _ask(config, run_dir, plan, prompts, problems)
    return _compact(config, run_dir, plan)


def _ask(
    config: RunConfig, run_dir: RunDirectory, plan: Plan, prompts: dict[str, Prompt], problems: list[Problem]
) -> None:
    """The sampling graph: plan → samplers; answers go to the journal as they arrive.

    Raises:
        RunStopped: the budget is reached.
        CredentialsError: the endpoint refuses every request.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    ledger = ray.remote(Ledger).options(num_cpus=0, scheduling_strategy=here).remote(config, plan.spent_usd)
    nodes = sum(node["Alive"] for node in ray.nodes())
    with endpoint(config, problems, here) as base_url:
        answered = (
            ray.data.from_arrow(pa.Table.from_pylist([asdict(request) for request in plan.missing]))
            .repartition(target_num_rows_per_block=_BLOCK_ROWS)
            .map_batches(
                Sampler,
                fn_constructor_kwargs={
                    "config": config,
                    "prompts": prompts,
                    "base_url": base_url,
                    "api_key": os.environ.get(config.teacher.api_key_env) or "none",
                    "ledger": ledger,
                    "in_flight": max(1, (config.teacher.max_in_flight or _DEFAULT_IN_FLIGHT) // nodes),
                },
                batch_size=_BLOCK_ROWS,
                compute=ray.data.ActorPoolStrategy(size=nodes),
                num_cpus=0,  # waiting for a teacher takes no core from those who compute
            )
        )
        with Progress("sample", len(plan.missing), lambda: _progress(ray.get(ledger.status.remote()))):
            for _ in answered.iter_batches(batch_size=None):
                pass
    status: LedgerStatus = ray.get(ledger.close.remote())
    ray.kill(ledger)
    if status.refused and not status.samples:
        raise CredentialsError(status.refused)
    if status.refused:
        raise RunStopped(f"{status.refused}; {status.samples:,} samples of this run are kept")
    if status.stopped:
        raise RunStopped(f"sample: {status.stopped}; {status.samples:,} samples of this run are kept")


def _compact(config: RunConfig, run_dir: RunDirectory, plan: Plan) -> Result:
    """The journal as Parquet, in plan order: samples, and the requests that failed to the end.

    Raises:
        RunStopped: more than ``sampling.max_failed`` of the requests failed.
    """
    wanted = {request.sample_id for request in plan.requests}
    samples: dict[str, dict[str, Any]] = {}
    failures: dict[str, dict[str, Any]] = {}
    for row in read_journal(run_dir):
        if row["sample_id"] in wanted:
            if row["kind"] == "sample":
                samples.setdefault(row["sample_id"], row)
            else:
                failures[row["sample_id"]] = row  # the latest says what is wrong now
    rows = [samples[request.sample_id] for request in plan.requests if request.sample_id in samples]
    failed = [failures[r.sample_id] for r in plan.requests if r.sample_id in failures and r.sample_id not in samples]
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
    if len(failed) > config.sampling.max_failed * len(plan.requests):
        raise RunStopped(
            f"sample: {len(failed):,} of {len(plan.requests):,} requests failed, more than sampling.max_failed "
            f"{config.sampling.max_failed:g} (first: {failed[0]['sample_id']}: {failed[0]['error']})"
        )
    skipped = f", {plan.without_recording:,} without a completion skipped" if plan.without_recording else ""
    return Result(
        rows=len(rows),
        summary=f"{len(rows):,} samples, {len(failed):,} failed, {len(plan.missing):,} asked now{skipped}",
        notes={"version": digest(sorted(samples)), "failed": len(failed), "without_completion": plan.without_recording},
        is_final=not failed,
    )


def _prompts(config: RunConfig) -> dict[str, Prompt]:
    sampling = config.sampling
    return {name: load_prompt(name, sampling.demonstrations, sampling.prompts) for name in sampling.thoughts}


def _progress(status: LedgerStatus) -> tuple[int, str]:
    done = status.samples + status.failures
    cost = "price unknown" if status.spent_usd is None else f"${status.spent_usd:.4f}"
    return done, f"{status.failures} failed, {cost}"


SAMPLE = Stage(
    name="sample",
    folder="samples",
    inputs=("problems",),
    fields=lambda config: {
        **paid.fields(config, _prompts(config)),
        "sampling.thoughts": config.sampling.thoughts,
        "sampling.draws": config.sampling.draws,
    },
    run=run,
)


def command(config: RunConfig, dry_run: bool) -> None:
    """``python -m ray_jobs.sample``."""
    from ray_jobs.dry_run import describe

    run_dir = RunDirectory(config.run_dir)
    preflight(config, run_dir)
    if dry_run:
        describe([PROBLEMS, SAMPLE], config, run_dir)
        return
    with run_dir.locked():
        run_stages([PROBLEMS, SAMPLE], config, run_dir)


if __name__ == "__main__":
    sys.exit(cli.main("sample", "Ask the teacher for every thought of every problem.", command))
