"""The teacher's client: one request at a time to any OpenAI-compatible endpoint, retried where that helps.

    await teacher.ask(request, gate) -> [Sample(...), ...] | [Failure(...), ...]

Retried with jitter: timeouts, dropped connections, 408, 409, 429, 5xx, empty and broken answers; every attempt
asks the gate (the quota) for a turn of its own. While nothing listens at the endpoint, attempts are not counted.
Never retried: a wrong key, an unknown model, an exhausted account (they end the run: ``TeacherRefused``), requests
that the endpoint calls bad, and what its content filter refuses (kept as a sample). What the endpoint does not take
(``n``, ``temperature``, ``max_tokens``) is not sent twice.
"""

import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Protocol

import aiohttp
import openai
from openai.types.chat import ChatCompletion
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from pipelines.config import SamplingConfig, TeacherConfig
from pipelines.teacher.dialect import Dialect
from pipelines.teacher.exchange import Exchange, UnreadableAnswerError, is_filtered, is_transient
from pipelines.teacher.proxy import is_loopback
from pipelines.teacher.quota import Limits
from pipelines.teacher.request import Failure, Request, Sample, request_id_header
from pipelines.teacher.window import patience
from pipelines.thoughts import Prompt

ATTEMPTS = 8
_UNSAID_PAUSE_S = 1.0  # after a 429 without Retry-After
_FIRST_ANSWER_S = 600.0  # may take so long where no timeout is configured: nothing is known yet, nothing waits behind
_LONGEST_S = 600.0
_CONNECT_S = 30.0
_BACKOFF = wait_random_exponential(multiplier=0.5, max=30)


class Gate(Protocol):
    """What stands before each attempt: the quota, and the ear for what the endpoint says of it."""

    def turn(self, tokens: int, cost_usd: float, is_retry: bool) -> AbstractAsyncContextManager[None]:
        """Entered when the attempt may start, left when it has ended; ``tokens`` and ``cost_usd`` at most."""

    def slow_down(self, pause_s: float) -> None:
        """The endpoint answered 429 and asked to wait."""

    def obey(self, limits: Limits) -> None:
        """The limits that a response's headers state."""

    def timed_out(self, timeout_s: float) -> None:
        """The attempt was abandoned after ``timeout_s``; the endpoint may still be working on it."""

    async def unreachable(self, said: str, was_sent: bool) -> bool:
        """No connection, or it was dropped (``was_sent``): whether the attempt shall not count as one."""


class OpenGate:
    """A gate that lets everything through, for a single request."""

    def turn(self, tokens: int, cost_usd: float, is_retry: bool) -> AbstractAsyncContextManager[None]:
        """At once."""
        return nullcontext()

    def slow_down(self, pause_s: float) -> None:
        """The attempt's own wait is enough."""

    def obey(self, limits: Limits) -> None:
        """There is nobody else to slow down."""

    def timed_out(self, timeout_s: float) -> None:
        """There is nobody else to slow down."""

    async def unreachable(self, said: str, was_sent: bool) -> bool:
        """It counts."""
        return False


class _TransientError(Exception):
    """Worth another attempt; carries what the server asked us to wait, in seconds."""

    def __init__(self, message: str, wait_s: float = 0.0, is_counted: bool = True) -> None:
        super().__init__(message)
        self.wait_s = wait_s
        self.is_counted = is_counted


class _TimedOutError(_TransientError):
    """No answer in time."""


@dataclass
class _Tried:
    """What one request has behind it: attempts that count, and those of them that timed out."""

    attempts: int = 0
    timeouts: int = 0


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
        slowest_s: float | None = None,
    ) -> None:
        """``dialect``, ``slowest_s``: what an earlier client learned of this endpoint."""
        self.dialect = dialect or Dialect()
        self.slowest_s = slowest_s
        """Seconds that the slowest answer took; None: there was none yet."""
        self._timeout_s = teacher.timeout_s
        self._exchange = Exchange(teacher, sampling, prompts)
        self._client = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=api_key,
            max_retries=0,
            http_client=openai.DefaultAioHttpClient(trust_env=not is_loopback(base_url)),
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
        tried = _Tried()
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type((_TransientError, _AnotherDialectError)),
                wait=_wait,
                stop=lambda _: tried.attempts >= ATTEMPTS,
                reraise=True,
            ):
                with attempt:
                    tried.attempts += 1
                    is_retry = attempt.retry_state.attempt_number > 1
                    try:
                        return await self._attempt(request, gate, is_retry, self._may_take_s(tried.timeouts))
                    except _TransientError as error:
                        tried.attempts -= not error.is_counted
                        tried.timeouts += isinstance(error, _TimedOutError)
                        raise
        except (_TransientError, _AnotherDialectError, openai.APIStatusError) as error:
            return Failure.of(request, " ".join(str(error).split())[:500], tried.attempts)
        raise AssertionError("unreachable: tenacity returns or raises")

    def _may_take_s(self, timeouts: int) -> float:
        """The timeout of an attempt that follows ``timeouts`` others; a learned one doubles with each of them."""
        if self._timeout_s is not None:
            return self._timeout_s
        if self.slowest_s is None:
            return _FIRST_ANSWER_S
        return min(_LONGEST_S, patience(None, self.slowest_s) * 2.0**timeouts)

    async def _attempt(self, request: Request, gate: Gate, is_retry: bool, timeout_s: float) -> list[Sample]:
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
                    options={
                        "headers": {**request_id_header(request), "X-Stainless-Raw-Response": "raw"},
                        "timeout": openai.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s)),
                    },
                )
                gate.obey(Limits.of(raw.headers))  # type: ignore[attr-defined]
                response: ChatCompletion = await raw.parse()  # type: ignore[attr-defined]
            except openai.APIConnectionError as error:
                raise await self._without_answer(error, gate, timeout_s) from error
            except (openai.APIResponseValidationError, ValueError) as error:
                # ValueError: a body that is no JSON, or not even UTF-8.
                raise _TransientError(_said(error)) from error
            except openai.APIStatusError as error:
                if is_filtered(error.status_code, error.body):
                    return self._exchange.filtered(request)
                raise self._sorted_out(error, dialect, request, gate) from error
        latency_s = time.monotonic() - started
        self.slowest_s = max(latency_s, self.slowest_s or 0.0)
        try:
            samples = self._exchange.samples(request, response, latency_s)
        except UnreadableAnswerError as error:
            raise _TransientError(str(error)) from error
        if len(samples) < draws:
            self.dialect = replace(dialect, several=False)
        return samples

    async def _without_answer(self, error: openai.APIConnectionError, gate: Gate, timeout_s: float) -> Exception:
        """What became of a request without a response: it timed out, was dropped, or never reached the endpoint."""
        cause = _below(error)
        is_unsent = isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
        if not is_unsent and isinstance(cause, TimeoutError):
            gate.timed_out(timeout_s)
            return _TimedOutError(
                f"no answer within {timeout_s:g} s: raise teacher.timeout_s, or lower teacher.max_in_flight"
            )
        is_counted = not await gate.unreachable(_said(error), was_sent=not is_unsent)
        return _TransientError(_said(error), is_counted=is_counted)

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
    below = error
    while isinstance(error, openai.APIConnectionError) and below.__cause__ is not None and str(below.__cause__):
        below = below.__cause__  # type: ignore[assignment]
    return f"{type(below).__name__}: {below}"


def _below(error: BaseException) -> BaseException:
    """The aiohttp error that a connection's error came from."""
    while error.__cause__ is not None and not isinstance(error, aiohttp.ClientError):
        error = error.__cause__
    return error


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
    if isinstance(error, _TransientError) and not error.is_counted:
        return 0.0  # the gate waits
    asked = error.wait_s if isinstance(error, _TransientError) else 0.0
    return asked + _BACKOFF(state)
