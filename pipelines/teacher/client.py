"""The teacher's client: one request at a time to any OpenAI-compatible endpoint, retried where that helps.

    await teacher.ask(request, gate) -> [Sample(...), ...] | [Failure(...), ...]

Retried with jitter: timeouts, dropped connections, 408, 409, 429, 5xx, empty, broken and broken-off answers; every
attempt asks the gate (the quota) for a turn of its own. Never retried: a wrong key, an unknown model, an exhausted
account, a refusal of what every request holds (they end the run: ``TeacherRefused``), requests that the endpoint calls
bad, and what its content filter refuses (kept as a sample). What the endpoint does not take (``n``, ``temperature``,
``max_tokens``, ``stop``) it is not asked twice.
"""

import re
import time
from collections import deque
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from typing import Protocol

import openai
from openai.types.chat import ChatCompletion
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from pipelines.config import SamplingConfig, TeacherConfig
from pipelines.teacher.dialect import Dialect
from pipelines.teacher.error_reply import ErrorReply
from pipelines.teacher.exchange import (
    Exchange,
    UnreadableAnswerError,
    choices_in,
    refused_always,
)
from pipelines.teacher.quota import Limits, retry_after_s
from pipelines.teacher.request import Failure, Request, Sample, request_id_header
from pipelines.thoughts import Prompt

ATTEMPTS = 8
_SAME_REFUSALS = 5  # in a row, without one success: the next request would meet the same
_UNSAID_PAUSE_S = 1.0  # after a 429 without Retry-After
_BACKOFF = wait_random_exponential(multiplier=0.5, max=30)


class Gate(Protocol):
    """What stands before each attempt: the quota, and the ear for what the endpoint says of it."""

    def turn(self, tokens: int, cost_usd: float, is_retry: bool) -> AbstractAsyncContextManager[None]:
        """Entered when the attempt may start, left when it has ended; ``tokens`` and ``cost_usd`` at most."""

    def slow_down(self, pause_s: float) -> None:
        """The endpoint answered 429 and asked to wait."""

    def obey(self, limits: Limits) -> None:
        """The limits that a response's headers state."""


class OpenGate:
    """A gate that lets everything through, for a single request."""

    def turn(self, tokens: int, cost_usd: float, is_retry: bool) -> AbstractAsyncContextManager[None]:
        """At once."""
        return nullcontext()

    def slow_down(self, pause_s: float) -> None:
        """The attempt's own wait is enough."""

    def obey(self, limits: Limits) -> None:
        """There is nobody else to slow down."""


class _TransientError(Exception):
    """Worth another attempt; carries what the server asked us to wait, in seconds, and what its answer has cost."""

    def __init__(self, message: str, wait_s: float = 0.0, cost_usd: float = 0.0) -> None:
        super().__init__(message)
        self.wait_s = wait_s
        self.cost_usd = cost_usd


class _RefusedError(Exception):
    """The endpoint calls this one request bad."""


class _AnotherDialectError(Exception):
    """The endpoint wants the same said otherwise."""


class Teacher:
    """A client of one endpoint. Safe for many requests at once in one event loop."""

    def __init__(
        self,
        teacher: TeacherConfig,
        sampling: SamplingConfig,
        prompts: Mapping[str, Prompt],
        base_url: str | None,
        api_key: str,
        dialect: Dialect | None = None,
    ) -> None:
        """``dialect``: what an earlier client learned of this endpoint; None: nobody has asked it before."""
        self.dialect = dialect or Dialect()
        self._is_first = dialect is None
        self._has_succeeded = False
        self._refusals: deque[str] = deque(maxlen=_SAME_REFUSALS)
        self._exchange = Exchange(teacher, sampling, prompts)
        self._client = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=api_key,
            timeout=teacher.timeout_s,
            max_retries=0,
            http_client=openai.DefaultAioHttpClient(),
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def ask(self, request: Request, gate: Gate) -> list[Sample] | list[Failure]:
        """The samples of a request, or the failures that remained after all attempts, in the order of draws.

        An endpoint that knows no ``n`` may answer with fewer samples than asked for: ask again for the others.

        Raises:
            TeacherRefused: no request to this endpoint can succeed.
        """
        attempts = 0
        discarded_usd = 0.0  # what answers that could not be used have cost
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type((_TransientError, _AnotherDialectError)),
                wait=_wait,
                stop=stop_after_attempt(ATTEMPTS),
                reraise=True,
            ):
                with attempt:
                    attempts = attempt.retry_state.attempt_number
                    try:
                        samples = await self._attempt(request, gate, discarded_usd, is_retry=attempts > 1)
                    except _TransientError as error:
                        discarded_usd += error.cost_usd
                        raise
                    return _with_cost(samples, discarded_usd)
        except (_TransientError, _AnotherDialectError, _RefusedError) as error:
            return Failure.of(request, " ".join(str(error).split())[:500], attempts, discarded_usd)
        except Exception:
            if not discarded_usd:
                raise
            return Failure.of(request, "the run stopped before another attempt", attempts - 1, discarded_usd)
        raise AssertionError("unreachable: tenacity returns or raises")

    async def _attempt(self, request: Request, gate: Gate, discarded_usd: float, is_retry: bool) -> list[Sample]:
        draws = request.draws if self.dialect.several else 1
        tokens, cost = self._exchange.at_most(request, draws)
        async with gate.turn(tokens, cost + discarded_usd, is_retry):
            dialect, started = self.dialect, time.monotonic()
            draws = request.draws if dialect.several else 1
            try:
                # Not chat.completions.create: it walks each message of the prompt field by field, 3 ms a request.
                raw = await self._client.post(
                    "/chat/completions",
                    cast_to=ChatCompletion,
                    body=self._exchange.body(request, draws, dialect),
                    options={"headers": {**request_id_header(request), "X-Stainless-Raw-Response": "raw"}},
                )
                gate.obey(Limits.of(raw.headers))  # type: ignore[attr-defined]
                response: ChatCompletion = await raw.parse()  # type: ignore[attr-defined]
            except (openai.APIConnectionError, openai.APIResponseValidationError, ValueError) as error:
                # ValueError: a body that is no JSON, or not even UTF-8.
                raise _TransientError(_said(error)) from error
            except openai.APIStatusError as error:
                reply = ErrorReply.of(error.status_code, error.response.text)
                if reply.is_filtered:
                    return self._exchange.filtered(request)
                raise self._sorted_out(reply, error.response.headers, dialect, request, gate) from error
        if (reply := _error_in(response)) is not None:  # HTTP 200, and an error in its body
            if reply.is_filtered:
                return self._exchange.filtered(request)
            raise self._sorted_out(reply, {}, dialect, request, gate)
        try:
            samples = self._exchange.samples(request, response, time.monotonic() - started)
        except UnreadableAnswerError as error:
            raise _TransientError(str(error), cost_usd=error.cost_usd) from error
        self._has_succeeded = True
        if choices_in(response) < draws:
            self.dialect = replace(dialect, several=False)
        return samples

    def _sorted_out(
        self, reply: ErrorReply, headers: Mapping[str, str], dialect: Dialect, request: Request, gate: Gate
    ) -> Exception:
        """What an error means: another attempt, another dialect, the end of the run, or a request that is bad."""
        said = f"HTTP {reply.status}: {reply.message}"
        refusal = self._exchange.refusal(reply)
        if refusal is not None:
            return refusal
        if reply.status in (400, 422, 500, 501):  # older llama.cpp refuses n with 500
            if self.dialect != dialect:  # another request has learned it meanwhile
                return _AnotherDialectError(said)
            learned = dialect.after(reply.param, reply.message, request.draws, self._exchange.has_stop)
            if learned is not None:
                self.dialect = learned
                return _AnotherDialectError(said)
        if reply.is_transient:
            wait_s = retry_after_s(headers)
            if reply.status == 429:
                gate.slow_down(_UNSAID_PAUSE_S if wait_s is None else wait_s)
                gate.obey(Limits.of(headers))
            return _TransientError(said, wait_s or 0.0)
        return refused_always(reply) if self._would_meet_all(reply) else _RefusedError(said)

    def _would_meet_all(self, reply: ErrorReply) -> bool:
        """Whether no other request can fare better: by the words of the very first, or by the same words again."""
        self._refusals.append(reply.same_words)
        if self._has_succeeded:
            return False
        if self._is_first and reply.is_of_settings:
            return True
        return len(self._refusals) == _SAME_REFUSALS and len(set(self._refusals)) == 1


def _error_in(response: object) -> ErrorReply | None:
    """The error in the body of a response with HTTP 200 that has no choices; its code is the status where it is one."""
    error = getattr(response, "error", None) or getattr(response, "base_resp", None)
    if not error or choices_in(response):
        return None
    reply = ErrorReply.in_body(500, error)
    status = next((int(code) for code in reply.codes if re.fullmatch(r"[45]\d\d", code)), 500)
    return replace(reply, status=status)


def _with_cost(samples: list[Sample], discarded_usd: float) -> list[Sample]:
    """The samples, the first of which bears what earlier attempts have cost as well."""
    if not discarded_usd:
        return samples
    first = replace(samples[0], cost_usd=(samples[0].cost_usd or 0.0) + discarded_usd)
    return [first, *samples[1:]]


def _said(error: Exception) -> str:
    """An error in words; a connection's come from below, since the HTTP client calls every one of them a timeout."""
    below: BaseException = error
    while isinstance(error, openai.APIConnectionError) and below.__cause__ is not None and str(below.__cause__):
        below = below.__cause__
    return f"{type(below).__name__}: {below}"


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _AnotherDialectError):
        return 0.0
    asked = error.wait_s if isinstance(error, _TransientError) else 0.0
    return asked + _BACKOFF(state)
