"""The client against real HTTP servers on this machine: what is retried, what is kept, what ends the run."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from tenacity import wait_none

from pipelines.config import RehearsalConfig, SamplingConfig, TeacherConfig
from pipelines.problems import Problem
from pipelines.teacher import Failure, Limits, OpenGate, Request, Sample, Teacher, TeacherRefused, client, server
from pipelines.teacher.price import Price, price_of
from pipelines.thoughts import load_prompt


class CountingGate(OpenGate):
    """A gate that is always open and remembers what was said at it."""

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.retries: list[bool] = []
        self.pauses: list[float] = []
        self.limits: list[Limits] = []

    @property
    def turns(self) -> int:
        return len(self.tokens)

    def turn(self, tokens: int, cost_usd: float, is_retry: bool) -> AbstractAsyncContextManager[None]:
        self.tokens.append(tokens)
        self.retries.append(is_retry)
        return nullcontext()

    def slow_down(self, pause_s: float) -> None:
        self.pauses.append(pause_s)

    def obey(self, limits: Limits) -> None:
        self.limits.append(limits)


Handler = Callable[[web.Request], Coroutine[Any, Any, web.Response]]
REQUEST = Request(problem_id="clips/train/0", thought="pot", draw=0, question="How many clips?")
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
        [sample] = await teacher.ask(REQUEST, OpenGate())
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
        await teacher.ask(REQUEST, OpenGate())
    expected = {"model": "gpt-4o-mini", "temperature": 0.7, "max_tokens": 512, "top_k": 5, "id": "clips/train/0/pot/0"}
    assert expected == {name: seen[name] for name in expected}
    assert "Question: How many clips?" == seen["messages"][-1]["content"]


def test_the_users_price_counts_before_the_tables() -> None:
    """Dollars per million tokens: input, cached input, output."""
    config = TeacherConfig(model="gpt-4o-mini", price=(1.0, 0.5, 2.0))
    assert Price(1.0, 0.5, 2.0) == price_of(config)
    assert price_of(TeacherConfig(model="mystery")) is None


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": 5, "total_tokens": 5}, {"prompt_tokens": None}])
async def test_an_answer_that_counts_no_tokens_is_paid_at_its_worst_case(usage: Any) -> None:
    """A budget must not stand still; the tokens stay unknown."""
    async with teacher_of(scripted(web.json_response({**RIGHT, "usage": usage}))) as teacher:
        [sample] = await teacher.ask(REQUEST, OpenGate())
        worst = teacher._exchange.at_most(REQUEST, 1)[1]
    assert isinstance(sample, Sample)
    assert (None, None, worst) == (sample.prompt_tokens, sample.completion_tokens, sample.cost_usd)
    assert worst > 512 * 0.60e-6


async def test_an_unknown_price_is_null_and_never_zero() -> None:
    """A model that the table does not know."""
    async with teacher_of(scripted(web.json_response(RIGHT)), model="mystery") as teacher:
        [sample] = await teacher.ask(REQUEST, OpenGate())
    assert isinstance(sample, Sample) and sample.cost_usd is None


@pytest.mark.parametrize(
    "fault",
    [
        refused(429, "rate_limit_exceeded"),
        refused(500, "server_error"),
        refused(408, "timeout"),
        web.json_response({**RIGHT, "choices": []}),
        web.Response(text="{broken", content_type="application/json"),
        web.Response(body=b'{"id": "caf\xe9"}', content_type="application/json"),
        web.json_response({**RIGHT, "choices": [{"index": 0, "message": None}]}),
        web.json_response({**RIGHT, "choices": ["ans = 1"]}),
        web.json_response({"error": {"message": "overloaded"}}),
    ],
    ids=["429", "500", "408", "no choices", "broken JSON", "no UTF-8", "no message", "no choice", "an error with 200"],
)
async def test_a_passing_fault_is_tried_again(fault: web.Response) -> None:
    """Two faults, then an answer."""
    async with teacher_of(scripted(fault, fault, web.json_response(RIGHT))) as teacher:
        answers = await teacher.ask(replace(REQUEST, draws=2), gate := CountingGate())
    assert isinstance(answers[0], Sample)
    assert 3 == gate.turns


async def test_a_choice_that_cannot_be_read_costs_no_other() -> None:
    """What was paid and can be read is kept; whoever asks sees what is left."""
    half = {**RIGHT, "choices": [*RIGHT["choices"], {"index": 1, "message": None}]}
    async with teacher_of(scripted(web.json_response(half))) as teacher:
        [answer] = await teacher.ask(replace(REQUEST, draws=2), gate := CountingGate())
    assert isinstance(answer, Sample)
    assert 1 == gate.turns


async def test_a_dropped_connection_is_tried_again() -> None:
    """The server hangs up in the middle of a request."""

    async def hang_up(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    async with teacher_of(scripted(hang_up, web.json_response(RIGHT))) as teacher:
        assert isinstance((await teacher.ask(REQUEST, OpenGate()))[0], Sample)


class WaitingGate(CountingGate):
    """A gate whose attempts do not count while nothing is reachable; the port opens at the tenth."""

    def __init__(self, opens: Callable[[], None]) -> None:
        super().__init__()
        self.away = 0
        self._opens = opens

    async def unreachable(self, said: str, was_sent: bool) -> bool:
        self.away += 1
        if self.away == 10:
            self._opens()
        return True


async def test_attempts_without_a_listener_are_not_counted() -> None:
    """More of them than attempts; then the endpoint is back, and the sample comes."""
    async with teacher_of(scripted(web.json_response(RIGHT))) as teacher:
        there = teacher._client.base_url
        teacher._client.base_url = "http://127.0.0.1:9/v1"
        gate = WaitingGate(lambda: setattr(teacher._client, "base_url", there))
        [answer] = await teacher.ask(REQUEST, gate)
    assert isinstance(answer, Sample)
    assert (10, 11) == (gate.away, gate.turns)


async def test_a_loopback_endpoint_is_asked_without_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens at the proxy."""
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    async with teacher_of(scripted(web.json_response(RIGHT))) as teacher:
        assert isinstance((await teacher.ask(REQUEST, OpenGate()))[0], Sample)


@pytest.mark.parametrize(
    ("timeout_s", "slowest_s", "timeouts", "expected"),
    [(None, None, 0, 600), (None, 1.0, 0, 60), (None, 50.0, 0, 200), (None, 1.0, 2, 240), (20.0, 50.0, 2, 20)],
)
async def test_a_timeout_is_learned_where_none_is_configured(
    timeout_s: float | None, slowest_s: float | None, timeouts: int, expected: float
) -> None:
    """Seconds; a configured one is kept."""
    config = TeacherConfig(model="m", timeout_s=timeout_s)
    teacher = Teacher(config, SamplingConfig(), {}, "http://127.0.0.1:9/v1", "key", slowest_s=slowest_s)
    assert expected == teacher._may_take_s(timeouts)
    await teacher.aclose()


async def test_what_fails_to_the_end_is_a_failure_with_its_attempts() -> None:
    """Never a silent gap."""
    async with teacher_of(scripted(refused(500, "server_error"))) as teacher:
        [answer] = await teacher.ask(REQUEST, OpenGate())
    assert isinstance(answer, Failure)
    assert ("clips/train/0/pot/0", 8) == (answer.sample_id, answer.attempts)
    assert "HTTP 500" in answer.error


async def test_a_closed_port_is_not_called_a_timeout() -> None:
    """The failure says what happened to the connection, and where."""
    async with teacher_of(scripted(web.json_response(RIGHT))) as teacher:
        teacher._client.base_url = "http://127.0.0.1:9/v1"
        [answer] = await teacher.ask(REQUEST, OpenGate())
    assert isinstance(answer, Failure)
    assert "ConnectionRefusedError" in answer.error and "127.0.0.1" in answer.error


async def test_a_bad_request_is_not_tried_again() -> None:
    """400 will be 400 tomorrow."""
    async with teacher_of(scripted(refused(400, "context_length_exceeded"))) as teacher:
        [answer] = await teacher.ask(REQUEST, OpenGate())
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
            await teacher.ask(REQUEST, gate := CountingGate())
    assert 1 == gate.turns


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
    faulty = RehearsalConfig(
        mistakes=0, faults=0.4, fault_kinds=["rate_limited", "server_error", "broken_json", "no_choices", "dropped"]
    )
    app = server.application(server.rehearsal_answers([problem], 0, faulty), faulty)
    gate = CountingGate()
    async with teacher_of(app, model="rehearsal") as teacher:
        answers = [(await teacher.ask(replace(REQUEST, draw=draw), gate))[0] for draw in range(20)]
    assert ["clips = 48 / 2\nans = clips"] * 20 == [a.completion for a in answers if isinstance(a, Sample)]
    assert gate.turns > 20


SEVERAL = replace(REQUEST, draws=3)


def several(*texts: str) -> dict[str, Any]:
    return {
        **RIGHT,
        "choices": [
            {"index": index, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
            for index, text in enumerate(texts)
        ],
    }


async def test_several_draws_travel_as_one_request_whose_cost_stands_in_the_first_row() -> None:
    """n = 3."""
    async with teacher_of(scripted(web.json_response(several("a", "b", "c")))) as teacher:
        samples = await teacher.ask(SEVERAL, OpenGate())
    assert [("clips/train/0/pot/0", "a", 1000), ("clips/train/0/pot/1", "b", 0), ("clips/train/0/pot/2", "c", 0)] == [
        (s.sample_id, s.completion, s.prompt_tokens) for s in samples if isinstance(s, Sample)
    ]
    assert pytest.approx(1000 * 0.15e-6 + 100 * 0.60e-6) == sum(s.cost_usd for s in samples if isinstance(s, Sample))


async def test_an_endpoint_that_ignores_n_is_not_asked_for_several_again() -> None:
    """One choice came back for three: the caller asks for the rest, and n is not sent any more."""
    bodies: list[dict[str, Any]] = []

    async def look(request: web.Request) -> web.Response:
        bodies.append(await request.json())
        return web.json_response(RIGHT)

    async with teacher_of(scripted(look)) as teacher:
        assert 1 == len(await teacher.ask(SEVERAL, OpenGate()))
        assert 1 == len(await teacher.ask(SEVERAL, OpenGate()))
    assert [3, None] == [body.get("n") for body in bodies]


@pytest.mark.parametrize(
    ("param", "message", "without", "instead"),
    [
        (
            "max_tokens",
            "'max_tokens' is not supported. Use 'max_completion_tokens'.",
            "max_tokens",
            "max_completion_tokens",
        ),
        ("temperature", "'temperature' does not support 0.7 with this model.", "temperature", "max_tokens"),
        (None, "invalid temperature: only 1 is allowed for this model", "temperature", "max_tokens"),
        (None, "`temperature` may only be set to 1 when thinking is enabled", "temperature", "max_tokens"),
        ("n", "n must be 1", "n", "max_tokens"),
        (None, "`n` is not supported by this model", "n", "max_tokens"),
    ],
)
async def test_what_an_endpoint_does_not_take_it_is_asked_once(
    param: str | None, message: str, without: str, instead: str
) -> None:
    """The refusal teaches the dialect; later requests have it from the start."""
    bodies: list[dict[str, Any]] = []

    async def picky(request: web.Request) -> web.Response:
        body = await request.json()
        bodies.append(body)
        if without in body:
            return web.json_response({"error": {"message": message, "code": "unsupported", "param": param}}, status=400)
        return web.json_response(RIGHT)

    async with teacher_of(scripted(picky)) as teacher:
        for _ in range(2):
            assert isinstance((await teacher.ask(SEVERAL, OpenGate()))[0], Sample)
    assert [True, False, False] == [without in body for body in bodies]
    assert all(instead in body for body in bodies[1:])


async def test_a_temperature_out_of_range_is_no_dialect() -> None:
    """Without it the endpoint would answer, and not as the run's records say."""
    message = "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 2.5 instead."
    error = {"message": message, "code": "decimal_above_max_value", "param": "temperature"}
    async with teacher_of(scripted(web.json_response({"error": error}, status=400))) as teacher:
        [answer] = await teacher.ask(REQUEST, OpenGate())
    assert isinstance(answer, Failure) and "Expected a value <= 2" in answer.error
    assert "" == str(teacher.dialect)


@pytest.mark.parametrize(
    ("message", "finish_reason", "completion", "reasoning"),
    [
        ({"content": "ans = 1", "reasoning_content": "Let me see."}, "stop", "ans = 1", "Let me see."),
        ({"content": "<think>\nLet me see.\n</think>\n\nans = 1"}, "stop", "ans = 1", "Let me see."),
        ({"content": "Let me see.\n</think>\nans = 1"}, "stop", "ans = 1", "Let me see."),
        ({"content": "<think>\nLet me"}, "length", "", "Let me"),
        ({"content": "ans = 1"}, "stop", "ans = 1", None),
        (
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "Let me see."}]},
                    {"type": "text", "text": "ans = 1"},
                ]
            },
            "stop",
            "ans = 1",
            "Let me see.",
        ),
        ({"content": "ans = 1", "reasoning": {"effort": "low"}}, "stop", "ans = 1", None),
        ({"content": None, "refusal": "I will not."}, "refusal", "I will not.", None),
    ],
    ids=["own field", "tags", "no opening tag", "cut while thinking", "none", "parts", "no text", "refusal"],
)
async def test_hidden_thinking_is_kept_apart(
    message: dict[str, Any], finish_reason: str, completion: str, reasoning: str | None
) -> None:
    """As DeepSeek, vLLM, Mistral and others send it."""
    choice = {"index": 0, "finish_reason": finish_reason, "message": {"role": "assistant", **message}}
    async with teacher_of(scripted(web.json_response({**RIGHT, "choices": [choice]}))) as teacher:
        [sample] = await teacher.ask(REQUEST, OpenGate())
    assert isinstance(sample, Sample)
    assert (completion, reasoning, finish_reason) == (sample.completion, sample.reasoning, sample.finish_reason)


FLAGGED = {"code": 403, "message": "your input was flagged", "metadata": {"reasons": ["violence"]}}


@pytest.mark.parametrize(
    "refusal",
    [refused(400, "content_filter"), web.json_response({"error": FLAGGED}, status=403)],
    ids=["Azure", "OpenRouter"],
)
async def test_what_a_content_filter_refuses_is_a_sample_that_says_so(refusal: web.Response) -> None:
    """Never tried again, never a failure, and no wrong key."""
    async with teacher_of(scripted(refusal)) as teacher:
        [sample] = await teacher.ask(REQUEST, gate := CountingGate())
    assert isinstance(sample, Sample) and ("", "content_filter") == (sample.completion, sample.finish_reason)
    assert 1 == gate.turns


async def test_every_attempt_asks_for_a_turn_and_says_what_it_may_use() -> None:
    """Prompt and max_tokens of each draw; a retry says that it is one."""
    gate = CountingGate()
    async with teacher_of(scripted(refused(500, "server_error"), web.json_response(several("a", "b", "c")))) as teacher:
        await teacher.ask(SEVERAL, gate)
    assert [False, True] == gate.retries
    assert all(3 * 512 < tokens < 3 * 512 + 600 for tokens in gate.tokens)


async def test_a_429_and_the_limits_in_headers_reach_the_gate() -> None:
    """Retry-After and x-ratelimit."""
    headers = {"Retry-After": "0.01", "x-ratelimit-limit-requests": "500"}
    too_fast = web.json_response({"error": {"message": "slow", "code": "rate_limit"}}, status=429, headers=headers)
    async with teacher_of(scripted(too_fast, web.json_response(RIGHT))) as teacher:
        await teacher.ask(REQUEST, gate := CountingGate())
    assert [0.01] == gate.pauses
    assert 500 in [limits.requests for limits in gate.limits]
