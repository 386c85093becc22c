"""Sampling against a real server in this process: quota, budget, refusals, draws that travel together."""

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import fsspec
import pyarrow.parquet as pq
import pytest
from aiohttp import web

from pipelines.config import ProblemSource, RehearsalConfig
from pipelines.errors import ConfigError, CredentialsError, DataError, RunStopped
from pipelines.problems import load
from pipelines.teacher import Exchange
from pipelines.teacher.server import application, rehearsal_answers, serve
from ray_jobs import cli, paid, sample
from ray_jobs.answers import write_answers
from ray_jobs.endpoint import endpoint
from ray_jobs.journal import JournalWriter
from ray_jobs.plan import make_plan
from ray_jobs.run_directory import RunDirectory
from ray_jobs.sampler import as_row


@contextmanager
def serving(app: web.Application) -> Iterator[str]:
    """The base URL of a server in a thread of its own."""
    loop = asyncio.new_event_loop()
    runner, base_url = loop.run_until_complete(serve(app, "127.0.0.1"))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield base_url
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def teacher(count: int, **behaviour: Any) -> web.Application:
    """The rehearsal of so many generated problems, without mistakes."""
    config = RehearsalConfig(mistakes=0, **behaviour)
    problems = load(ProblemSource(source="generated", count=count), seed=0)
    return application(rehearsal_answers(problems, 0, config), config)


def run(folder: Path, base_url: str, *overrides: str, count: int = 100) -> None:
    config = [
        f"run_dir={folder}",
        f"problems={{source: generated, count: {count}}}",
        f"teacher={{kind: openai, model: gpt-4o-mini, base_url: '{base_url}'}}",
        "sampling={draws: 1, demonstrations: 0}",
    ]
    sample.command(cli.load_config(None, [*config, *overrides]), dry_run=False)


def counts(base_url: str) -> dict[str, Any]:
    async def read() -> dict[str, Any]:
        async with aiohttp.ClientSession() as session, session.get(base_url.replace("/v1", "/counts")) as page:
            return dict(await page.json())

    return asyncio.run(read())


def flood(base_url: str, requests: int) -> int:
    """So many requests at once, as a client without a quota sends them; returns how many were answered 429."""
    body = {"model": "m", "messages": [{"role": "user", "content": "Question: How many?"}]}

    async def all_at_once() -> int:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=200)) as session:

            async def one() -> int:
                async with session.post(f"{base_url}/chat/completions", json=body) as response:
                    return response.status

            return (await asyncio.gather(*(one() for _ in range(requests)))).count(429)

    return asyncio.run(all_at_once())


def test_a_strict_teacher_never_has_to_refuse(tmp_path: Path, ray_cluster: None) -> None:
    """600 requests at 6,000 a minute: no 429; a client without a quota collects more than 1,000 of 1,300."""
    with serving(teacher(200, latency_s=(0.05, 0.4), requests_per_minute=6000)) as base_url:
        run(tmp_path, base_url, "teacher.requests_per_minute=6000", count=200)
        seen = counts(base_url)
        assert (600, 600, 0, 0) == (seen["requests"], seen["samples"], seen["over_quota"], seen["repeats"])
        assert flood(base_url, 1300) > 1000


def test_a_429_slows_down_and_nothing_is_lost(tmp_path: Path, ray_cluster: None) -> None:
    """The quota is not known to the client: it is refused, goes slower, and ends with every sample."""
    with serving(teacher(100, latency_s=0.05, requests_per_minute=3000)) as base_url:
        run(tmp_path, base_url)
        seen = counts(base_url)
    assert 300 == len(pq.read_table(tmp_path / "samples"))
    assert 0 < seen["over_quota"] < 300


def test_draws_travel_in_one_request_and_are_extended_without_paying_twice(tmp_path: Path, ray_cluster: None) -> None:
    """Four draws are one request; two more are one more, with n = 2."""
    with serving(teacher(10)) as base_url:
        run(tmp_path, base_url, "sampling.draws=4", count=10)
        assert (30, 120) == (counts(base_url)["requests"], counts(base_url)["samples"])
        run(tmp_path, base_url, "sampling.draws=6", count=10)
        assert (60, 180, 0) == tuple(counts(base_url)[name] for name in ("requests", "samples", "repeats"))
    table = pq.read_table(tmp_path / "samples").to_pylist()
    assert [0, 1, 2, 3, 4, 5] == [row["draw"] for row in table[:6]]
    assert [True, False, False, False, True, False] == [row["prompt_tokens"] > 0 for row in table[:6]]


def test_the_budget_is_never_exceeded_and_a_higher_one_goes_on(tmp_path: Path, ray_cluster: None) -> None:
    """Exit code 1 with what was made kept; raised, the same command asks only for the rest."""
    with serving(teacher(40, latency_s=0.01)) as base_url:
        with pytest.raises(RunStopped, match=r"teacher\.budget_usd 0\.002 is reached"):
            run(tmp_path, base_url, "teacher.budget_usd=0.002", count=40)
        rows = [json.loads(line) for file in (tmp_path / "journal").glob("*.jsonl") for line in file.open()]
        assert 0.5 * 0.002 < sum(row["cost_usd"] for row in rows) <= 0.002
        asked = counts(base_url)["requests"]
        with pytest.raises(RunStopped, match=r"teacher\.budget_usd 0\.002 is reached"):
            run(tmp_path, base_url, "teacher.budget_usd=0.002", count=40)
        assert asked == counts(base_url)["requests"]
        run(tmp_path, base_url, "teacher.budget_usd=1", count=40)
        assert (120, 0) == (counts(base_url)["samples"], counts(base_url)["repeats"])


def test_an_endpoint_that_is_not_there_is_refused_at_once(tmp_path: Path) -> None:
    """By name, as bad input, without a request and without the pauses between attempts."""
    config = cli.load_config(None, [f"run_dir={tmp_path}", "teacher.base_url=http://127.0.0.1:9/v1"])
    with (
        pytest.raises(ConfigError, match=r"teacher\.base_url: cannot reach http://127\.0\.0\.1:9/v1 \("),
        endpoint(config, []),
    ):
        pass


@pytest.mark.parametrize(
    ("teacher", "message"),
    [
        ("kind: rehearsal", "teacher.kind: rehearsal writes its thoughts from worked solutions, and none of the 1"),
        ("kind: recorded, recorded_path: {folder}/other.jsonl", "holds no completion of any of the 1 problems"),
    ],
)
def test_a_local_teacher_with_nothing_to_say_is_refused(tmp_path: Path, teacher: str, message: str) -> None:
    """Instead of a run that ends well with no sample."""
    line = {"problem_id": "other/1", "question": "1?", "thought": "pot", "draw": 0, "completion": "ans = 1"}
    (tmp_path / "other.jsonl").write_text(json.dumps(line))
    (tmp_path / "own.jsonl").write_text('{"question": "How many is 1 + 2?", "answer": "3"}')
    own = f"problems={{source: file, path: {tmp_path}/own.jsonl}}"
    config = cli.load_config(None, [f"run_dir={tmp_path}/run", own, f"teacher={{{teacher.format(folder=tmp_path)}}}"])
    with pytest.raises(DataError, match=message):
        make_plan(config, RunDirectory(config.run_dir), load(config.problems, 0))


def test_a_recording_in_a_store_is_known_again_by_its_content(tmp_path: Path) -> None:
    """Wherever it lies, and however it is named."""
    (tmp_path / "a.jsonl").write_text("{}")
    fsspec.filesystem("memory").pipe("/recorded/b.jsonl", b"{}")
    paths = (f"{tmp_path}/a.jsonl", f"file://{tmp_path}/a.jsonl", "memory://recorded/b.jsonl")
    teachers = [f"teacher={{kind: recorded, recorded_path: '{path}'}}" for path in paths]
    configs = [cli.load_config(None, [f"run_dir={tmp_path}", teacher]) for teacher in teachers]
    assert 1 == len({str(paid.fields(config, {})["teacher.recorded_path"]) for config in configs})


def test_a_larger_fraction_asks_the_same_problems_and_more(tmp_path: Path) -> None:
    """Every thought and draw of a fixed part of the problems; a part of nothing is refused."""

    def asked(fraction: float, count: int = 200) -> set[str]:
        fields = [f"run_dir={tmp_path}/run", f"problems={{source: generated, count: {count}}}", "sampling.draws=2"]
        config = cli.load_config(None, [*fields, f"sampling.fraction={fraction}"])
        plan = make_plan(config, RunDirectory(config.run_dir), load(config.problems, 0))
        assert 0 == plan.without_recording
        names = {request.problem_id for request in plan.missing}
        assert len(names) * 3 * 2 == len(plan.wanted) == plan.samples_missing
        return names

    tenth, half, whole = asked(0.1), asked(0.5), asked(1)
    assert 10 <= len(tenth) <= 35 and 80 <= len(half) <= 120 and 200 == len(whole)
    assert tenth < half < whole
    with pytest.raises(DataError, match="of 3 problems is none of them"):
        asked(0.001, count=3)


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (401, "invalid_api_key", "refused the key"),
        (404, "model_not_found", "knows no model 'gpt-4o-mini'"),
        (429, "insufficient_quota", "account is exhausted"),
    ],
)
def test_an_endpoint_that_refuses_everything_is_asked_once(
    tmp_path: Path, ray_cluster: None, status: int, code: str, message: str
) -> None:
    """A wrong key costs one request, not one for each in flight."""
    asked: list[str] = []

    async def refuse(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response({"error": {"message": "no", "code": code}}, status=status)

    app = web.Application()
    app.router.add_post("/v1/chat/completions", refuse)
    with serving(app) as base_url, pytest.raises(CredentialsError, match=message):
        run(tmp_path, base_url)
    assert 1 == len(asked)


def test_a_key_that_ends_on_the_way_stops_the_run_and_keeps_what_was_answered(
    tmp_path: Path, ray_cluster: None
) -> None:
    """An account that is exhausted after 50 answers: one line, the answers in the journal."""
    app = teacher(100, latency_s=0.01)
    answered = 0

    @web.middleware
    async def exhausted(request: web.Request, handler: Any) -> web.StreamResponse:
        nonlocal answered
        if answered >= 50:
            return web.json_response({"error": {"message": "pay", "code": "insufficient_quota"}}, status=429)
        answered += 1
        return await handler(request)

    app.middlewares.append(exhausted)
    with serving(app) as base_url, pytest.raises(RunStopped, match="account is exhausted"):
        run(tmp_path, base_url, "teacher.max_in_flight=8")
    rows = [line for file in (tmp_path / "journal").glob("*.jsonl") for line in file.open()]
    assert 50 == len(rows)


def test_what_fails_to_the_end_is_a_row_and_is_tried_again(tmp_path: Path, ray_cluster: None) -> None:
    """One problem is refused as bad: samples_failed names its three requests, and the next run asks them again."""
    app = teacher(100)
    is_ill = True

    @web.middleware
    async def ill(request: web.Request, handler: Any) -> web.StreamResponse:
        if is_ill and "%2Ftrain%2F7%2F" in request.headers.get("X-Client-Request-Id", "").replace("/", "%2F"):
            return web.json_response({"error": {"message": "too long", "code": "context_length"}}, status=400)
        return await handler(request)

    app.middlewares.append(ill)
    with serving(app) as base_url:
        run(tmp_path, base_url)
        failed = pq.read_table(tmp_path / "samples_failed").to_pylist()
        assert [("cot", 1), ("pot", 1), ("eot", 1)] == [(row["thought"], row["attempts"]) for row in failed]
        is_ill = False
        run(tmp_path, base_url)
        assert 0 == counts(base_url)["repeats"]
    assert (300, 0) == (len(pq.read_table(tmp_path / "samples")), len(pq.read_table(tmp_path / "samples_failed")))


def test_the_api_key_reaches_no_file(tmp_path: Path, ray_cluster: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing under the run directory holds it."""
    monkeypatch.setitem(os.environ, "MY_KEY", "sk-secret-7f3a")
    with serving(teacher(5)) as base_url:
        run(tmp_path, base_url, "teacher.api_key_env=MY_KEY", count=5)
    assert [] == [file for file in tmp_path.rglob("*") if file.is_file() and b"sk-secret-7f3a" in file.read_bytes()]


@pytest.mark.parametrize(("max_failed", "problems"), [(0.01, "failed and 2 have no answer"), (0.5, None)])
def test_samples_that_nobody_answered_are_counted_and_asked_again(
    tmp_path: Path, max_failed: float, problems: str | None
) -> None:
    """What is wanted and not there is neither a success nor done already."""
    fields = [f"run_dir={tmp_path}", "problems={source: generated, count: 2}", f"sampling.max_failed={max_failed}"]
    config = cli.load_config(None, [*fields, "sampling.draws=1"])
    run_dir = RunDirectory(config.run_dir)
    plan = make_plan(config, run_dir, load(config.problems, 0))
    exchange = Exchange(config.teacher, config.sampling, {})
    answered = [one for request in plan.missing[:4] for one in exchange.filtered(request)]
    JournalWriter(run_dir).append(as_row(sample, plan.missing[0]) for sample in answered)
    if problems is not None:
        with pytest.raises(RunStopped, match=problems):
            write_answers(config, run_dir, plan)
    else:
        result = write_answers(config, run_dir, plan)
        assert (4, False) == (result.rows, result.is_final)
        assert "0 failed and 2 have no answer" in result.summary
