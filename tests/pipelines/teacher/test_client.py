"""The client against real HTTP servers on this machine: what is retried, what is kept, what ends the run."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from tenacity import wait_none

from pipelines.config import RehearsalConfig, SamplingConfig, TeacherConfig
from pipelines.problems import Problem
from pipelines.teacher import Failure, Request, Sample, Teacher, TeacherRefused, client, server
from pipelines.thoughts import load_prompt

Handler = Callable[[web.Request], Coroutine[Any, Any, web.Response]]
REQUEST = Request.of("clips/train/0", "pot", 0, "How many clips?")
RIGHT = {
    "id": "r1",
    "object": "chat.completion",
    "created": 1,
    "model": "m-2026",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "ans = 1"}}],
    "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100},
}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other at once."""
    monkeypatch.setattr(client, "_BACKOFF", wait_none())


@asynccontextmanager
async def teacher_of(app: web.Application, model: str = "gpt-4o-mini") -> AsyncIterator[Teacher]:
    runner, base_url = await server.serve(app, "127.0.0.1")
    config = TeacherConfig(model=model, extra_body={"top_k": 5})
    teacher = Teacher(config, SamplingConfig(), {"pot": load_prompt("pot", 2)}, base_url, "key")
    try:
        yield teacher
    finally:
        await teacher.aclose()
        await runner.cleanup()


def scripted(*answers: web.Response | Handler) -> web.Application:
    """A server that gives these answers in turn, the last one for ever."""
    remaining = list(answers)

    async def answer(request: web.Request) -> web.Response:
        now = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        if isinstance(now, web.Response):
            return web.Response(body=now.body, status=now.status, headers=now.headers)
        return await now(request)

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    return app


def refused(status: int, code: str) -> web.Response:
    return web.json_response({"error": {"message": "no", "code": code}}, status=status)


async def test_a_sample_carries_tokens_cost_and_the_servers_words() -> None:
    """0.15 and 0.60 dollars per million tokens (prices.yaml)."""
    async with teacher_of(scripted(web.json_response(RIGHT))) as teacher:
        sample = await teacher.ask(REQUEST)
    assert isinstance(sample, Sample)
    assert ("clips/train/0/pot/0", "ans = 1", "stop", "m-2026", "r1") == (
        sample.sample_id,
        sample.completion,
        sample.finish_reason,
        sample.model,
        sample.request_id,
    )
    assert sample.cost_usd == pytest.approx(1000 * 0.15e-6 + 100 * 0.60e-6)


async def test_the_request_says_what_was_configured() -> None:
    """Model, temperature, limits and the extra body; the question last."""
    seen: dict[str, Any] = {}

    async def look(request: web.Request) -> web.Response:
        seen.update(await request.json(), id=request.headers["X-Client-Request-Id"])
        return web.json_response(RIGHT)

    async with teacher_of(scripted(look)) as teacher:
        await teacher.ask(REQUEST)
    expected = {"model": "gpt-4o-mini", "temperature": 0.7, "max_tokens": 512, "top_k": 5, "id": "clips/train/0/pot/0"}
    assert expected == {name: seen[name] for name in expected}
    assert "Question: How many clips?" == seen["messages"][-1]["content"]


async def test_an_unknown_price_is_null_and_never_zero() -> None:
    """A model that the table does not know."""
    async with teacher_of(scripted(web.json_response(RIGHT)), model="mystery") as teacher:
        sample = await teacher.ask(REQUEST)
    assert isinstance(sample, Sample) and sample.cost_usd is None


@pytest.mark.parametrize(
    "fault",
    [
        refused(429, "rate_limit_exceeded"),
        refused(500, "server_error"),
        refused(408, "timeout"),
        web.json_response({**RIGHT, "choices": []}),
        web.Response(text="{broken", content_type="application/json"),
    ],
    ids=["429", "500", "408", "no choices", "broken JSON"],
)
async def test_a_passing_fault_is_tried_again(fault: web.Response) -> None:
    """Two faults, then an answer."""
    async with teacher_of(scripted(fault, fault, web.json_response(RIGHT))) as teacher:
        answer = await teacher.ask(REQUEST)
    assert isinstance(answer, Sample)
    assert 3 == teacher.attempts


async def test_a_dropped_connection_is_tried_again() -> None:
    """The server hangs up in the middle of a request."""

    async def hang_up(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    async with teacher_of(scripted(hang_up, web.json_response(RIGHT))) as teacher:
        assert isinstance(await teacher.ask(REQUEST), Sample)


async def test_what_fails_to_the_end_is_a_failure_with_its_attempts() -> None:
    """Never a silent gap."""
    async with teacher_of(scripted(refused(500, "server_error"))) as teacher:
        answer = await teacher.ask(REQUEST)
    assert isinstance(answer, Failure)
    assert ("clips/train/0/pot/0", 8) == (answer.sample_id, answer.attempts)
    assert "HTTP 500" in answer.error


async def test_a_bad_request_is_not_tried_again() -> None:
    """400 will be 400 tomorrow."""
    async with teacher_of(scripted(refused(400, "context_length_exceeded"))) as teacher:
        answer = await teacher.ask(REQUEST)
    assert isinstance(answer, Failure) and 1 == answer.attempts


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (refused(401, "invalid_api_key"), "refused the key"),
        (refused(404, "model_not_found"), "knows no model 'gpt-4o-mini'"),
        (refused(429, "insufficient_quota"), "account is exhausted"),
    ],
)
async def test_what_no_request_can_pass_ends_the_run(answer: web.Response, message: str) -> None:
    """One clear line, after one attempt."""
    async with teacher_of(scripted(answer)) as teacher:
        with pytest.raises(TeacherRefused, match=message):
            await teacher.ask(REQUEST)
    assert 1 == teacher.attempts


async def test_the_rehearsal_server_answers_through_its_faults() -> None:
    """A third of the requests fail on purpose; all samples arrive, each as its annotated solution says."""
    rationale = "48/2 = <<clips=48/2=24>>24 clips.\n#### 24"
    problem = Problem(
        problem_id="clips/train/0",
        question="How many clips?",
        answer="24",
        answer_kind="number",
        rationale=rationale,
        dataset="clips",
        split="train",
    )
    faulty = RehearsalConfig(mistakes=0, rate_limited=0.2, server_errors=0.2)
    app = server.application(server.rehearsal_answers([problem], 0, faulty), faulty)
    async with teacher_of(app, model="rehearsal") as teacher:
        answers = [await teacher.ask(Request.of("clips/train/0", "pot", draw, "How many clips?")) for draw in range(20)]
    assert ["clips = 48 / 2\nans = clips"] * 20 == [a.completion for a in answers if isinstance(a, Sample)]
    assert teacher.attempts > 20
