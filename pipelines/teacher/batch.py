"""The Batch API of an endpoint: files of requests, answered within a day at half the price.

    {"custom_id": "gsm8k/train/12/pot/0", "method": "POST", "url": "/v1/chat/completions", "body": {...}}
    {"custom_id": "gsm8k/train/12/pot/0", "response": {"status_code": 200, "body": {...}}, "error": null}

A batch carries our key in its metadata, by which it is found again where its id was lost. Only what is harmless
to repeat is repeated here; making a batch is not. When batches are made, and what becomes of them, is the caller's
affair (``ray_jobs.batch``).
"""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import openai
from openai.types import Batch
from openai.types.chat import ChatCompletion

from pipelines.teacher.dialect import Dialect
from pipelines.teacher.error_reply import ErrorReply
from pipelines.teacher.exchange import Exchange, TeacherRefused, UnreadableAnswerError
from pipelines.teacher.request import Request, Sample

MOST_REQUESTS, MOST_BYTES = 50_000, 200_000_000
"""Of one batch (OpenAI, Batch API guide)."""

PRICE_SHARE = 0.5
"""What a batch costs of the listed price (OpenAI, Batch API guide)."""

_KEY = "thought_distill_key"
_CHAT: Literal["/v1/chat/completions"] = "/v1/chat/completions"
_TIMEOUT_S = 600.0  # a file of 200 MB has to pass
_REPEATS = 5  # by the client, of what is harmless to repeat
_CLOCKS_DIFFER_S = 86_400


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one line of a batch came to: samples, or an error that may be worth another attempt."""

    samples: list[Sample] = field(default_factory=list)
    error: str = ""
    is_transient: bool = False
    dialect: Dialect | None = None  # what its refusal teaches


class BatchApi:
    """The batches of one account.

    Methods raise ``openai.APIError`` where the endpoint refuses or cannot be reached.
    """

    def __init__(self, base_url: str | None, api_key: str) -> None:
        """``base_url`` None: OpenAI's own."""
        self._client = openai.OpenAI(base_url=base_url, api_key=api_key, timeout=_TIMEOUT_S, max_retries=_REPEATS)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def upload(self, lines: bytes) -> str:
        """Upload a file of requests; returns its id."""
        return self._client.files.create(file=("requests.jsonl", lines), purpose="batch").id

    def create(self, file_id: str, key: str) -> Batch:
        """Make a batch that bears ``key``; sent once."""
        return self._client.with_options(max_retries=0).batches.create(
            input_file_id=file_id, endpoint=_CHAT, completion_window="24h", metadata={_KEY: key}
        )

    def find(self, key: str, made_after_s: float) -> Batch | None:
        """The batch that bears ``key``; ``made_after_s``: Unix time, earlier batches are not looked at."""
        for batch in self._client.batches.list(limit=100):  # newest first, page after page
            if (batch.metadata or {}).get(_KEY) == key:
                return batch
            if batch.created_at < made_after_s - _CLOCKS_DIFFER_S:
                return None
        return None

    def retrieve(self, batch_id: str) -> Batch:
        """A batch as it stands."""
        return self._client.batches.retrieve(batch_id)

    def lines(self, batch: Batch) -> Iterator[dict[str, Any]]:
        """The lines of an ended batch's output and error files, in any order."""
        for file_id in (batch.output_file_id, batch.error_file_id):
            if file_id is None:
                continue
            content = self._client.files.content(file_id).content  # whole: only so is a dropped connection repeated
            yield from (json.loads(line) for line in io.BytesIO(content) if line.strip())


def as_line(request: Request, exchange: Exchange, dialect: Dialect) -> bytes:
    """A request as a line of a batch's file."""
    body = exchange.body(request, request.draws, dialect)
    line = {"custom_id": request.sample_ids[0], "method": "POST", "url": _CHAT, "body": body}
    return json.dumps(line, ensure_ascii=False).encode() + b"\n"


def read_line(line: dict[str, Any], request: Request, exchange: Exchange, dialect: Dialect) -> Outcome:
    """What a line of the output or error file says of its request; ``dialect``: the one it was asked in.

    Raises:
        TeacherRefused: no request to this endpoint can succeed.
    """
    response = line.get("response")
    if response is None:  # not asked: the batch expired or was cancelled before
        error = line.get("error") or {}
        return Outcome(error=f"{error.get('code')}: {error.get('message')}", is_transient=True)
    status, body = int(response["status_code"]), response["body"]
    if status == 200:
        try:
            completion = ChatCompletion.construct(**(body if isinstance(body, dict) else {}))
            return Outcome(samples=exchange.samples(request, completion, latency_s=None))
        except UnreadableAnswerError as unreadable:
            return Outcome(error=str(unreadable), is_transient=True)
    reply = ErrorReply.of(status, body) if isinstance(body, str) else ErrorReply.in_body(status, body)
    if reply.is_filtered:
        return Outcome(samples=exchange.filtered(request))
    refusal = exchange.refusal(reply)
    if refusal is not None:
        raise refusal
    learned = None
    if status in (400, 422):
        learned = dialect.after(reply.param, reply.message, request.draws, exchange.has_stop)
    return Outcome(
        error=f"HTTP {status}: {reply.message}",
        is_transient=reply.is_transient or learned is not None,
        dialect=learned,
    )


def refused(error: openai.APIError, exchange: Exchange) -> TeacherRefused | None:
    """The end of the run, where a refusal of the Batch API itself says so."""
    if not isinstance(error, openai.APIStatusError) or error.status_code == 404:
        return None
    return exchange.refusal(ErrorReply.of(error.status_code, error.response.text))
