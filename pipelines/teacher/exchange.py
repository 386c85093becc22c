"""One exchange with a teacher, however it travels: the body of a request and the samples in its response.

    Exchange(teacher, sampling, prompts).body(request, dialect) -> {"model": ..., "messages": [...], "n": 4, ...}
    .samples(request, response, latency_s)                      -> [Sample(...), ...]

The same for a request of its own (``client``) and for a line of a batch (``batch``). It sends nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from openai.types.chat import ChatCompletion

from pipelines.config import SamplingConfig, TeacherConfig
from pipelines.errors import CredentialsError
from pipelines.teacher.dialect import Dialect
from pipelines.teacher.error_reply import ErrorReply
from pipelines.teacher.price import model_name, price_of
from pipelines.teacher.request import Request, Sample, sample_id
from pipelines.teacher.thinking import split_thinking
from pipelines.teacher.tokens import PromptTokens, estimate_prompt
from pipelines.teacher.usage import Usage
from pipelines.thoughts import Prompt
from pipelines.thoughts.ending import ending


class TeacherRefused(CredentialsError):  # noqa: N818 - reads as what happened
    """The endpoint will refuse every request: a wrong key, an unknown model, an exhausted account."""


class UnreadableAnswerError(Exception):
    """HTTP 200, and no completion in it that can be used: worth another attempt."""

    def __init__(self, message: str, cost_usd: float = 0.0) -> None:
        """``cost_usd``: what its usage says that it cost."""
        super().__init__(message)
        self.cost_usd = cost_usd


class Exchange:
    """What requests to one teacher say, what they may cost, and what its responses mean."""

    def __init__(
        self, teacher: TeacherConfig, sampling: SamplingConfig, prompts: Mapping[str, Prompt], price_share: float = 1.0
    ) -> None:
        """``price_share``: the share of the listed price that is charged."""
        self.model = model_name(teacher)
        self._sampling = sampling
        self.has_stop = bool(sampling.stop)
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
            **({"stop": self._sampling.stop} if self._sampling.stop and dialect.stop else {}),
            **self._extra_body,
        }

    def at_most(self, request: Request, draws: int) -> tuple[int, float]:
        """Tokens and dollars (0 where the price is unknown) that a request may use."""
        prompt_tokens = self._prompt_tokens.expected(request.thought, request.question)
        may_answer = draws * self._sampling.max_tokens
        cost = self._price.cost(prompt_tokens, may_answer) if self._price else 0.0
        return prompt_tokens + may_answer, cost

    def samples(self, request: Request, response: ChatCompletion, latency_s: float | None) -> list[Sample]:
        """One row for each choice that can be used; the request's tokens and cost are in the first row.

        ``response`` may have any shape: it is what the endpoint's JSON says. Where that counts no tokens, the cost is
        the most that it can have been.

        Raises:
            UnreadableAnswerError: it has no choice that can be used.
        """
        answers, problem = _answers(response, request.draws)
        usage = Usage.of(getattr(response, "usage", None))
        if usage is not None and usage.completion == 0 and any(answer.has_text for answer in answers):
            usage = None  # it says something and counts nothing
        if usage is not None:
            self._prompt_tokens.learn(request.thought, request.question, usage.prompt)
        if not answers:
            raise UnreadableAnswerError(problem, self._cost(usage) or 0.0)
        cost = self._cost(usage)
        if cost is None and self._price is not None:
            cost = self.at_most(request, max(len(answers), choices_in(response)))[1]
        return [
            Sample(
                sample_id=sample_id(request.problem_id, request.thought, request.draw + turn),
                problem_id=request.problem_id,
                thought=request.thought,
                draw=request.draw + turn,
                completion=answer.completion,
                reasoning=answer.reasoning,
                finish_reason=answer.finish_reason,
                model=_words(getattr(response, "model", None)),
                prompt_tokens=None if usage is None else usage.prompt if turn == 0 else 0,
                completion_tokens=None if usage is None else usage.completion if turn == 0 else 0,
                cost_usd=None if cost is None else cost if turn == 0 else 0.0,
                latency_s=None if latency_s is None else round(latency_s, 4),
                request_id=_words(getattr(response, "id", None)),
            )
            for turn, answer in enumerate(answers)
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

    def _cost(self, usage: Usage | None) -> float | None:
        """Dollars; None where usage or price is unknown."""
        if usage is None or self._price is None:
            return None
        return self._price.cost(usage.prompt, usage.completion, usage.cached)

    def refusal(self, reply: ErrorReply) -> TeacherRefused | None:
        """The end of the run, where this reply says that no request can succeed."""
        said = reply.message
        if reply.is_page and not reply.is_transient:
            return TeacherRefused(
                f"teacher: a gateway answered, not the endpoint (HTTP {reply.status}, a web page: {said}); check "
                "teacher.base_url, which usually ends in /v1, and any proxy or firewall on the way"
            )
        if reply.is_exhausted:
            return TeacherRefused(
                f"teacher: the account is exhausted ({said}); top it up, or wait for the next day's quota, and run the "
                "same command"
            )
        if reply.is_unknown_model:
            return TeacherRefused(
                f"teacher: the endpoint knows no model '{self.model}' ({said}); check teacher.model, and "
                "teacher.base_url, which usually ends in /v1"
            )
        if reply.is_wrong_key:
            return TeacherRefused(f"teacher: the endpoint refused the key ({said}); check teacher.api_key_env")
        return None


def refused_always(reply: ErrorReply) -> TeacherRefused:
    """The end of the run for a refusal that every request would meet."""
    return TeacherRefused(
        f"teacher: the endpoint refuses every request (HTTP {reply.status}: {reply.message}); change what it names "
        "(teacher.extra_body, sampling, the model) and run the same command"
    )


@dataclass(frozen=True)
class _Answer:
    completion: str
    reasoning: str | None
    finish_reason: str | None

    @property
    def has_text(self) -> bool:
        return bool(self.completion.strip() or self.reasoning)


def choices_in(response: object) -> int:
    """How many choices a response has, usable or not."""
    choices = getattr(response, "choices", None)
    return len(choices) if isinstance(choices, list) else 0


def _answers(response: object, most: int) -> tuple[list[_Answer], str]:
    """The choices that can be used, in their order, and what is wrong with the first of the others."""
    if isinstance(response, str):
        reply = ErrorReply.of(200, response)
        kind = "a web page" if reply.is_page else "a text in place of JSON"
        return [], f"{kind}: {reply.message[:200]}"
    answers: list[_Answer] = []
    problem = "an answer without choices"
    if choices_in(response):
        problem = ""
        for choice in _in_order(getattr(response, "choices", []))[:most]:
            try:
                answers.append(_read(choice))
            except _UnusableError as error:
                problem = problem or str(error)
            except (AttributeError, KeyError, TypeError) as error:
                problem = problem or f"an answer that cannot be read ({error!r})"
    return answers, problem


def _in_order(choices: list[Any]) -> list[Any]:
    """By ``index`` where every choice has its own."""
    indices = [getattr(choice, "index", None) for choice in choices]
    numbers = [index for index in indices if isinstance(index, int)]
    if len(set(numbers)) < len(choices):
        return choices
    return [choice for _, choice in sorted(zip(numbers, choices, strict=True), key=lambda pair: pair[0])]


class _UnusableError(Exception):
    """A choice that is broken off or empty."""


def _read(choice: Any) -> _Answer:
    """Completion, hidden thinking and finish reason of a choice.

    Thinking comes in a field of its own (``reasoning_content``, ``reasoning``), as parts of the content, or in the
    text (``thinking``). Cut and filtered answers have our words for it: "length" and "content_filter".

    Raises:
        _UnusableError: it broke off, or it is empty without a reason.
    """
    message: Any = choice.message
    finish_reason = _words(choice.finish_reason)
    if refusal := _words(message.refusal):
        return _Answer(refusal, None, "refusal")
    kind = ending(finish_reason)
    if kind == "error" or getattr(choice, "error", None):
        said = ErrorReply.in_body(200, getattr(choice, "error", None) or finish_reason).message
        raise _UnusableError(f"the answer broke off (finish_reason {finish_reason}: {said})")
    text = _text(message.content)
    reasoning = _words(getattr(message, "reasoning_content", None)) or _words(getattr(message, "reasoning", None))
    if isinstance(message.content, list):
        reasoning = reasoning or _text(message.content, "thinking") or None
    completion, in_text = split_thinking(text)
    answer = _Answer(completion, reasoning or in_text, finish_reason if kind in ("stop", "refusal") else kind)
    if kind == "stop" and not answer.has_text:
        raise _UnusableError(f"an empty answer (finish_reason {finish_reason})")
    return answer


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
