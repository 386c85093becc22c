"""The teacher's client: one request at a time to any OpenAI-compatible endpoint, retried where that helps.

    await teacher.ask(request) -> Sample(...) | Failure(...)

Retried with jitter: timeouts, dropped connections, 408, 409, 429, 5xx, empty and broken answers.
Never retried: a wrong key, an unknown model, an exhausted account (they end the run: ``TeacherRefused``)
and requests that the endpoint calls bad. Quotas are kept by the caller (``pipelines.teacher.quota``).
"""

import json
import time
from collections.abc import Mapping
from typing import Any

import openai
from openai.types.chat import ChatCompletion
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from pipelines.config import SamplingConfig, TeacherConfig
from pipelines.errors import CredentialsError
from pipelines.teacher.price import price_of
from pipelines.teacher.request import Failure, Request, Sample, request_id_header
from pipelines.thoughts import Prompt

_ATTEMPTS = 8
_BACKOFF = wait_random_exponential(multiplier=0.5, max=30)


class TeacherRefused(CredentialsError):  # noqa: N818 - reads as what happened
    """The endpoint will refuse every request: a wrong key, an unknown model, an exhausted account."""


class _TransientError(Exception):
    """Worth another attempt; carries what the server asked us to wait, in seconds."""

    def __init__(self, message: str, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class Teacher:
    """A client of one endpoint. Safe for many requests at once in one event loop."""

    def __init__(
        self,
        teacher: TeacherConfig,
        sampling: SamplingConfig,
        prompts: Mapping[str, Prompt],
        base_url: str | None,
        api_key: str,
    ) -> None:
        self._model = model_name(teacher)
        self._prompts = prompts
        self._price = price_of(self._model)
        self._body: dict[str, Any] = {"model": self._model, "max_tokens": sampling.max_tokens}
        if sampling.temperature is not None:
            self._body["temperature"] = sampling.temperature
        self._extra_body = teacher.extra_body
        self.attempts = 0
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

    async def ask(self, request: Request) -> Sample | Failure:
        """One completion, or the failure that remained after all attempts.

        Raises:
            TeacherRefused: no request to this endpoint can succeed.
        """
        attempt_number = 0
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type(_TransientError),
                wait=_wait,
                stop=stop_after_attempt(_ATTEMPTS),
                reraise=True,
            ):
                with attempt:
                    attempt_number = attempt.retry_state.attempt_number
                    return await self._attempt(request)
        except (_TransientError, openai.APIStatusError) as error:
            return Failure(
                sample_id=request.sample_id,
                problem_id=request.problem_id,
                thought=request.thought,
                draw=request.draw,
                error=" ".join(str(error).split())[:500],
                attempts=attempt_number,
            )
        raise AssertionError("unreachable: tenacity returns or raises")

    async def _attempt(self, request: Request) -> Sample:
        self.attempts += 1
        started = time.monotonic()
        try:
            response: ChatCompletion = await self._client.chat.completions.create(
                messages=self._prompts[request.thought].messages(request.question),  # type: ignore[arg-type]
                extra_headers=request_id_header(request.sample_id),
                extra_body=self._extra_body,
                **self._body,
            )
        except (openai.APIConnectionError, openai.APIResponseValidationError, json.JSONDecodeError) as error:
            raise _TransientError(f"{type(error).__name__}: {error}") from error
        except openai.APIStatusError as error:
            raise _sorted_out(error, self._model) from error
        if not isinstance(response, ChatCompletion) or not response.choices:
            raise _TransientError("an answer without choices")
        return self._sample(request, response, time.monotonic() - started)

    def _sample(self, request: Request, response: ChatCompletion, latency_s: float) -> Sample:
        choice, usage = response.choices[0], response.usage
        cost = None
        if usage is not None and self._price is not None:
            details = usage.prompt_tokens_details
            cached = (details.cached_tokens or 0) if details else 0
            cost = self._price.cost(usage.prompt_tokens, usage.completion_tokens, cached)
        return Sample(
            sample_id=request.sample_id,
            problem_id=request.problem_id,
            thought=request.thought,
            draw=request.draw,
            completion=choice.message.content or choice.message.refusal or "",
            reasoning=getattr(choice.message, "reasoning_content", None),
            finish_reason="refusal" if choice.message.refusal else choice.finish_reason,
            model=response.model,
            prompt_tokens=usage.prompt_tokens if usage else None,
            completion_tokens=usage.completion_tokens if usage else None,
            cost_usd=cost,
            latency_s=round(latency_s, 4),
            request_id=response.id,
        )


def model_name(teacher: TeacherConfig) -> str:
    """The model asked for; the local teachers are named after their kind."""
    return teacher.model or teacher.kind


def _sorted_out(error: openai.APIStatusError, model: str) -> Exception:
    """A transient error, the end of the run, or the error itself (a failure without retry)."""
    said = " ".join(str(error.message).split())
    if error.code == "insufficient_quota":
        return TeacherRefused(f"teacher: the account is exhausted ({said}); top it up and run the same command")
    if error.status_code in (401, 403):
        return TeacherRefused(f"teacher: the endpoint refused the key ({said}); check teacher.api_key_env")
    if error.status_code == 404 and error.code != "no_completion":
        return TeacherRefused(
            f"teacher: the endpoint knows no model '{model}' ({said}); check teacher.model and base_url"
        )
    if error.status_code in (408, 409, 429) or error.status_code >= 500:
        return _TransientError(f"HTTP {error.status_code}: {said}", _retry_after(error.response.headers))
    return error


def _retry_after(headers: Mapping[str, str]) -> float:
    try:
        return min(float(headers.get("retry-after", "0")), 120.0)
    except ValueError:
        return 0.0


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.wait_s if isinstance(error, _TransientError) else 0.0
    return asked + _BACKOFF(state)
