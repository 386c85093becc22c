"""Sampling: every thought of every problem, asked of the teacher at the rate it allows.

plan (problems × thoughts × draws, minus the journal) ──► Sampler actors ──► Teacher
                                                              │
                               Ledger (one actor: quota, budget, journal) ──► samples/, samples_failed/

With ``teacher.mode: batch`` the requests go to the endpoint's Batch API instead (``ray_jobs.batch``).

python -m ray_jobs.sample --config configs/gsm8k_etd.yaml run_dir=runs/gsm8k
"""

import asyncio
import contextlib
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import pyarrow as pa

from pipelines.config import RunConfig
from pipelines.errors import ConfigError, CredentialsError, RunStopped
from pipelines.mixture import Screened
from pipelines.problems import Problem, from_rows
from pipelines.teacher import (
    ATTEMPTS,
    Dialect,
    Exchange,
    Failure,
    OpenGate,
    Request,
    Teacher,
    model_name,
    price_of,
)
from pipelines.teacher.batch import PRICE_SHARE, BatchApi
from pipelines.thoughts import Prompt, load_prompt
from ray_jobs import cli, paid
from ray_jobs.answers import write_answers
from ray_jobs.batch import Batches
from ray_jobs.batch_record import open_batches
from ray_jobs.endpoint import endpoint
from ray_jobs.hardware import AWAY_FROM_GPUS
from ray_jobs.ledger import AWAY_PAUSE_S, AWAY_S, Ledger, LedgerStatus, Opening, budget_reached
from ray_jobs.plan import Plan, make_plan
from ray_jobs.preflight import screened
from ray_jobs.problems import PROBLEMS
from ray_jobs.progress import Progress
from ray_jobs.rounds import sample_until_correct
from ray_jobs.run_directory import RunDirectory, digest
from ray_jobs.sampler import Sampler, as_row
from ray_jobs.session import on_this_node, run_or_describe
from ray_jobs.stage import Result, Stage, say
from ray_jobs.verify import check_isolation

_BLOCK_ROWS = 500
_BLOCKS_AT_ONCE = 4  # for each sampler, so that none waits for the slowest request of a block
_READY_S = 30.0  # the first request waits for samplers to be ready, no longer
_PER_SAMPLER = 200  # requests a second that one process does with ease


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
    if teacher.budget_usd is not None and price_of(teacher) is None:
        raise ConfigError(
            f"teacher.budget_usd: the price of '{model_name(teacher)}' is unknown; "
            "give teacher.price=[input,cached_input,output] in dollars per million tokens"
        )
    if teacher.mode == "online" and (opened := open_batches(run_dir)):
        raise ConfigError(
            f"teacher.mode: 'online' would ask again what {len(opened)} open batches of {run_dir.uri} are paid for; "
            "set teacher.mode=batch to collect them first"
        )
    paid.check(paid.fields(config, _prompts(config)), run_dir)
    if config.sampling.until_correct is not None:
        check_isolation(config)


def run(config: RunConfig, run_dir: RunDirectory, *, screens: bool = True) -> Result:
    """Ask what is missing, then write the answers in plan order.

    ``screens``: problems that an evaluation set has are not asked, and dev problems once a thought.
    """
    table = run_dir.read_table("problems")
    problems = from_rows(table.to_pylist()) if table is not None else []
    plan = make_plan(config, run_dir, problems, screened(config, run_dir, problems) if screens else Screened())
    if config.teacher.mode == "batch":
        if plan.missing or open_batches(run_dir):
            _ask_in_batches(config, run_dir, plan, problems)
    elif config.sampling.until_correct is not None:
        plan = sample_until_correct(config, run_dir, problems, plan, partial(asking, config, run_dir, problems, plan))
    elif plan.missing:
        with asking(config, run_dir, problems, plan, _most_draws(plan.missing)) as ask:
            ask(plan.missing)
    result = write_answers(config, run_dir, plan)
    version = digest([sampled_fields(config), result.notes["version"]])
    return replace(result, notes={**result.notes, "version": version})


@contextlib.contextmanager
def asking(
    config: RunConfig, run_dir: RunDirectory, problems: list[Problem], plan: Plan, first: Request
) -> Iterator[Callable[[list[Request]], None]]:
    """The sampling graph, for as many rounds as wanted: requests → samplers; answers go to the journal as they arrive.

    ``first`` is asked alone beforehand. What is yielded returns when every sample of its requests is in the journal
    or has failed to the end.

    Raises:
        RunStopped: the budget is reached, the first request failed to the end, or the ledger died.
        CredentialsError: the endpoint refuses every request.
    """
    import ray

    prompts = _prompts(config)
    paid.record(paid.fields(config, prompts), run_dir)
    with endpoint(config, problems) as base_url:
        api_key = os.environ.get(config.teacher.api_key_env) or "none"
        beside_us = ray.remote(Ledger).options(num_cpus=0, scheduling_strategy=on_this_node())
        ledger = beside_us.remote(config, plan.spent_usd, os.getpid())
        teacher = Teacher(config.teacher, config.sampling, prompts, base_url, api_key)
        opening = _Opening(ledger, teacher, first, config.teacher.budget_usd, plan.spent_usd)
        sampler = {
            "config": config,
            "prompts": prompts,
            "base_url": base_url,
            "api_key": api_key,
            "ledger": ledger,
        }
        asked = 0

        def ask(requests: list[Request]) -> None:
            nonlocal asked
            asked += sum(request.draws for request in requests)
            answered = (
                ray.data.from_arrow(pa.Table.from_pylist([asdict(request) for request in requests]))
                .repartition(target_num_rows_per_block=_BLOCK_ROWS)
                .map_batches(
                    Sampler,
                    fn_constructor_kwargs=sampler,
                    batch_size=None,
                    compute=ray.data.ActorPoolStrategy(
                        size=_samplers(config, len(requests)),
                        max_tasks_in_flight_per_actor=_BLOCKS_AT_ONCE,
                        max_concurrent_calls_per_actor=_BLOCKS_AT_ONCE,
                    ),
                    num_cpus=0,  # waiting for a teacher takes no core from those who compute
                    label_selector=AWAY_FROM_GPUS,
                )
            )

            opening.start()
            try:
                with Progress("sample", asked, lambda: _progress(ray.get(ledger.status.remote()))):
                    for _ in answered.iter_batches(batch_size=None):
                        pass
                opening.check()
                _go_on(ray.get(ledger.flush.remote()))
            except ray.exceptions.RayError as error:
                raise _explained(error, ledger) from error

        try:
            yield ask
        finally:
            ray.kill(ledger)


class _Opening:
    """The very first request, asked alone in a thread while the samplers start, so that they are ready for the rest."""

    def __init__(
        self, ledger: Any, teacher: Teacher, first: Request, budget_usd: float | None, spent_usd: float
    ) -> None:
        self._ledger = ledger
        self._asked = teacher, first, budget_usd, spent_usd
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Ask, unless that is done; the samplers wait for it."""
        if self._thread.ident is None:
            self._thread.start()

    def check(self) -> None:
        """Raise what the first request came to, if it failed."""
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        import ray

        try:
            ray.get(self._ledger.samplers_wait.remote(_READY_S))
            rows, dialect, slowest_s = asyncio.run(_ask_first(*self._asked))
            ray.get(self._ledger.open.remote(Opening(dialect=dialect, slowest_s=slowest_s), rows))
        except Exception as error:
            self._error = error
            with contextlib.suppress(ray.exceptions.RayError):
                ray.get(self._ledger.close.remote(str(error)))


def _explained(error: Exception, ledger: Any) -> Exception:
    """The error, or in its place that the ledger is dead, without which nobody asks."""
    import ray

    try:
        ray.get(ledger.status.remote())
    except ray.exceptions.RayActorError:
        return RunStopped("sample: the ledger's process died (killed, or out of memory); what it wrote is kept")
    return error


def _go_on(status: LedgerStatus) -> None:
    """Nothing, unless the run has stopped.

    Raises:
        RunStopped, CredentialsError: why.
    """
    if status.refused and not status.samples:
        raise CredentialsError(status.refused)
    if status.refused:
        raise RunStopped(f"{status.refused}; {_kept(status)}")
    if status.stopped:
        raise RunStopped(f"sample: {status.stopped}; {_kept(status)}")


def _kept(status: LedgerStatus) -> str:
    lost = f", {status.unwritten:,} were not written and are asked again" if status.unwritten else ""
    return f"{status.samples - status.unwritten:,} samples of this run are kept{lost}"


def _ask_in_batches(config: RunConfig, run_dir: RunDirectory, plan: Plan, problems: list[Problem]) -> None:
    """The same through the Batch API; the very first request is still asked alone, online.

    Raises:
        RunStopped, CredentialsError: as ``asking``.
        PaidRowsError: a problem in an open batch has another question now.
    """
    prompts = _prompts(config)
    paid.record(paid.fields(config, prompts), run_dir)
    opened = open_batches(run_dir)
    shas = {problem.problem_id: paid.question_sha(problem.question) for problem in problems}
    for request in (one for record in opened for one in record.requests):
        paid.check_question(run_dir, request.problem_id, paid.question_sha(request.question), shas)
    with endpoint(config, problems) as base_url:
        api_key = os.environ.get(config.teacher.api_key_env) or "none"
        first: list[dict[str, Any]] = []
        if opened:
            dialect = opened[-1].dialect
        else:
            teacher = Teacher(config.teacher, config.sampling, prompts, base_url, api_key)
            request = _most_draws(plan.missing)
            first, dialect, _ = asyncio.run(_ask_first(teacher, request, config.teacher.budget_usd, plan.spent_usd))
        exchange = Exchange(config.teacher, config.sampling, prompts, PRICE_SHARE)
        with contextlib.closing(BatchApi(base_url, api_key)) as api:
            batches = Batches(config, run_dir, exchange, api, dialect, plan.spent_usd)
            with Progress("sample", plan.samples_missing, batches.counts.line):
                batches.run(opened, plan.missing, first)


def _most_draws(requests: list[Request]) -> Request:
    """The request that tells most: several draws show whether the endpoint knows n."""
    return max(requests, key=lambda one: one.draws)


class _BudgetGate(OpenGate):
    """A gate for a single request, that opens for what the budget has left."""

    def __init__(self, budget_usd: float | None, spent_usd: float) -> None:
        self._budget_usd = budget_usd
        self._spent_usd = spent_usd
        self._away_since: float | None = None

    def turn(self, tokens: int, cost_usd: float, is_retry: bool) -> AbstractAsyncContextManager[None]:
        if self._budget_usd is not None and self._spent_usd + cost_usd > self._budget_usd:
            raise RunStopped(f"sample: {budget_reached(self._budget_usd, self._spent_usd)}")
        return super().turn(tokens, cost_usd, is_retry)

    def timed_out(self, timeout_s: float) -> None:
        say(f"sample: no answer to the first request within {timeout_s:g} s, retrying")

    async def unreachable(self, said: str, was_sent: bool) -> bool:
        """Wait, and do not count the attempt, for ``AWAY_S``; what is dropped on the way counts."""
        now = time.monotonic()
        self._away_since = now if self._away_since is None else self._away_since
        if was_sent or now - self._away_since > AWAY_S:
            return False
        say(f"sample: the endpoint is not reachable, retrying for {AWAY_S:g} s ({said})")
        await asyncio.sleep(AWAY_PAUSE_S)
        return True


async def _ask_first(
    teacher: Teacher, first: Request, budget_usd: float | None, spent_usd: float
) -> tuple[list[dict[str, Any]], Dialect, float | None]:
    """One request alone: a wrong key or model costs one refusal, and what the endpoint takes is learned once.

    Raises:
        TeacherRefused: no request can succeed.
        RunStopped: nothing came of it in all attempts, or it might cost more than is left of the budget.
    """
    async with contextlib.aclosing(teacher):
        answers = await teacher.ask(first, _BudgetGate(budget_usd, spent_usd))
    failures = [answer for answer in answers if isinstance(answer, Failure)]
    if failures and failures[0].attempts == ATTEMPTS:
        raise RunStopped(f"sample: the first request failed {ATTEMPTS} times, no other was sent ({failures[0].error})")
    if said := str(teacher.dialect):
        say(f"sample: the endpoint wants {said}; so it is asked")
    return [as_row(answer, first) for answer in answers], teacher.dialect, teacher.slowest_s


def _samplers(config: RunConfig, requests: int) -> int:
    """Sampler processes: one a node, more where the rate asks for them, no more than there are blocks."""
    import ray

    nodes = sum(bool(node["Alive"]) for node in ray.nodes())
    per_minute = config.teacher.requests_per_minute
    wanted = nodes if per_minute is None else max(nodes, math.ceil(per_minute / 60 / _PER_SAMPLER))
    return max(1, min(wanted, math.ceil(requests / _BLOCK_ROWS)))


def _prompts(config: RunConfig) -> dict[str, Prompt]:
    sampling = config.sampling
    return {name: load_prompt(name, sampling.demonstrations, sampling.prompts) for name in sampling.thoughts}


def _progress(status: LedgerStatus) -> tuple[int, str]:
    if not status.is_open:
        return 0, "waiting for the answer to the first request"
    at_most = "" if status.window is None else f" of at most {status.window}"
    words = [f"{status.in_flight} in flight{at_most}", f"{status.retries:,} retries"]
    if status.away_s is not None:
        words.append(f"endpoint not reachable for {status.away_s:.0f} s, retrying until {AWAY_S:.0f} s")
    if status.timeouts:
        lower = f" or set teacher.max_in_flight={max(1, (status.window or status.in_flight) // 2)}"
        words.append(f"{status.timeouts:,} timeouts after {status.timeout_s:g} s (raise teacher.timeout_s{lower})")
    if status.failures:
        words.append(f"{status.failures:,} failed")
    if status.requests_per_minute is not None:
        words.append(f"quota {status.requests_per_minute / 60:.3g} requests/s")
    if status.tokens_per_minute is not None:
        words.append(f"quota {status.tokens_per_minute:,.0f} tokens/min")
    words.append(f"{status.prompt_tokens + status.completion_tokens:,} tokens")
    words.append("price unknown" if status.spent_usd is None else f"${status.spent_usd:.4f}")
    return status.samples + status.failures, ", ".join(words)


def sampled_fields(config: RunConfig) -> dict[str, Any]:
    """What defines the teacher's answers; which of the problems are worth a request is left to ``_screening``."""
    return {
        **paid.fields(config, _prompts(config)),
        "sampling.thoughts": config.sampling.thoughts,
        "sampling.draws": config.sampling.draws,
        **_asked(config),
        **_stopping(config),
    }


def _screening(config: RunConfig) -> dict[str, Any]:
    """What decides, with the evaluation problems, which problems are requested, and how often."""
    mixture = config.mixture
    fields: dict[str, Any] = {"mixture.decontaminate": mixture.decontaminate}
    if mixture.near_duplicates == "drop":
        fields |= {"mixture.near_duplicates": "drop", "mixture.fraction": mixture.fraction}
    if config.sampling.draws > 1:
        fields |= {"mixture.dev_fraction": mixture.dev_fraction, "seed": config.seed}
    return fields


def _asked(config: RunConfig) -> dict[str, Any]:
    """Which of the problems are asked, where it is not all."""
    fraction = config.sampling.fraction
    return {"sampling.fraction": fraction, "seed": config.seed} if fraction < 1 else {}


def _stopping(config: RunConfig) -> dict[str, Any]:
    """Where drawing stops early, how early, and the limits of the proofs that count."""
    if config.sampling.until_correct is None:
        return {}
    limits = config.verification.model_dump(exclude={"require_isolation"})
    return {"sampling.until_correct": config.sampling.until_correct, "verification": limits}


SAMPLE = Stage(
    name="sample",
    folder="samples",
    inputs=("problems",),
    optional=("evaluation_problems",),
    fields=lambda config: {**sampled_fields(config), **_screening(config)},
    run=run,
)


def command(config: RunConfig, dry_run: bool) -> None:
    """``python -m ray_jobs.sample``."""
    run_dir = RunDirectory(config.run_dir)
    preflight(config, run_dir)
    run_or_describe([PROBLEMS, SAMPLE], config, run_dir, dry_run=dry_run)


if __name__ == "__main__":
    sys.exit(cli.main("sample", "Ask the teacher for every thought of every problem.", command))
