"""The budget against the usage shapes of gateways: a server that counts what it charges, the ledger without Ray."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from pipelines.config import RunConfig
from pipelines.teacher import Request, Teacher, server
from pipelines.thoughts import load_prompt
from ray_jobs.ledger import Ledger
from ray_jobs.sampler import LedgerGate, RunHasStopped, as_row

IN_FLIGHT, BUDGET_USD = 4, 0.05
CHARGED_USD = 0.00412  # 100 tokens of prompt and 2,010 of completion at 1 and 2 dollars per million
SHAPES = {
    "OpenAI": {"prompt_tokens": 100, "completion_tokens": 2010, "total_tokens": 2110},
    "Gemini": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 2110},
    "beside": {
        "prompt_tokens": 100,
        "completion_tokens": 10,
        "total_tokens": 110,
        "completion_tokens_details": {"reasoning_tokens": 2000},
    },
    "Anthropic": {"input_tokens": 100, "output_tokens": 2010, "cache_read_input_tokens": 0},
    "DeepSeek": {
        "prompt_tokens": 100,
        "completion_tokens": 2010,
        "total_tokens": 2110,
        "prompt_cache_hit_tokens": 0,
        "prompt_cache_miss_tokens": 100,
    },
}


class _Handle:
    """The ledger as an actor's handle."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def __getattr__(self, name: str) -> Any:
        class Method:
            remote = staticmethod(getattr(self._ledger, name))

        return Method


@pytest.mark.parametrize("usage", SHAPES.values(), ids=SHAPES)
async def test_what_is_charged_exceeds_the_budget_at_most_by_the_requests_in_flight(
    tmp_path: Path, usage: dict[str, Any]
) -> None:
    """Sixty requests of $0.00412 each, of which $0.05 pay for twelve; four are in flight at once."""
    charged: list[float] = []

    async def reply(_request: web.Request) -> web.Response:
        charged.append(CHARGED_USD)
        message = {"role": "assistant", "content": "The answer is 5."}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        return web.json_response({"choices": [choice], "usage": usage})

    app = web.Application()
    app.router.add_post("/v1/chat/completions", reply)
    runner, base_url = await server.serve(app, "127.0.0.1")
    fields = {"model": "m", "price": [1.0, 0.5, 2.0], "budget_usd": BUDGET_USD, "max_in_flight": IN_FLIGHT}
    config = RunConfig.model_validate({"run_dir": str(tmp_path), "teacher": fields})
    gate = LedgerGate(_Handle(ledger := Ledger(config, spent_usd=0.0, driver_pid=os.getpid())))
    teacher = Teacher(config.teacher, config.sampling, {"cot": load_prompt("cot", 1)}, base_url, "key")

    async def ask(number: int) -> None:
        request = Request(problem_id=f"p/{number}", thought="cot", draw=0, question="How many?")
        try:
            gate.record([as_row(answer, request) for answer in await teacher.ask(request, gate)])
        except RunHasStopped:
            return

    await asyncio.gather(*(ask(number) for number in range(60)))
    await gate.reported()
    await teacher.aclose()
    await runner.cleanup()
    status = await ledger.status()
    assert "is reached" in status.stopped
    assert pytest.approx(sum(charged)) == status.spent_usd
    assert BUDGET_USD - 2 * CHARGED_USD <= sum(charged) <= BUDGET_USD + IN_FLIGHT * CHARGED_USD
