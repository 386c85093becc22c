"""The teacher's client: one request at a time to any OpenAI-compatible endpoint, retried where that helps.

    await teacher.ask(request, gate) -> [Sample(...), ...] | [Failure(...), ...]

Retried with jitter: timeouts, dropped connections, 408, 409, 429, 5xx, empty, broken and broken-off answers; every
attempt asks the gate (the quota) for a turn of its own. Attempts do not count while nothing listens at the endpoint.
Never retried: a wrong key, an unknown model, an exhausted account, a refusal of what every request holds (they end the
run: ``TeacherRefused``), requests that the endpoint calls bad, and what its content filter refuses (kept as a sample).
What the endpoint does not take (``n``, ``temperature``, ``max_tokens``, ``stop``) is not sent twice.
"""

import re
import time
from collections import deque
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
from pipelines.teacher.error_reply import ErrorReply
from pipelines.teacher.exchange import Exchange, UnreadableAnswerError, choices_in, refused_always
from pipelines.teacher.proxy import is_loopback
from pipelines.teacher.quota import Limits, retry_after_s
from pipelines.teacher.request import Failure, Request, Sample, request_id_header
from pipelines.teacher.window import patience
from pipelines.thoughts import Prompt

ATTEMPTS = 8
_SAME_REFUSALS = 5  # in a row, without one success: the next request would meet the same
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
    """Worth another attempt; carries what the server asked us to wait, in seconds, and what its answer has cost."""

    def __init__(self, message: str, wait_s: float = 0.0, cost_usd: float = 0.0, is_counted: bool = True) -> None:
        super().__init__(message)
        self.wait_s = wait_s
        self.cost_usd = cost_usd
        self.is_counted = is_counted


class _TimedOutError(_TransientError):
    """No answer in time."""


class _RefusedError(Exception):
    """The endpoint calls this one request bad."""


@dataclass
class _Tried:
    """What one request has behind it: attempts that count, those of them that timed out, and the cost of answers that
    could not be used."""

    attempts: int = 0
    timeouts: int = 0
    discarded_usd: float = 0.0


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
        """``dialect``, ``slowest_s``: what an earlier client learned of this endpoint; None: it is the first client."""
        self.dialect = dialect or Dialect()
        self.slowest_s = slowest_s
        """Seconds that the slowest answer took; None: there was none yet."""
        self._timeout_s = teacher.timeout_s
        self._is_first = dialect is None
        self._has_succeeded = False
        self._refusals: deque[str] = deque(maxlen=_SAME_REFUSALS)
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
                        samples = await self._attempt(request, gate, tried, is_retry=is_retry)
                    except _TransientError as error:
                        tried.attempts -= not error.is_counted
                        tried.timeouts += isinstance(error, _TimedOutError)
                        tried.discarded_usd += error.cost_usd
                        raise
                    return _with_cost(samples, tried.discarded_usd)
        except (_TransientError, _AnotherDialectError, _RefusedError) as error:
            said = " ".join(str(error).split())[:500]
            return Failure.of(request, said, tried.attempts, tried.discarded_usd)
        except Exception:
            if not tried.discarded_usd:
                raise
            said = "the run stopped before another attempt"
            return Failure.of(request, said, tried.attempts - 1, tried.discarded_usd)
        raise AssertionError("unreachable: tenacity returns or raises")

    def _may_take_s(self, timeouts: int) -> float:
        """The timeout of an attempt that follows ``timeouts`` others; a learned one doubles with each of them."""
        if self._timeout_s is not None:
            return self._timeout_s
        if self.slowest_s is None:
            return _FIRST_ANSWER_S
        return float(min(_LONGEST_S, patience(None, self.slowest_s) * 2**timeouts))

    async def _attempt(self, request: Request, gate: Gate, tried: _Tried, *, is_retry: bool) -> list[Sample]:
        timeout_s = self._may_take_s(tried.timeouts)
        draws = request.draws if self.dialect.several else 1
        tokens, cost = self._exchange.at_most(request, draws)
        async with gate.turn(tokens, cost + tried.discarded_usd, is_retry):
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
                reply = ErrorReply.of(error.status_code, error.response.text)
                if reply.is_filtered:
                    return self._exchange.filtered(request)
                raise self._sorted_out(reply, error.response.headers, dialect, request, gate) from error
        if (in_body := _error_in(response)) is not None:  # HTTP 200, and an error in its body
            if in_body.is_filtered:
                return self._exchange.filtered(request)
            raise self._sorted_out(in_body, {}, dialect, request, gate)
        latency_s = time.monotonic() - started
        self.slowest_s = max(latency_s, self.slowest_s or 0.0)
        try:
            samples = self._exchange.samples(request, response, latency_s)
        except UnreadableAnswerError as error:
            raise _TransientError(str(error), cost_usd=error.cost_usd) from error
        self._has_succeeded = True
        if choices_in(response) < draws:
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
    below = error
    while isinstance(error, openai.APIConnectionError) and below.__cause__ is not None and str(below.__cause__):
        below = below.__cause__  # type: ignore[assignment]
    return f"{type(below).__name__}: {below}"


def _below(error: BaseException) -> BaseException:
    """The aiohttp error that a connection's error came from."""
    while error.__cause__ is not None and not isinstance(error, aiohttp.ClientError):
        error = error.__cause__
    return error


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _AnotherDialectError):
        return 0.0
    if isinstance(error, _TransientError) and not error.is_counted:
        return 0.0  # the gate waits
    asked = error.wait_s if isinstance(error, _TransientError) else 0.0
    return asked + _BACKOFF(state)
