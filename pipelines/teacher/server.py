"""A local teacher: a real HTTP server that speaks the chat-completions protocol.

    POST /v1/chat/completions   {"model": "rehearsal", "messages": [...]}  + header X-Client-Request-Id
    GET  /v1/models

The sample is named by the request-id header (problem/thought/draw), so that the answer to a request never
depends on the order in which requests arrive. Token counts are estimates. Streaming is not spoken.
"""

import asyncio
import json
import random
import time
from collections.abc import Callable, Iterable

from aiohttp import web

from pipelines.config import RehearsalConfig
from pipelines.problems import Problem
from pipelines.teacher.completion import Completion
from pipelines.teacher.price import estimate_tokens
from pipelines.teacher.recorded import Recordings
from pipelines.teacher.rehearsal import complete
from pipelines.teacher.request import REQUEST_ID_HEADER, sample_key
from pipelines.thoughts import SAMPLED, asked

Answer = Callable[[str, str, int, str], Completion | None]
"""(problem id, thought, draw, question) -> the completion, or None where there is none."""


def rehearsal_answers(problems: Iterable[Problem], seed: int, config: RehearsalConfig) -> Answer:
    """Answers from the problems' annotated solutions."""
    rationales = {problem.problem_id: problem.rationale for problem in problems}

    def answer(problem_id: str, thought: str, draw: int, question: str) -> Completion | None:
        rationale = rationales.get(problem_id)
        if rationale is None:
            return None
        return complete(rationale, thought, f"{problem_id}/{thought}/{draw}", seed, config)

    return answer


def recorded_answers(recordings: Recordings) -> Answer:
    """Answers from recorded completions."""
    return recordings.find


def application(answer: Answer, config: RehearsalConfig, seed: int = 0) -> web.Application:
    """The server as an aiohttp application; ``config`` sets its latency and faults."""
    faults = random.Random(seed)

    async def chat(request: web.Request) -> web.Response:
        try:
            body = json.loads(await request.read())
            question = asked(next(m["content"] for m in reversed(body["messages"]) if m["role"] == "user"))
            problem_id, thought, draw = sample_key(request.headers[REQUEST_ID_HEADER])
            if thought not in SAMPLED:
                raise ValueError(thought)
        except (KeyError, ValueError, TypeError, StopIteration) as error:
            return _error(400, "invalid_request", f"expected messages and a header {REQUEST_ID_HEADER} ({error!r})")
        if config.latency_s:
            await asyncio.sleep(config.latency_s)
        chance = faults.random()
        if chance < config.rate_limited:
            return _error(429, "rate_limit_exceeded", "slow down", {"Retry-After": "0"})
        if chance < config.rate_limited + config.server_errors:
            return _error(500, "server_error", "a fault on purpose")
        completion = answer(problem_id, thought, draw, question)
        if completion is None:
            return _error(404, "no_completion", f"no completion for {problem_id}/{thought}/{draw}")
        prompt_tokens = sum(estimate_tokens(message["content"]) for message in body["messages"])
        return web.json_response(_response(completion, prompt_tokens, f"{problem_id}/{thought}/{draw}"))

    async def models(_request: web.Request) -> web.Response:
        names = [{"id": name, "object": "model"} for name in ("recorded", "rehearsal")]
        return web.json_response({"object": "list", "data": names})

    app = web.Application(client_max_size=16 * 2**20)
    app.router.add_post("/v1/chat/completions", chat)
    app.router.add_get("/v1/models", models)
    return app


async def serve(app: web.Application, host: str) -> tuple[web.AppRunner, str]:
    """Start serving on a free port of ``host``; returns the runner (to clean up) and the base URL."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, host, 0)
    await site.start()
    port = runner.addresses[0][1]
    return runner, f"http://{host}:{port}/v1"


def _response(completion: Completion, prompt_tokens: int, sample_id: str) -> dict[str, object]:
    completion_tokens = estimate_tokens(completion.text)
    return {
        "id": f"chatcmpl-{sample_id}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": completion.model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": completion.text},
                "finish_reason": completion.finish_reason,
            }
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"error": {"message": message, "code": code}}, status=status, headers=headers)
