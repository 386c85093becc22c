"""What endpoints reply, as reported and with their neighbours: a local server gives each case's replies in order.

    {"name": ..., "replies": [{"status": 429, "headers": {...}, "body": ...}, ...], "draws": 1, "expected": {...}}

``expected`` names only what the case is about; the price is 1, 0.5 and 2 dollars per million tokens.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError
from tenacity import wait_none

from pipelines.config import SamplingConfig, TeacherConfig
from pipelines.solvers import Sandbox
from pipelines.teacher import Failure, Limits, OpenGate, Quota, Request, Sample, Teacher, TeacherRefused, client, server
from pipelines.teacher.completion import Completion
from pipelines.thoughts import THOUGHTS, judge, load_prompt

CASES = Path(__file__).parents[2] / "cases"
REQUEST = Request(problem_id="clips/train/0", thought="cot", draw=0, question="How many clips?")
RIGHT = {"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "15"}}]}


def cases(name: str) -> list[Any]:
    lines = (CASES / name).read_text(encoding="utf-8").splitlines()
    return [pytest.param(case, id=case["name"]) for case in map(json.loads, lines)]


class HeardGate(OpenGate):
    """An open gate that remembers the pauses it heard."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    def slow_down(self, pause_s: float) -> None:
        self.pauses.append(pause_s)


@asynccontextmanager
async def endpoint(replies: list[dict[str, Any]], bodies: list[dict[str, Any]]) -> AsyncIterator[str]:
    """A server that gives the replies in order, the last one again and again; ``bodies`` takes what it was sent."""

    async def reply(request: web.Request) -> web.Response:
        now = replies[min(len(bodies), len(replies) - 1)]
        bodies.append(await request.json())
        body, kind = now["body"], now.get("content_type", "application/json")
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(text=text, status=now["status"], content_type=kind, headers=now.get("headers"))

    app = web.Application()
    app.router.add_post("/v1/chat/completions", reply)
    runner, base_url = await server.serve(app, "127.0.0.1")
    try:
        yield base_url
    finally:
        await runner.cleanup()


def teacher_at(base_url: str, **fields: Any) -> Teacher:
    config = TeacherConfig(model="m", price=(1.0, 0.5, 2.0), **fields)
    return Teacher(config, SamplingConfig(), {"cot": load_prompt("cot", 1)}, base_url, "key")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other at once."""
    monkeypatch.setattr(client, "_wait", wait_none())


async def happened(case: dict[str, Any]) -> dict[str, Any]:
    """All that a case may expect."""
    bodies: list[dict[str, Any]] = []
    gate = HeardGate()
    outcome: dict[str, Any] = {}
    async with endpoint(case["replies"], bodies) as base_url:
        try:
            teacher = teacher_at(base_url, **case.get("teacher", {}))
        except ValidationError as error:
            return {"config_error": str(error), "requests": len(bodies)}
        request = Request(**{**vars(REQUEST), "draws": case["draws"]})
        try:
            answers = await teacher.ask(request, gate)
        except TeacherRefused as error:
            outcome["stops"] = str(error)
        else:
            outcome |= of_answers(answers, teacher._exchange.at_most(request, 1)[1])
        await teacher.aclose()
    return {**outcome, "requests": len(bodies), "pauses": gate.pauses, "dialect": str(teacher.dialect)}


def of_answers(answers: list[Sample] | list[Failure], worst_usd: float) -> dict[str, Any]:
    first = answers[0]
    if isinstance(first, Failure):
        return {"fails": first.error, "failure_usd": pytest.approx(first.cost_usd)}
    reason = first.finish_reason or "stop"
    verdict = judge(THOUGHTS["cot"], first.completion, reason, None, "number", Sandbox(5, 512))
    shown = {name: value for name, value in vars(first).items() if name != "cost_usd"}
    return {
        **shown,
        "cost_usd": pytest.approx(first.cost_usd),
        "status": verdict.status,
        "worst_case": first.cost_usd == worst_usd,
        "completions": [answer.completion for answer in answers if isinstance(answer, Sample)],
    }


@pytest.mark.parametrize("case", cases("teacher_replies.jsonl"))
async def test_a_reply_is_read_as_expected(case: dict[str, Any]) -> None:
    """Words of a refusal or failure are looked for in its line, which has no line end."""
    got = await happened(case)
    for name, expected in case["expected"].items():
        if name in ("stops", "fails", "config_error"):
            assert expected in got[name]
            assert name == "config_error" or "\n" not in got[name]
        else:
            assert {name: expected} == {name: got[name]}


@pytest.mark.parametrize("case", cases("quota_headers.jsonl"))
def test_headers_slow_down_and_never_switch_the_users_quota_off(case: dict[str, Any]) -> None:
    """Grants of 600 tokens within ten seconds of the headers."""
    quota = Quota(case["requests_per_minute"], None)
    quota.grant([600], now=0.0)
    quota.obey(Limits.of(case["headers"]), now=0.0)
    now, granted = 0.0, 0
    while now < 10:
        grant = quota.grant([600], now)
        granted += len(grant.delays_s)
        now += 0.05 + grant.retry_s
    assert abs(granted - case["grants"]) <= 1


async def test_the_same_refusal_of_several_requests_ends_the_run() -> None:
    """Five requests in a row with the same words, numbers apart, and no success: the sixth is not sent."""
    bodies: list[dict[str, Any]] = []
    replies = [{"status": 400, "body": {"error": {"message": f"request {n}: no such thing"}}} for n in range(9)]
    async with endpoint(replies, bodies) as base_url:
        teacher = teacher_at(base_url)
        for _ in range(4):
            assert isinstance((await teacher.ask(REQUEST, OpenGate()))[0], Failure)
        with pytest.raises(TeacherRefused, match="request 4: no such thing") as refused:
            await teacher.ask(REQUEST, OpenGate())
        await teacher.aclose()
    assert (2, 5) == (refused.value.exit_code, len(bodies))


@pytest.mark.parametrize("success_at", [0, 2])
async def test_a_refusal_does_not_end_a_run_that_succeeds(success_at: int) -> None:
    """One answer among nine refusals shows that the endpoint takes requests."""
    bodies: list[dict[str, Any]] = []
    replies = [{"status": 400, "body": {"error": {"message": "no such thing"}}} for _ in range(10)]
    replies[success_at] = {"status": 200, "body": RIGHT}
    async with endpoint(replies, bodies) as base_url:
        teacher = teacher_at(base_url)
        answers = [(await teacher.ask(REQUEST, OpenGate()))[0] for _ in range(10)]
        await teacher.aclose()
    assert 9 == sum(isinstance(answer, Failure) for answer in answers)


async def test_what_unusable_answers_cost_is_part_of_the_sample_and_of_the_next_attempts_reservation() -> None:
    """Two empty answers of $0.00012 each before one that counts."""
    reserved: list[float] = []

    class Gate(OpenGate):
        def turn(self, tokens: int, cost_usd: float, is_retry: bool) -> Any:
            reserved.append(cost_usd)
            return super().turn(tokens, cost_usd, is_retry)

    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    empty = {"choices": [{"index": 0, "finish_reason": "stop", "message": {"content": ""}}], "usage": usage}
    replies = [{"status": 200, "body": body} for body in (empty, empty, {**RIGHT, "usage": usage})]
    async with endpoint(replies, []) as base_url:
        teacher = teacher_at(base_url)
        [sample] = await teacher.ask(REQUEST, Gate())
        await teacher.aclose()
    assert isinstance(sample, Sample) and pytest.approx(3 * 0.00012) == sample.cost_usd
    assert reserved[1] - reserved[0] == pytest.approx(0.00012, rel=0.2)
    assert reserved[2] > reserved[1]


async def test_a_stop_before_the_next_attempt_loses_no_cost() -> None:
    """The gate closes after an empty answer: a failure bears what it cost."""

    class Closing(OpenGate):
        def turn(self, tokens: int, cost_usd: float, is_retry: bool) -> Any:
            if is_retry:
                raise RuntimeError("the budget is reached")
            return super().turn(tokens, cost_usd, is_retry)

    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    empty = {"choices": [{"index": 0, "finish_reason": "stop", "message": {"content": ""}}], "usage": usage}
    async with endpoint([{"status": 200, "body": empty}], []) as base_url:
        teacher = teacher_at(base_url)
        [failure] = await teacher.ask(REQUEST, Closing())
        await teacher.aclose()
    assert isinstance(failure, Failure) and pytest.approx(0.00012) == failure.cost_usd


async def test_stop_strings_travel_with_the_request() -> None:
    """Four by default."""
    bodies: list[dict[str, Any]] = []
    async with endpoint([{"status": 200, "body": RIGHT}], bodies) as base_url:
        teacher = teacher_at(base_url)
        await teacher.ask(REQUEST, OpenGate())
        await teacher.aclose()
    assert ["\nQuestion:", "\n\nQ:", "\nHuman:", "\n### Instruction"] == bodies[0]["stop"]


@pytest.mark.parametrize(
    ("text", "stop", "expected"),
    [
        ("15.\nQuestion: next", ["\nQuestion:"], "15."),
        ("15.\nHuman: a\nQuestion: b", ["\nQuestion:", "\nHuman:"], "15."),
        ("15.", ["\nQuestion:"], "15."),
        ("15.\nQuestion: next", [], "15.\nQuestion: next"),
    ],
)
def test_a_local_teacher_ends_a_completion_before_the_first_stop_string(
    text: str, stop: list[str], expected: str
) -> None:
    """The string itself is not part of it."""
    cut = server._stopped(Completion(text, "length", "m"), server._stop_strings(stop))
    assert (expected, "length" if expected == text else "stop") == (cut.text, cut.finish_reason)
