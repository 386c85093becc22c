"""Batch mode against a local teacher: killed where it hurts, no batch is made twice and every sample comes once."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from pipelines.config import RunConfig
from pipelines.errors import ConfigError, CredentialsError, RunStopped
from pipelines.problems import load
from pipelines.teacher import Dialect, Exchange, Request, batch_server
from pipelines.teacher.batch import PRICE_SHARE, BatchApi
from pipelines.teacher.price import Price
from pipelines.teacher.server import application, local_answers, serve
from pipelines.thoughts import load_prompt
from ray_jobs import batch as batch_module
from ray_jobs import sample
from ray_jobs.batch import ROUNDS, Batches
from ray_jobs.batch_record import Record, open_batches
from ray_jobs.journal import read_journal
from ray_jobs.plan import make_plan
from ray_jobs.run_directory import RunDirectory

ROOT = Path(__file__).parent.parent.parent


class Killed(BaseException):
    """Stands for the end of the process."""


@contextmanager
def served(rehearsal: dict[str, Any]) -> Iterator[str]:
    """A local teacher in a thread; the URL that runs ask."""
    config = configured("unused", "", teacher={"kind": "rehearsal", "rehearsal": rehearsal})
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    app = application(local_answers(config, load(config.problems, 0)), config.teacher.rehearsal)
    runner, url = asyncio.run_coroutine_threadsafe(serve(app, "127.0.0.1"), loop).result()
    try:
        yield url
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def url() -> Iterator[str]:
    with served({}) as address:
        yield address


def configured(run_dir: object, base_url: str, **changed: Any) -> RunConfig:
    values: dict[str, Any] = {
        "run_dir": str(run_dir),
        "problems": {"source": "generated", "count": 10},
        "teacher": {
            "kind": "openai",
            "model": "rehearsal",
            "mode": "batch",
            "batch_poll_s": 0.05,
            "base_url": base_url,
        },
        "sampling": {"draws": 2, "demonstrations": 0},
    }
    return RunConfig.model_validate({**values, **changed})


def collect(config: RunConfig) -> Batches:
    """What the command does in batch mode, without Ray and without the first request."""
    run_dir = RunDirectory(config.run_dir)
    prompts = {name: load_prompt(name, 0) for name in config.sampling.thoughts}
    exchange = Exchange(config.teacher, config.sampling, prompts, PRICE_SHARE)
    plan = make_plan(config, run_dir, load(config.problems, config.seed))
    with closing(BatchApi(config.teacher.base_url, "key")) as api:
        batches = Batches(config, run_dir, exchange, api, Dialect(), plan.spent_usd)
        batches.run(open_batches(run_dir), plan.missing, [])
    return batches


def counts(base_url: str) -> dict[str, Any]:
    with urllib.request.urlopen(base_url.replace("/v1", "/counts")) as page:
        return dict(json.load(page))


def sample_ids(config: RunConfig, kind: str = "sample") -> list[str]:
    return [row["sample_id"] for row in read_journal(RunDirectory(config.run_dir)) if row["kind"] == kind]


def test_every_sample_comes_once_from_one_batch(tmp_path: Path, url: str) -> None:
    """30 requests for two draws each are one batch; nothing is open afterwards."""
    config = configured(tmp_path, url)
    batches = collect(config)
    assert (60, 60) == (len(sample_ids(config)), len(set(sample_ids(config))))
    assert (1, 30, 0) == tuple(counts(url)[name] for name in ("batches", "answered", "repeats"))
    assert (60, []) == (batches.counts.samples, open_batches(RunDirectory(str(tmp_path))))


def test_more_problems_later_ask_only_for_them(tmp_path: Path, url: str) -> None:
    """A second batch for what is new; a third run makes none."""
    few = {"problems": {"source": "generated", "count": 10, "limit": 4}}
    for config in (configured(tmp_path, url, **few), configured(tmp_path, url), configured(tmp_path, url)):
        collect(config)
    assert (2, 30, 0) == tuple(counts(url)[name] for name in ("batches", "answered", "repeats"))


@pytest.mark.parametrize("writes", [0, 1, 2, 3])
def test_killed_around_any_record_no_batch_is_made_twice(
    tmp_path: Path, url: str, writes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end comes in place of the 1st to 4th writing down; in place of the 3rd, a batch's id is lost."""
    config = configured(tmp_path, url)
    write, written = Record.write, []

    def until_killed(record: Record, run_dir: RunDirectory) -> None:
        if len(written) == writes:
            raise Killed
        write(record, run_dir)
        written.append(record)

    with monkeypatch.context() as patched:
        patched.setattr(Record, "write", until_killed)
        with pytest.raises(Killed):
            collect(config)
    assert (writes > 1) == counts(url)["batches"]
    collect(config)
    assert (60, 60) == (len(sample_ids(config)), len(set(sample_ids(config))))
    assert (1, 30, 0) == tuple(counts(url)[name] for name in ("batches", "answered", "repeats"))


def test_killed_in_the_middle_of_collecting_each_sample_stands_once(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the journal has already is passed over when the batch is read again."""
    config = configured(tmp_path, url)
    monkeypatch.setattr(batch_module, "_ROWS_AT_ONCE", 20)
    with monkeypatch.context() as patched:
        write = Batches._write

        def once(self: Batches, rows: list[dict[str, Any]]) -> None:
            write(self, rows)
            if rows:
                raise Killed

        patched.setattr(Batches, "_write", once)
        with pytest.raises(Killed):
            collect(config)
    assert 20 == len(sample_ids(config))
    collect(config)
    assert (60, 60) == (len(sample_ids(config)), len(set(sample_ids(config))))
    assert 1 == counts(url)["batches"]


def test_a_lost_answer_to_the_making_of_a_batch_makes_no_second(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection drops after the endpoint made the batch: it is found by its key."""
    config = configured(tmp_path, url)
    create = BatchApi.create

    def made_but_unheard(api: BatchApi, file_id: str, key: str) -> Any:
        import openai

        create(api, file_id, key)
        raise openai.APIConnectionError(request=None)  # type: ignore[arg-type]

    monkeypatch.setattr(BatchApi, "create", made_but_unheard)
    collect(config)
    assert (60, 1) == (len(sample_ids(config)), counts(url)["batches"])


def test_a_large_work_is_cut_into_several_batches(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most so many requests a batch, all open at once."""
    monkeypatch.setattr(batch_module, "MOST_REQUESTS", 12)
    config = configured(tmp_path, url)
    collect(config)
    assert (60, 3) == (len(set(sample_ids(config))), counts(url)["batches"])


def test_what_failed_in_passing_is_asked_again_and_at_last_a_failure(tmp_path: Path) -> None:
    """With every line failing: as many batches as rounds, then a failure for each sample."""
    with served({"faults": 1.0}) as url:
        config = configured(tmp_path, url)
        collect(config)
        assert ([], 60) == (sample_ids(config), len(set(sample_ids(config, "failure"))))
        assert ROUNDS == counts(url)["batches"]
        assert {ROUNDS} == {row["attempts"] for row in read_journal(RunDirectory(config.run_dir))}


def test_a_third_of_faults_is_mended_by_the_next_rounds(tmp_path: Path) -> None:
    """Only what failed travels again: no sample is paid twice."""
    with served({"faults": 0.3}) as url:
        config = configured(tmp_path, url)
        collect(config)
        assert 0 == counts(url)["repeats"]
        assert counts(url)["batches"] in (2, 3)
        assert 60 == len({*sample_ids(config), *sample_ids(config, "failure")})
        assert len(sample_ids(config)) > 50


def test_an_endpoint_without_n_is_asked_for_the_other_draws(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that answers with fewer choices than asked for: the rest comes with the next batch."""
    monkeypatch.setattr(Dialect, "body", lambda self, max_tokens, temperature, draws: {"max_tokens": max_tokens})
    config = configured(tmp_path, url)
    collect(config)
    assert (60, 60) == (len(sample_ids(config)), len(set(sample_ids(config))))
    assert (2, 60) == (counts(url)["batches"], counts(url)["answered"])


def test_the_budget_is_never_exceeded_and_goes_on_when_raised(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch is cut to what its worst case may cost; at the half price."""
    monkeypatch.setattr("pipelines.teacher.exchange.price_of", lambda model: Price(0.0, 0.0, 1000.0))
    # 2 draws of at most 512 tokens at half of $1,000 per million tokens: $0.512 a request at worst.
    teacher = configured(tmp_path, url).teacher.model_dump()
    low = configured(tmp_path, url, teacher={**teacher, "budget_usd": 1.0})
    with pytest.raises(RunStopped, match=r"budget_usd 1\.0 is reached"):
        collect(low)
    rows = list(read_journal(RunDirectory(str(tmp_path))))
    spent = sum(row["cost_usd"] for row in rows)
    tokens = sum(row["completion_tokens"] for row in rows)
    assert 1.0 - 0.512 < spent <= 1.0
    assert spent == pytest.approx(tokens * 0.5 * 1000 / 1e6)
    collect(configured(tmp_path, url, teacher={**teacher, "budget_usd": 1000}))
    assert (60, 60, 0) == (len(sample_ids(low)), len(set(sample_ids(low))), counts(url)["repeats"])


def test_a_cancelled_batch_stops_the_run_with_what_it_answered(tmp_path: Path) -> None:
    """Cancelled at the endpoint: what was answered is kept, the next run asks for the rest."""
    with served({"latency_s": 0.5, "slots": 5}) as url:
        config = configured(tmp_path, url)

        def cancel() -> None:
            batch, deadline, answered = f"{url}/batches/batch_1", time.monotonic() + 60, 0
            while not answered and time.monotonic() < deadline:
                with suppress(urllib.error.HTTPError), urllib.request.urlopen(batch) as page:
                    answered = json.load(page)["request_counts"]["completed"]
                time.sleep(0.02)
            urllib.request.urlopen(urllib.request.Request(f"{batch}/cancel", method="POST")).close()

        (canceller := threading.Thread(target=cancel)).start()
        with pytest.raises(RunStopped, match="batch_1 was cancelled"):
            collect(config)
        canceller.join()
        assert (0 < len(sample_ids(config)) < 60, []) == (True, open_batches(RunDirectory(str(tmp_path))))
        collect(config)
        assert (60, 2, 0) == (len(sample_ids(config)), counts(url)["batches"], counts(url)["repeats"])


def test_a_batch_of_too_many_tokens_waits_for_the_others(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account takes one batch at a time: the others are made when it has ended."""
    process = batch_server.BatchServer._process
    begun: list[str] = []

    async def one_at_a_time(self: batch_server.BatchServer, batch: dict[str, Any]) -> None:
        if any(self._batches[name]["status"] == "in_progress" for name in begun):
            batch["errors"] = {"data": [{"code": "token_limit_exceeded", "message": "enqueued tokens"}]}
            batch["status"] = "failed"
            return
        begun.append(batch["id"])
        batch["status"] = "in_progress"
        await asyncio.sleep(0.3)
        await process(self, batch)

    monkeypatch.setattr(batch_server.BatchServer, "_process", one_at_a_time)
    monkeypatch.setattr(batch_module, "MOST_REQUESTS", 10)
    config = configured(tmp_path, url)
    collect(config)
    assert (60, 0, 3) == (len(set(sample_ids(config))), counts(url)["repeats"], len(begun))


def taking(monkeypatch: pytest.MonkeyPatch, most: int) -> list[int]:
    """The account has no tokens for a batch of more requests; the sizes of the batches as they come."""
    process = batch_server.BatchServer._process
    sizes: list[int] = []

    async def few_tokens(self: batch_server.BatchServer, batch: dict[str, Any]) -> None:
        sizes.append(self._files[batch["input_file_id"]].count(b"\n"))
        if sizes[-1] <= most:
            return await process(self, batch)
        batch["errors"] = {"data": [{"code": "token_limit_exceeded", "message": "enqueued tokens"}]}
        batch["status"] = "failed"

    monkeypatch.setattr(batch_server.BatchServer, "_process", few_tokens)
    return sizes


def test_a_batch_of_too_many_tokens_for_the_account_is_halved(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the account takes it; killed with such a batch open, the same command makes none larger."""
    sizes, config, write = taking(monkeypatch, 8), configured(tmp_path, url), Record.write

    def until_killed(record: Record, run_dir: RunDirectory) -> None:
        write(record, run_dir)
        if record.batch_id is not None and record.most == 7:
            raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(Record, "write", until_killed)
        collect(config)
    collect(config)
    assert (60, 60) == (len(sample_ids(config)), len(set(sample_ids(config))))
    assert ([30, 15, 15, 15], 7) == (sizes[:4], max(sizes[4:]))  # two refused together, then one alone


def test_a_single_request_of_too_many_tokens_ends_the_run(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is nothing left to halve."""
    sizes = taking(monkeypatch, 0)
    with pytest.raises(RunStopped, match=r"refused by the endpoint \(token_limit_exceeded"):
        collect(configured(tmp_path, url))
    assert [30, 15, 15, 15, 7, 3, 1] == sizes


def refusing(monkeypatch: pytest.MonkeyPatch, status: int, code: str) -> None:
    """The local server answers every line with this refusal."""

    async def reply(body: dict[str, Any], custom_id: str) -> tuple[int, dict[str, Any]]:
        return status, {"error": {"message": "no", "code": code}}

    make = batch_server.BatchServer.__init__
    monkeypatch.setattr(batch_server.BatchServer, "__init__", lambda self, _, counts: make(self, reply, counts))


def test_an_exhausted_account_ends_the_run_and_leaves_no_batch_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One clear line; the next run makes a new batch, since nothing of the old one is to come."""
    refusing(monkeypatch, 429, "insufficient_quota")
    with served({}) as url:
        config = configured(tmp_path, url)
        with pytest.raises(CredentialsError, match="the account is exhausted"):
            collect(config)
        assert ([], []) == (list(read_journal(RunDirectory(str(tmp_path)))), open_batches(RunDirectory(str(tmp_path))))


def test_what_the_filter_refuses_is_a_sample_that_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not asked again, as online."""
    refusing(monkeypatch, 400, "content_filter")
    with served({}) as url:
        config = configured(tmp_path, url)
        collect(config)
        assert {"content_filter"} == {row["finish_reason"] for row in read_journal(RunDirectory(str(tmp_path)))}
        assert (60, 1) == (len(sample_ids(config)), counts(url)["batches"])


def test_an_endpoint_without_a_batch_api_is_named(tmp_path: Path, url: str) -> None:
    """One line that says what to set."""
    with pytest.raises(RunStopped, match=r"no Batch API; set teacher\.mode=online"):
        collect(configured(tmp_path, url.replace("/v1", "/v2")))


def test_an_unknown_batch_of_a_real_endpoint_is_never_asked_again_by_itself(tmp_path: Path, url: str) -> None:
    """Another key or URL may stand behind it: the user decides."""
    config = configured(tmp_path, url)
    lost = Record(
        key="k",
        created_s=0.0,
        round=1,
        worst_usd=0.0,
        dialect=Dialect(),
        requests=[Request(problem_id="p", thought="cot", draw=0, question="?")],
        file_id="file-9",
        batch_id="batch_9",
    )
    lost.write(RunDirectory(config.run_dir))
    with pytest.raises(RunStopped, match="knows no batch batch_9"):
        collect(config)
    assert [lost] == open_batches(RunDirectory(config.run_dir))


def test_a_local_teacher_that_forgot_its_batch_is_asked_again(tmp_path: Path, url: str) -> None:
    """It ends with the run that started it, and nothing was paid."""
    teacher = {"kind": "rehearsal", "mode": "batch", "batch_poll_s": 0.05, "base_url": url}
    config = configured(tmp_path, url, teacher=teacher)
    requests = make_plan(config, RunDirectory(str(tmp_path)), load(config.problems, 0)).missing[:7]
    Record(
        key="k",
        created_s=0.0,
        round=1,
        worst_usd=0.0,
        dialect=Dialect(),
        requests=requests,
        file_id="file-9",
        batch_id="batch_9",
    ).write(RunDirectory(str(tmp_path)))
    collect(config)
    assert (60, 60) == (len(sample_ids(config)), len(set(sample_ids(config))))


def test_online_mode_is_refused_while_batches_are_open(tmp_path: Path, url: str) -> None:
    """It would pay for the same samples again."""
    online = configured(tmp_path, url, teacher={"model": "rehearsal", "base_url": url})
    record = Record(key="k", created_s=0.0, round=1, worst_usd=0.0, dialect=Dialect(), requests=[])
    record.write(RunDirectory(str(tmp_path)))
    with pytest.raises(ConfigError, match=r"teacher\.mode=batch"):
        sample.preflight(online, RunDirectory(str(tmp_path)))


def test_the_command_killed_between_upload_and_collection_makes_no_second_batch(
    tmp_path: Path, teacher_process: Callable[[int, dict[str, Any]], str]
) -> None:
    """kill -9 of the whole process group while the batch is open; the same command finishes it."""
    url = teacher_process(10, {"latency_s": 0.5})
    config = configured(tmp_path / "run", url)
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json")))
    command = [sys.executable, "-m", "ray_jobs.sample", "--config", str(tmp_path / "run.yaml")]
    with (tmp_path / "log").open("ab") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
        run_dir = RunDirectory(config.run_dir)
        while not any(record.batch_id for record in open_batches(run_dir)):
            assert process.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert 2 == len(sample_ids(config))  # the first request, asked alone
        assert 0 == subprocess.run(command, cwd=ROOT, stdout=log, stderr=log).returncode
    seen = counts(url)
    samples = pq.read_table(tmp_path / "run/samples")["sample_id"].to_pylist()
    assert (60, 60) == (len(samples), len(set(samples)))
    assert (1, 30, 0) == (seen["batches"], seen["answered"], seen["repeats"])
