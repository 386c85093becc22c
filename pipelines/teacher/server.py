"""A local teacher: a real HTTP server that speaks the chat-completions protocol.

    POST /v1/chat/completions   {"model": "rehearsal", "messages": [...], "n": 4}
    GET  /v1/models
    GET  /counts                what it has seen: requests, refusals, faults, completions paid for twice
    POST /v1/files, /v1/batches the Batch API (``batch_server``)

The sample is named by the request-id header (problem/thought/draw), so that the answer to a request never
depends on the order in which requests arrive. Clients that do not send it get a chain of thought, another draw
each time they ask. Token counts are estimates. Streaming is not spoken.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from aiohttp import web

from pipelines.config import RehearsalConfig, RunConfig
from pipelines.problems import Problem
from pipelines.teacher.batch_server import BatchServer
from pipelines.teacher.behaviour import Behaviour
from pipelines.teacher.completion import Completion
from pipelines.teacher.recorded import Recordings, recorded_files
from pipelines.teacher.rehearsal import complete
from pipelines.teacher.request import REQUEST_ID_HEADER, sample_key
from pipelines.teacher.tokens import estimate_prompt, estimate_tokens
from pipelines.thoughts import SAMPLED, asked

Answer = Callable[[str, str, int, str], Completion | None]
"""(problem id, thought, draw, question) -> the completion, or None where there is none."""

_SILENCE_S = 3600.0
_NOT_UNDERSTOOD = (KeyError, ValueError, TypeError, StopIteration)


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """A request as the server understood it."""

    problem_id: str
    thought: str
    draw: int
    draws: int
    question: str
    prompt_tokens: int
    may_answer: int
    stop: tuple[str, ...]


def rehearsal_answers(problems: Iterable[Problem], seed: int, config: RehearsalConfig) -> Answer:
    """Answers from the problems' annotated solutions."""
    known = {problem.problem_id: problem for problem in problems}
    ids = {problem.question: problem.problem_id for problem in known.values()}

    def answer(problem_id: str, thought: str, draw: int, question: str) -> Completion | None:
        problem = known.get(problem_id or ids.get(question, ""))
        if problem is None or problem.rationale is None:
            return None
        return complete(problem.rationale, thought, f"{problem.problem_id}/{thought}/{draw}", seed, config)

    return answer


def local_answers(config: RunConfig, problems: Iterable[Problem]) -> Answer:
    """The answers of the configured local teacher.

    Raises:
        DataError: a recording is missing or malformed.
    """
    if config.teacher.kind == "rehearsal":
        return rehearsal_answers(problems, config.seed, config.teacher.rehearsal)
    return Recordings(recorded_files(config.teacher.recorded_path or [])).find


def application(answer: Answer, config: RehearsalConfig, seed: int = 0) -> web.Application:
    """The server as an aiohttp application; ``config`` sets its latency, quota and faults."""
    behaviour = Behaviour(config, seed)
    anonymous: Counter[str] = Counter()

    def understood(body: Any, sample: str | None) -> _Asked:
        question = asked(next(m["content"] for m in reversed(body["messages"]) if m["role"] == "user"))
        problem_id, thought, draw = sample_key(sample) if sample else ("", "cot", anonymous[question])
        n = int(body.get("n") or 1)
        anonymous[question] += 0 if sample else n
        if thought not in SAMPLED:
            raise ValueError(thought)
        return _Asked(
            problem_id=problem_id,
            thought=thought,
            draw=draw,
            draws=n,
            question=question,
            prompt_tokens=estimate_prompt(message["content"] for message in body["messages"]),
            may_answer=int(body.get("max_completion_tokens") or body.get("max_tokens") or 0),
            stop=_stop_strings(body.get("stop")),
        )

    def answered(one: _Asked) -> tuple[int, dict[str, Any]]:
        found = [answer(one.problem_id, one.thought, one.draw + turn, one.question) for turn in range(one.draws)]
        completions = [_stopped(completion, one.stop) for completion in found if completion is not None]
        sample_id = f"{one.problem_id or one.question[:40]}/{one.thought}/{one.draw}"
        if not completions:
            return 404, _problem("no_completion", f"no completion for {sample_id}")
        counts = behaviour.counts
        counts.answered += 1
        counts.answers.update(f"{sample_id}+{turn}" for turn in range(len(completions)))
        response = chat_completion(completions, one.prompt_tokens, sample_id)
        counts.prompt_tokens += one.prompt_tokens
        counts.completion_tokens += response["usage"]["completion_tokens"]
        return 200, response

    async def chat(request: web.Request) -> web.StreamResponse:
        try:
            one = understood(json.loads(await request.read()), request.headers.get(REQUEST_ID_HEADER))
        except _NOT_UNDERSTOOD as error:
            return _error(400, "invalid_request", f"expected messages ending with a question ({error!r})")
        if not behaviour.admits(one.prompt_tokens + one.draws * one.may_answer):
            return _error(429, "rate_limit_exceeded", "above the quota", {"Retry-After": "1"})
        async with behaviour.served():
            fault = behaviour.fault()
        if fault is not None:  # a silent one takes no slot and is not at work
            return await _faulty(fault, request)
        status, response = answered(one)
        return web.json_response(response, status=status)

    async def batched(body: dict[str, Any], custom_id: str) -> tuple[int, dict[str, Any]]:
        try:
            one = understood(body, quote(custom_id))
        except _NOT_UNDERSTOOD as error:
            return 400, _problem("invalid_request", f"expected messages ending with a question ({error!r})")
        async with behaviour.served():
            fault = behaviour.fault()
            if fault == "rate_limited":
                return 429, _problem("rate_limit_exceeded", "slow down")
            if fault is not None:  # a batch has no connection to drop and no answer to tear
                return 500, _problem("server_error", "a fault on purpose")
            return answered(one)

    async def models(_request: web.Request) -> web.Response:
        names = [{"id": name, "object": "model"} for name in ("recorded", "rehearsal")]
        return web.json_response({"object": "list", "data": names})

    async def counts(_request: web.Request) -> web.Response:
        return web.json_response(behaviour.counts.summary())

    app = web.Application(client_max_size=256 * 2**20)
    app.router.add_post("/v1/chat/completions", chat)
    app.router.add_get("/v1/models", models)
    app.router.add_get("/counts", counts)
    BatchServer(batched, behaviour.counts).add_routes(app)
    return app


async def serve(app: web.Application, host: str, port: int = 0) -> tuple[web.AppRunner, str]:
    """Start serving (port 0: a free one); returns the runner (to clean up) and the base URL."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, host, port, backlog=4096)
    await site.start()
    port = runner.addresses[0][1]
    return runner, f"http://{host}:{port}/v1"


def chat_completion(completions: list[Completion], prompt_tokens: int, sample_id: str) -> dict[str, Any]:
    """The protocol's response with one choice each."""
    completion_tokens = sum(estimate_tokens(completion.text) for completion in completions)
    return {
        "id": f"chatcmpl-{sample_id}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": completions[0].model,
        "choices": [
            {
                "index": index,
                "message": {"role": "assistant", "content": completion.text},
                "finish_reason": completion.finish_reason,
            }
            for index, completion in enumerate(completions)
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }


def _stop_strings(stop: object) -> tuple[str, ...]:
    """A request's ``stop``: null, one string or up to four.

    Raises:
        ValueError: it is something else.
    """
    strings = [stop] if isinstance(stop, str) else stop or []
    if not isinstance(strings, list) or len(strings) > 4 or not all(isinstance(one, str) and one for one in strings):
        raise ValueError("stop: expected a string or at most four")
    return tuple(strings)


def _stopped(completion: Completion, stop: tuple[str, ...]) -> Completion:
    """The completion up to the first stop string."""
    ends = [end for end in (completion.text.find(one) for one in stop) if end >= 0]
    return replace(completion, text=completion.text[: min(ends)], finish_reason="stop") if ends else completion


async def _faulty(fault: str, request: web.Request) -> web.StreamResponse:
    """One of the faults that real endpoints show."""
    if fault == "rate_limited":
        return _error(429, "rate_limit_exceeded", "slow down", {"Retry-After": "0"})
    if fault == "server_error":
        return _error(500, "server_error", "a fault on purpose")
    if fault == "no_choices":
        return web.json_response({**chat_completion([Completion("", "stop", "")], 1, ""), "choices": []})
    if fault == "broken_json":
        return web.Response(text='{"id": "chatcmpl-', content_type="application/json")
    if fault == "silent":
        await asyncio.sleep(_SILENCE_S)
    if request.transport is not None:
        request.transport.close()
    return web.Response()


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response(_problem(code, message), status=status, headers=headers)


def _problem(code: str, message: str) -> dict[str, Any]:
    return {"error": {"message": message, "code": code}}
