"""Sampling: every thought of every problem, asked of the teacher at the rate it allows.

plan (problems × thoughts × draws, minus the journal) ──► Sampler actors ──► Teacher
                                                              │
                               Ledger (one actor: quota, budget, journal) ──► samples/, samples_failed/

python -m ray_jobs.sample --config configs/gsm8k_etd.yaml run_dir=runs/gsm8k
"""

import asyncio
import contextlib
import os
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from pipelines.config import RunConfig
from pipelines.errors import ConfigError, CredentialsError, RunStopped
from pipelines.problems import Problem
from pipelines.teacher import (
    FAILURE_SCHEMA,
    SAMPLE_SCHEMA,
    Lease,
    Quota,
    Recordings,
    Request,
    Sample,
    Teacher,
    TeacherRefused,
    estimate_tokens,
    model_name,
    price_of,
    recorded_files,
)
from pipelines.thoughts import Prompt, load_prompt
from ray_jobs import cli, paid
from ray_jobs.journal import JournalWriter, read_journal
from ray_jobs.problems import PROBLEMS
from ray_jobs.progress import Progress
from ray_jobs.run_directory import RunDirectory, digest
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
    from pipelines.problems import from_rows

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
    with _endpoint(config, problems, here) as base_url:
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
    if status.refused:
        raise CredentialsError(f"{status.refused} ({status.samples:,} samples of this run are kept)")
    if status.stopped:
        raise RunStopped(f"sample: {status.stopped}; {status.samples:,} samples of this run are kept")


@dataclass(frozen=True)
class LedgerStatus:
    """What the ledger has counted in this run."""

    samples: int
    failures: int
    attempts: int
    spent_usd: float | None
    stopped: str
    refused: str


class Ledger:
    """The one keeper of quota, budget and journal, an actor on the driver's node."""

    def __init__(self, config: RunConfig, spent_usd: float) -> None:
        """``spent_usd``: what earlier runs of the command paid."""
        self._quota = Quota(config.teacher.requests_per_minute, config.teacher.tokens_per_minute)
        self._journal = JournalWriter(RunDirectory(config.run_dir))
        self._budget = config.teacher.budget_usd
        self._priced = price_of(model_name(config.teacher)) is not None
        self._spent = spent_usd
        self._leased = self._samples = self._failures = self._attempts = 0
        self._stopped = self._refused = ""

    def lease(self, count: int, tokens: int, cost_usd: float) -> Lease | None:
        """Permission for up to ``count`` requests of at most ``tokens`` and ``cost_usd`` each; None: stop."""
        if self._stopped or self._refused:
            return None
        in_flight = self._leased - self._samples - self._failures
        if self._budget is not None and self._spent + (in_flight + 1) * cost_usd > self._budget:
            if in_flight == 0:
                self._stopped = (
                    f"teacher.budget_usd {self._budget} is reached ({self._spent:.4f} spent); raise it to go on"
                )
                return None
            return Lease(count=0, delay_s=0.1, spacing_s=0.0)  # ask again when what is in flight has its price
        if self._budget is not None and cost_usd > 0:
            count = min(count, int((self._budget - self._spent) / cost_usd) - in_flight)
        lease = self._quota.lease(max(count, 1), tokens, time.monotonic())
        self._leased += lease.count
        return lease

    def record(self, rows: list[dict[str, Any]]) -> None:
        """Write answers to the journal; they are safe when this returns."""
        self._journal.append(rows)
        for row in rows:
            self._attempts += row.pop("attempts_made", 1)
            if row["kind"] == "sample":
                self._samples += 1
                self._spent += row["cost_usd"] or 0.0
            else:
                self._failures += 1

    def refuse(self, reason: str) -> None:
        """The endpoint refuses everything: stop the run."""
        self._refused = self._refused or reason

    def status(self) -> LedgerStatus:
        """The counts so far."""
        spent = self._spent if self._priced else None
        return LedgerStatus(self._samples, self._failures, self._attempts, spent, self._stopped, self._refused)

    def close(self) -> LedgerStatus:
        """Write out what an object store's journal still holds back."""
        self._journal.flush()
        return self.status()


class Sampler:
    """An actor that keeps its share of the requests in flight."""

    def __init__(
        self,
        config: RunConfig,
        prompts: dict[str, Prompt],
        base_url: str | None,
        api_key: str,
        ledger: Any,
        in_flight: int,
    ) -> None:
        """``ledger``: handle of the ``Ledger`` actor."""
        self._endpoint = config.teacher, config.sampling, prompts, base_url, api_key
        self._ledger = ledger
        self._in_flight = in_flight
        longest = max(sum(estimate_tokens(m["content"]) for m in prompt.messages("")) for prompt in prompts.values())
        self._tokens = longest + config.sampling.max_tokens
        price = price_of(model_name(config.teacher))
        self._cost = price.cost(longest, config.sampling.max_tokens) if price else 0.0
        self._permits: deque[float] = deque()
        self._leasing = asyncio.Lock()
        self._rows: list[dict[str, Any]] = []
        self._writer: asyncio.Task[None] | None = None

    async def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        """Ask for every request of the batch; what comes back goes to the journal, here only ids."""
        columns = {name: values.tolist() for name, values in batch.items()}
        requests = [Request(**dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]
        gate = asyncio.Semaphore(self._in_flight)
        async with contextlib.aclosing(Teacher(*self._endpoint)) as teacher:

            async def one(request: Request) -> None:
                async with gate:
                    if await self._permitted():
                        await self._ask(teacher, request)

            await asyncio.gather(*(one(request) for request in requests))
        if self._writer is not None:
            await self._writer
        return {"sample_id": columns["sample_id"]}

    async def _ask(self, teacher: Teacher, request: Request) -> None:
        try:
            answer = await teacher.ask(request)
        except TeacherRefused as error:
            await self._ledger.refuse.remote(str(error))
            return
        kind = "sample" if isinstance(answer, Sample) else "failure"
        sha = paid.question_sha(request.question)
        self._rows.append({"kind": kind, "question_sha": sha, **asdict(answer)})
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())

    async def _write(self) -> None:
        """One write at a time; what arrives meanwhile goes with the next."""
        while self._rows:
            rows, self._rows = self._rows, []
            await self._ledger.record.remote(rows)

    async def _permitted(self) -> bool:
        """Wait for this request's turn; False once the run has stopped."""
        async with self._leasing:
            while not self._permits:
                lease: Lease | None = await self._ledger.lease.remote(self._in_flight, self._tokens, self._cost)
                if lease is None:
                    return False
                start = time.monotonic() + lease.delay_s
                self._permits.extend(start + turn * lease.spacing_s for turn in range(lease.count))
                if lease.count == 0:
                    await asyncio.sleep(lease.delay_s)
            turn = self._permits.popleft()
        await asyncio.sleep(max(0.0, turn - time.monotonic()))
        return True


class LocalTeacher:
    """The rehearsal or recorded teacher's server, in an actor of its own."""

    async def start(self, config: RunConfig, problems: list[Problem], host: str) -> str:
        """Serve; returns the base URL."""
        from pipelines.teacher.server import application, recorded_answers, rehearsal_answers, serve

        if config.teacher.kind == "rehearsal":
            answer = rehearsal_answers(problems, config.seed, config.teacher.rehearsal)
        else:
            answer = recorded_answers(Recordings(recorded_files(config.teacher.recorded_path or [])))
        self._runner, base_url = await serve(application(answer, config.teacher.rehearsal, config.seed), host)
        return base_url

    async def stop(self) -> None:
        """Close what is open, so that the actor ends in silence."""
        await self._runner.cleanup()


@contextlib.contextmanager
def _endpoint(config: RunConfig, problems: list[Problem], here: Any) -> Iterator[str | None]:
    """The base URL to ask: the configured endpoint, or a local teacher that lives as long as the sampling."""
    if config.teacher.kind == "openai":
        yield config.teacher.base_url
        return
    import ray

    alone = sum(node["Alive"] for node in ray.nodes()) == 1
    host = "127.0.0.1" if alone else ray.util.get_node_ip_address()
    server = ray.remote(LocalTeacher).options(num_cpus=0, scheduling_strategy=here).remote()
    try:
        yield ray.get(server.start.remote(config, problems, host))
    finally:
        ray.get(server.stop.remote())
        ray.kill(server)


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
            (samples if row["kind"] == "sample" else failures).setdefault(row["sample_id"], row)
    rows = [samples[request.sample_id] for request in plan.requests if request.sample_id in samples]
    failed = [failures[r.sample_id] for r in plan.requests if r.sample_id in failures and r.sample_id not in samples]
    run_dir.start("samples_failed")
    run_dir.write_table(pa.Table.from_pylist(failed, schema=FAILURE_SCHEMA), "samples_failed")
    run_dir.finish("samples_failed")
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
