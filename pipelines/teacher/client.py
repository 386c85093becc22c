"""The teacher's client: one request at a time to any OpenAI-compatible endpoint, retried where that helps.

    await teacher.ask(request, gate) -> [Sample(...), ...] | [Failure(...), ...]

Retried with jitter: timeouts, dropped connections, 408, 409, 429, 5xx, empty and broken answers; every attempt
asks the gate (the quota) for a turn of its own. Never retried: a wrong key, an unknown model, an exhausted account
(they end the run: ``TeacherRefused``), requests that the endpoint calls bad, and what its content filter refuses
(kept as a sample). What the endpoint does not take (``n``, ``temperature``, ``max_tokens``) it is not asked twice.
"""

import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from typing import Protocol

import openai
from openai.types.chat import ChatCompletion
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from pipelines.config import SamplingConfig, TeacherConfig
from pipelines.teacher.dialect import Dialect
from pipelines.teacher.exchange import Exchange, UnreadableAnswerError, is_filtered, is_transient
from pipelines.teacher.quota import Limits
from pipelines.teacher.request import Failure, Request, Sample, request_id_header
from pipelines.thoughts import Prompt

ATTEMPTS = 8
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
    """Worth another attempt; carries what the server asked us to wait, in seconds."""

    def __init__(self, message: str, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.wait_s = wait_s


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
        """``dialect``: what an earlier client learned of this endpoint."""
        self.dialect = dialect or Dialect()
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
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type((_TransientError, _AnotherDialectError)),
                wait=_wait,
                stop=stop_after_attempt(ATTEMPTS),
                reraise=True,
            ):
                with attempt:
                    attempts = attempt.retry_state.attempt_number
                    return await self._attempt(request, gate, is_retry=attempts > 1)
        except (_TransientError, _AnotherDialectError, openai.APIStatusError) as error:
            return Failure.of(request, " ".join(str(error).split())[:500], attempts)
        raise AssertionError("unreachable: tenacity returns or raises")

    async def _attempt(self, request: Request, gate: Gate, is_retry: bool) -> list[Sample]:
        draws = request.draws if self.dialect.several else 1
        tokens, cost = self._exchange.at_most(request, draws)
        async with gate.turn(tokens, cost, is_retry):
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
                if is_filtered(error.status_code, error.body):
                    return self._exchange.filtered(request)
                raise self._sorted_out(error, dialect, request, gate) from error
        try:
            samples = self._exchange.samples(request, response, time.monotonic() - started)
        except UnreadableAnswerError as error:
            raise _TransientError(str(error)) from error
        if len(samples) < draws:
            self.dialect = replace(dialect, several=False)
        return samples

    def _sorted_out(self, error: openai.APIStatusError, dialect: Dialect, request: Request, gate: Gate) -> Exception:
        """A transient error, another dialect, the end of the run, or the error itself (a failure without retry)."""
        said = " ".join(str(error.message).split())
        status = error.status_code
        refusal = self._exchange.refusal(status, error.code, said)
        if refusal is not None:
            return refusal
        if status in (400, 422):
            if self.dialect != dialect:  # another request has learned it meanwhile
                return _AnotherDialectError(said)
            learned = dialect.after(error.param, said, request.draws)
            if learned is not None:
                self.dialect = learned
                return _AnotherDialectError(said)
        if is_transient(status):
            wait_s = _retry_after(error.response.headers)
            if status == 429:
                gate.slow_down(_UNSAID_PAUSE_S if wait_s is None else wait_s)
                gate.obey(Limits.of(error.response.headers))
            return _TransientError(f"HTTP {status}: {said}", wait_s or 0.0)
        return error


def _said(error: Exception) -> str:
    """An error in words; a connection's come from below, since the HTTP client calls every one of them a timeout."""
    below: BaseException = error
    while isinstance(error, openai.APIConnectionError) and below.__cause__ is not None and str(below.__cause__):
        below = below.__cause__
    return f"{type(below).__name__}: {below}"


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds; None where the endpoint does not say (or gives a date, which hardly any does)."""
    try:
        return min(float(headers["retry-after"]), 120.0)
    except (KeyError, ValueError):
        return None


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _AnotherDialectError):
        return 0.0
    asked = error.wait_s if isinstance(error, _TransientError) else 0.0
    return asked + _BACKOFF(state)
