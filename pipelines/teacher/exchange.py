"""One exchange with a teacher, however it travels: the body of a request and the samples in its response.

    Exchange(teacher, sampling, prompts).body(request, dialect) -> {"model": ..., "messages": [...], "n": 4, ...}
    .samples(request, response, latency_s)                      -> [Sample(...), ...]

The same for a request of its own (``client``) and for a line of a batch (``batch``). It sends nothing.
"""

import re
from collections.abc import Mapping
from typing import Any

from openai.types.chat import ChatCompletion
from openai.types.chat.chat_completion import Choice

from pipelines.config import SamplingConfig, TeacherConfig
from pipelines.errors import CredentialsError
from pipelines.teacher.dialect import Dialect
from pipelines.teacher.price import model_name, price_of
from pipelines.teacher.request import Request, Sample, sample_id
from pipelines.teacher.tokens import PromptTokens, estimate_prompt
from pipelines.thoughts import Prompt

_THINKING = re.compile(r"\A\s*(?:<think>)?(?P<reasoning>.*?)</think>\s*", re.DOTALL)
_UNFINISHED_THINKING = re.compile(r"\A\s*<think>(?P<reasoning>.*)", re.DOTALL)


class TeacherRefused(CredentialsError):  # noqa: N818 - reads as what happened
    """The endpoint will refuse every request: a wrong key, an unknown model, an exhausted account."""


class UnreadableAnswerError(Exception):
    """HTTP 200, and no completion in it that could be read: worth another attempt."""


class Exchange:
    """What requests to one teacher say, what they may cost, and what its responses mean."""

    def __init__(
        self, teacher: TeacherConfig, sampling: SamplingConfig, prompts: Mapping[str, Prompt], price_share: float = 1.0
    ) -> None:
        """``price_share``: the share of the listed price that is charged."""
        self.model = model_name(teacher)
        self._sampling = sampling
        self._extra_body = teacher.extra_body
        self._prompts = prompts
        price = price_of(teacher)
        self._price = None if price is None else price.at(price_share)
        self._prompt_tokens = PromptTokens(
            {
                thought: estimate_prompt(message["content"] for message in prompt.messages(""))
                for thought, prompt in prompts.items()
            }
        )

    def body(self, request: Request, draws: int, dialect: Dialect) -> dict[str, Any]:
        """The body of a request for ``draws`` of the request's completions."""
        return {
            "model": self.model,
            "messages": self._prompts[request.thought].messages(request.question),
            **dialect.body(self._sampling.max_tokens, self._sampling.temperature, draws),
            **self._extra_body,
        }

    def at_most(self, request: Request, draws: int) -> tuple[int, float]:
        """Tokens and dollars (0 where the price is unknown) that a request may use."""
        prompt_tokens = self._prompt_tokens.expected(request.thought, request.question)
        may_answer = draws * self._sampling.max_tokens
        cost = self._price.cost(prompt_tokens, may_answer) if self._price else 0.0
        return prompt_tokens + may_answer, cost

    def samples(self, request: Request, response: ChatCompletion, latency_s: float | None) -> list[Sample]:
        """One row a choice, up to the first that cannot be read; the request's tokens and cost stand in the first row.

        ``response`` may have any shape: it is what the endpoint's JSON says. Where that counts no tokens, the cost is
        the most that it can have been.

        Raises:
            UnreadableAnswerError: it has no choices, or a first one that cannot be read.
        """
        answers: list[tuple[str, str | None, str | None]] = []
        try:
            for choice in (response.choices or [])[: request.draws]:
                answers.append(_read(choice))
        except (AttributeError, KeyError, TypeError) as error:
            if not answers:
                raise UnreadableAnswerError(f"an answer that cannot be read ({error!r})") from error
        if not answers:
            raise UnreadableAnswerError("an answer without choices")
        cost = None if self._price is None else self.at_most(request, len(answers))[1]
        usage = _usage(response)
        if usage is not None:
            self._prompt_tokens.learn(request.thought, request.question, usage[0])
            cost = None if self._price is None else self._price.cost(*usage)
        return [
            Sample(
                sample_id=sample_id(request.problem_id, request.thought, request.draw + turn),
                problem_id=request.problem_id,
                thought=request.thought,
                draw=request.draw + turn,
                completion=completion,
                reasoning=reasoning,
                finish_reason=finish_reason,
                model=_words(response.model),
                prompt_tokens=None if usage is None else usage[0] if turn == 0 else 0,
                completion_tokens=None if usage is None else usage[1] if turn == 0 else 0,
                cost_usd=None if cost is None else cost if turn == 0 else 0.0,
                latency_s=None if latency_s is None else round(latency_s, 4),
                request_id=_words(response.id),
            )
            for turn, (completion, reasoning, finish_reason) in enumerate(answers)
        ]

    def filtered(self, request: Request) -> list[Sample]:
        """What the endpoint's filter refused before any answer: samples that say so."""
        return [
            Sample(
                sample_id=one.sample_ids[0],
                problem_id=one.problem_id,
                thought=one.thought,
                draw=one.draw,
                completion="",
                reasoning=None,
                finish_reason="content_filter",
                model=self.model,
                prompt_tokens=0,
                completion_tokens=0,
                cost_usd=None if self._price is None else 0.0,
                latency_s=0.0,
                request_id=None,
            )
            for one in request.split()
        ]

    def refusal(self, status: int, code: str | None, said: str) -> TeacherRefused | None:
        """The end of the run, where this answer says that no request can succeed."""
        if code == "insufficient_quota" or status == 402:
            return TeacherRefused(f"teacher: the account is exhausted ({said}); top it up and run the same command")
        if status in (401, 403):
            return TeacherRefused(f"teacher: the endpoint refused the key ({said}); check teacher.api_key_env")
        if status == 404 and code != "no_completion":
            return TeacherRefused(
                f"teacher: the endpoint knows no model '{self.model}' ({said}); check teacher.model, and "
                "teacher.base_url, which usually ends in /v1"
            )
        return None


def is_filtered(status: int, error: object) -> bool:
    """Whether a filter stopped this one request: Azure's 400, and OpenRouter's 403 with the reasons it was flagged."""
    if not isinstance(error, Mapping):
        return False
    if status == 403:
        metadata = error.get("metadata")
        return isinstance(metadata, Mapping) and "reasons" in metadata
    return status == 400 and error.get("code") == "content_filter"


def is_transient(status: int) -> bool:
    """Whether an HTTP status is worth another attempt."""
    return status in (408, 409, 429) or status >= 500


def _usage(response: ChatCompletion) -> tuple[int, int, int] | None:
    """Tokens of the prompt, of the completions, and how many of the prompt's were cached; None: not counted."""
    usage: Any = response.usage
    prompt, completion = getattr(usage, "prompt_tokens", None), getattr(usage, "completion_tokens", None)
    if not isinstance(prompt, int) or not isinstance(completion, int):
        return None
    cached = getattr(usage.prompt_tokens_details, "cached_tokens", None)
    return prompt, completion, cached if isinstance(cached, int) else 0


def _read(choice: Choice) -> tuple[str, str | None, str | None]:
    """Completion, hidden thinking and finish reason of a choice.

    Thinking comes in a field of its own (``reasoning_content``, ``reasoning``), as parts of the content, or in the
    text, ended by ``</think>``; without that end it never came to a completion.
    """
    message: Any = choice.message
    finish_reason = _words(choice.finish_reason)
    if refusal := _words(message.refusal):
        return refusal, None, "refusal"
    text = _text(message.content)
    reasoning = _words(getattr(message, "reasoning_content", None)) or _words(getattr(message, "reasoning", None))
    if isinstance(message.content, list):
        reasoning = reasoning or _text(message.content, "thinking") or None
    found = _THINKING.match(text)
    if found is not None:
        return text[found.end() :], reasoning or found["reasoning"].strip(), finish_reason
    found = _UNFINISHED_THINKING.match(text)
    if found is not None:
        return "", reasoning or found["reasoning"].strip(), finish_reason
    return text, reasoning, finish_reason


def _text(content: Any, kind: str = "text") -> str:
    """A content's text; of a list of parts (Mistral's reasoning models send it), that of one ``kind`` of them."""
    if isinstance(content, list):
        return "".join(_text(part[kind]) for part in content if part["type"] == kind)
    if content is not None and not isinstance(content, str):
        raise TypeError(f"content: {type(content).__name__}")
    return content or ""


def _words(value: object) -> str | None:
    """A text, or None in place of anything else, which the column could not hold."""
    return value if isinstance(value, str) else None
