"""The teacher's client: one request at a time to any OpenAI-compatible endpoint, retried where that helps.

    await teacher.ask(request, gate) -> [Sample(...), ...] | [Failure(...), ...]

Retried with jitter: timeouts, dropped connections, 408, 409, 429, 5xx, empty and broken answers; every attempt
asks the gate (the quota) for a turn of its own. Never retried: a wrong key, an unknown model, an exhausted account
(they end the run: ``TeacherRefused``), requests that the endpoint calls bad, and what its content filter refuses
(kept as a sample). What the endpoint does not take (``n``, ``temperature``, ``max_tokens``) it is not asked twice.
"""

import json
import re
import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Protocol

import openai
from openai.types.chat import ChatCompletion
from openai.types.chat.chat_completion import Choice
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from pipelines.config import SamplingConfig, TeacherConfig
from pipelines.errors import CredentialsError
from pipelines.teacher.dialect import Dialect
from pipelines.teacher.price import price_of
from pipelines.teacher.quota import Limits
from pipelines.teacher.request import Failure, Request, Sample, request_id_header, sample_id
from pipelines.teacher.tokens import PromptTokens, estimate_prompt
from pipelines.thoughts import Prompt

ATTEMPTS = 8
_UNSAID_PAUSE_S = 1.0  # after a 429 without Retry-After
_BACKOFF = wait_random_exponential(multiplier=0.5, max=30)
_THINKING = re.compile(r"\A\s*(?:<think>)?(?P<reasoning>.*?)</think>\s*", re.DOTALL)
_UNFINISHED_THINKING = re.compile(r"\A\s*<think>(?P<reasoning>.*)", re.DOTALL)


class TeacherRefused(CredentialsError):  # noqa: N818 - reads as what happened
    """The endpoint will refuse every request: a wrong key, an unknown model, an exhausted account."""


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
        self._model = model_name(teacher)
        self._sampling = sampling
        self._extra_body = teacher.extra_body
        self._prompts = prompts
        self._price = price_of(self._model)
        self._prompt_tokens = PromptTokens(
            {
                thought: estimate_prompt(message["content"] for message in prompt.messages(""))
                for thought, prompt in prompts.items()
            }
        )
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
            said = " ".join(str(error).split())[:500]
            return [
                Failure(
                    sample_id=one.sample_ids[0],
                    problem_id=one.problem_id,
                    thought=one.thought,
                    draw=one.draw,
                    error=said,
                    attempts=attempts,
                )
                for one in request.split()
            ]
        raise AssertionError("unreachable: tenacity returns or raises")

    async def _attempt(self, request: Request, gate: Gate, is_retry: bool) -> list[Sample]:
        draws = request.draws if self.dialect.several else 1
        prompt_tokens = self._prompt_tokens.expected(request.thought, request.question)
        may_answer = draws * self._sampling.max_tokens
        cost = self._price.cost(prompt_tokens, may_answer) if self._price else 0.0
        async with gate.turn(prompt_tokens + may_answer, cost, is_retry):
            dialect, started = self.dialect, time.monotonic()
            draws = request.draws if dialect.several else 1
            try:
                # Not chat.completions.create: it walks each message of the prompt field by field, 3 ms a request.
                raw = await self._client.post(
                    "/chat/completions",
                    cast_to=ChatCompletion,
                    body={
                        "model": self._model,
                        "messages": self._prompts[request.thought].messages(request.question),
                        **dialect.body(self._sampling.max_tokens, self._sampling.temperature, draws),
                        **self._extra_body,
                    },
                    options={"headers": {**request_id_header(request), "X-Stainless-Raw-Response": "raw"}},
                )
                gate.obey(Limits.of(raw.headers))  # type: ignore[attr-defined]
                response: ChatCompletion = await raw.parse()  # type: ignore[attr-defined]
            except (openai.APIConnectionError, openai.APIResponseValidationError, json.JSONDecodeError) as error:
                raise _TransientError(f"{type(error).__name__}: {error}") from error
            except openai.APIStatusError as error:
                if error.status_code == 400 and error.code == "content_filter":
                    return [self._filtered(one) for one in request.split()]
                raise self._sorted_out(error, dialect, request, gate) from error
        if not isinstance(response, ChatCompletion) or not response.choices or response.choices[0].message is None:
            raise _TransientError("an answer without choices")
        if len(response.choices) < draws:
            self.dialect = Dialect(dialect.limit, dialect.temperature, several=False)
        return self._samples(request, response, time.monotonic() - started)

    def _samples(self, request: Request, response: ChatCompletion, latency_s: float) -> list[Sample]:
        """One row a choice; the request's tokens and cost stand in the first."""
        usage = response.usage
        cost = None
        if usage is not None:
            self._prompt_tokens.learn(request.thought, request.question, usage.prompt_tokens)
            if self._price is not None:
                details = usage.prompt_tokens_details
                cached = (details.cached_tokens or 0) if details else 0
                cost = self._price.cost(usage.prompt_tokens, usage.completion_tokens, cached)
        samples = []
        for turn, choice in enumerate(response.choices[: request.draws]):
            completion, reasoning, finish_reason = _read(choice)
            samples.append(
                Sample(
                    sample_id=sample_id(request.problem_id, request.thought, request.draw + turn),
                    problem_id=request.problem_id,
                    thought=request.thought,
                    draw=request.draw + turn,
                    completion=completion,
                    reasoning=reasoning,
                    finish_reason=finish_reason,
                    model=response.model,
                    prompt_tokens=None if usage is None else usage.prompt_tokens if turn == 0 else 0,
                    completion_tokens=None if usage is None else usage.completion_tokens if turn == 0 else 0,
                    cost_usd=None if cost is None else cost if turn == 0 else 0.0,
                    latency_s=round(latency_s, 4),
                    request_id=response.id,
                )
            )
        return samples

    def _filtered(self, one: Request) -> Sample:
        """What the endpoint's filter refused before any answer: a sample that says so."""
        return Sample(
            sample_id=one.sample_ids[0],
            problem_id=one.problem_id,
            thought=one.thought,
            draw=one.draw,
            completion="",
            reasoning=None,
            finish_reason="content_filter",
            model=self._model,
            prompt_tokens=0,
            completion_tokens=0,
            cost_usd=None if self._price is None else 0.0,
            latency_s=0.0,
            request_id=None,
        )

    def _sorted_out(self, error: openai.APIStatusError, dialect: Dialect, request: Request, gate: Gate) -> Exception:
        """A transient error, another dialect, the end of the run, or the error itself (a failure without retry)."""
        said = " ".join(str(error.message).split())
        status = error.status_code
        if error.code == "insufficient_quota" or status == 402:
            return TeacherRefused(f"teacher: the account is exhausted ({said}); top it up and run the same command")
        if status in (401, 403):
            return TeacherRefused(f"teacher: the endpoint refused the key ({said}); check teacher.api_key_env")
        if status == 404 and error.code != "no_completion":
            return TeacherRefused(
                f"teacher: the endpoint knows no model '{self._model}' ({said}); check teacher.model and base_url"
            )
        if status in (400, 422):
            if self.dialect != dialect:  # another request has learned it meanwhile
                return _AnotherDialectError(said)
            learned = dialect.after(error.param, said, request.draws)
            if learned is not None:
                self.dialect = learned
                return _AnotherDialectError(said)
        if status in (408, 409, 429) or status >= 500:
            wait_s = _retry_after(error.response.headers)
            if status == 429:
                gate.slow_down(_UNSAID_PAUSE_S if wait_s is None else wait_s)
                gate.obey(Limits.of(error.response.headers))
            return _TransientError(f"HTTP {status}: {said}", wait_s or 0.0)
        return error


def model_name(teacher: TeacherConfig) -> str:
    """The model asked for; the local teachers are named after their kind."""
    return teacher.model or teacher.kind


def _read(choice: Choice) -> tuple[str, str | None, str | None]:
    """Completion, hidden thinking and finish reason of a choice.

    Thinking comes in a field of its own (``reasoning_content``, ``reasoning``) or in the text, ended by
    ``</think>``; without that end it never came to a completion.
    """
    message = choice.message
    if message.refusal:
        return message.refusal, None, "refusal"
    text = message.content or ""
    reasoning = getattr(message, "reasoning_content", None) or getattr(message, "reasoning", None)
    found = _THINKING.match(text)
    if found is not None:
        return text[found.end() :], reasoning or found["reasoning"].strip(), choice.finish_reason
    found = _UNFINISHED_THINKING.match(text)
    if found is not None:
        return "", reasoning or found["reasoning"].strip(), choice.finish_reason
    return text, reasoning, choice.finish_reason


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
