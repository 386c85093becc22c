"""The Batch API: what a line says, what its answer means, and the local server that speaks it."""

import json
from typing import Any

import openai
import pytest

from pipelines.config import RehearsalConfig, SamplingConfig, TeacherConfig
from pipelines.teacher import Dialect, Exchange, Request, TeacherRefused, server
from pipelines.teacher.batch import PRICE_SHARE, as_line, read_line
from pipelines.teacher.completion import Completion
from pipelines.thoughts import load_prompt

REQUEST = Request(problem_id="clips/train/0", thought="pot", draw=2, draws=2, question="How many clips?")
PROMPT = load_prompt("pot", 1)
EXCHANGE = Exchange(TeacherConfig(model="gpt-4o-mini"), SamplingConfig(), {"pot": PROMPT}, PRICE_SHARE)


def choice(**message: Any) -> dict[str, Any]:
    return {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **message}}


def answered(*choices: dict[str, Any]) -> dict[str, Any]:
    body = {
        "id": "r1",
        "object": "chat.completion",
        "created": 1,
        "model": "m-2026",
        "choices": list(choices),
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100},
    }
    return {"custom_id": "clips/train/0/pot/2", "response": {"status_code": 200, "body": body}, "error": None}


def refused(status: int, code: str, param: str | None = None, message: str = "no") -> dict[str, Any]:
    error = {"message": message, "code": code, "param": param}
    return {"custom_id": "x", "response": {"status_code": status, "body": {"error": error}}, "error": None}


def test_a_line_is_named_by_its_first_sample_and_says_what_an_online_request_says() -> None:
    """custom_id, method, url, body; one line without line ends inside."""
    line = as_line(REQUEST, EXCHANGE, Dialect(limit="max_completion_tokens", temperature=False))
    expected = {
        "custom_id": "clips/train/0/pot/2",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {
            "model": "gpt-4o-mini",
            "messages": PROMPT.messages(REQUEST.question),
            "max_completion_tokens": 512,
            "n": 2,
            "stop": ["\nQuestion:", "\n\nQ:", "\nHuman:", "\n### Instruction"],
        },
    }
    assert (expected, 1) == (json.loads(line), line.count(b"\n"))


def test_each_choice_is_a_sample_at_half_the_price_and_thinking_stays_apart() -> None:
    """$0.15 and $0.60 a million, halved; tokens and cost stand in the first row."""
    line = answered(choice(content="ans = 1", reasoning_content="hm"), choice(content="<think>so</think>ans = 2"))
    samples = read_line(line, REQUEST, EXCHANGE, Dialect()).samples
    assert ["clips/train/0/pot/2", "clips/train/0/pot/3"] == [sample.sample_id for sample in samples]
    assert [("ans = 1", "hm"), ("ans = 2", "so")] == [(sample.completion, sample.reasoning) for sample in samples]
    assert [0.5 * (1000 * 0.15 + 100 * 0.60) / 1e6, 0.0] == pytest.approx([sample.cost_usd for sample in samples])
    assert [(1000, None), (0, None)] == [(sample.prompt_tokens, sample.latency_s) for sample in samples]


@pytest.mark.parametrize(
    ("line", "is_transient"),
    [
        ({"response": None, "error": {"code": "batch_expired", "message": "too late"}}, True),
        (refused(429, "rate_limit_exceeded"), True),
        (refused(500, "server_error"), True),
        (answered(), True),
        ({"response": {"status_code": 200, "body": None}}, True),
        (refused(400, "invalid_request"), False),
        ({"response": {"status_code": 400, "body": {"error": "bad"}}}, False),
        (refused(404, "no_completion"), False),
    ],
)
def test_what_passes_is_worth_another_round(line: dict[str, Any], is_transient: bool) -> None:
    """Expired, 429, 5xx and empty answers are; a request that the endpoint calls bad is not."""
    outcome = read_line(line, REQUEST, EXCHANGE, Dialect())
    assert ([], is_transient, True) == (outcome.samples, outcome.is_transient, bool(outcome.error))


def test_a_refused_field_teaches_the_dialect_and_is_asked_again() -> None:
    """HTTP 400 about temperature: the next round goes without."""
    message = "Unsupported value: 'temperature' does not support 0.7. Only the default (1) value is supported."
    line = refused(400, "unsupported_value", "temperature", message)
    outcome = read_line(line, REQUEST, EXCHANGE, Dialect())
    assert (True, Dialect(temperature=False)) == (outcome.is_transient, outcome.dialect)


@pytest.mark.parametrize(("status", "code"), [(401, "invalid_api_key"), (404, "x"), (429, "insufficient_quota")])
def test_a_wrong_key_or_model_or_an_exhausted_account_ends_the_run(status: int, code: str) -> None:
    """As online."""
    with pytest.raises(TeacherRefused):
        read_line(refused(status, code), REQUEST, EXCHANGE, Dialect())


def test_a_flagged_question_is_a_sample_that_says_so() -> None:
    """OpenRouter's 403 is about this question, not about the key."""
    error = {"code": 403, "message": "your input was flagged", "metadata": {"reasons": ["violence"]}}
    line = {"response": {"status_code": 403, "body": {"error": error}}}
    assert ["content_filter"] * 2 == [
        sample.finish_reason for sample in read_line(line, REQUEST, EXCHANGE, Dialect()).samples
    ]


async def test_the_local_server_lists_batches_newest_first_page_after_page() -> None:
    """The openai client walks through the pages; a file with an id twice is a failed batch."""
    app = server.application(lambda *asked: Completion("ans = 1", "stop", "rehearsal"), RehearsalConfig())
    runner, base_url = await server.serve(app, "127.0.0.1")
    line = as_line(REQUEST, EXCHANGE, Dialect())
    try:
        async with openai.AsyncOpenAI(base_url=base_url, api_key="key") as client:
            file = await client.files.create(file=("requests.jsonl", line + line), purpose="batch")
            made = [
                (
                    await client.batches.create(
                        input_file_id=file.id,
                        endpoint="/v1/chat/completions",
                        completion_window="24h",
                        metadata={"number": str(number)},
                    )
                ).id
                for number in range(5)
            ]
            listed = [batch async for batch in client.batches.list(limit=2)]
            assert (await client.files.content(file.id)).content == line + line
    finally:
        await runner.cleanup()
    assert made[::-1] == [batch.id for batch in listed]
    assert ["4", "3", "2", "1", "0"] == [(batch.metadata or {})["number"] for batch in listed]
    assert "failed" == listed[-1].status
