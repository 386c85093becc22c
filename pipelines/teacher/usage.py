"""The tokens that a response says it used, in the shapes that gateways send.

    usage of                                    reasoning tokens                     cached tokens
    OpenAI, OpenRouter, vLLM, DeepSeek          inside ``completion_tokens``         inside ``prompt_tokens``
    Gemini's OpenAI endpoint, xAI               only inside ``total_tokens``         inside ``prompt_tokens``
    Anthropic's fields (LiteLLM passes them)    inside ``output_tokens``             beside ``input_tokens``

Where the shape is ambiguous, the larger number of tokens counts: a budget may stop early, never late.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_MOST = 10**9  # a larger count is not one of tokens


@dataclass(frozen=True)
class Usage:
    """Tokens of one request: of the prompt, cached ones included, and of its completions, thinking included."""

    prompt: int
    completion: int
    cached: int = 0

    @classmethod
    def of(cls, usage: object) -> "Usage | None":
        """The usage that a response states, which may count no completion tokens; None where it counts no prompt."""
        prompt = _count(usage, "prompt_tokens", "input_tokens")
        completion = _count(usage, "completion_tokens", "output_tokens")
        total = _count(usage, "total_tokens")
        if not prompt:
            return None
        cached = _cached(usage)
        if _is_beside(usage, cached, prompt, completion, total):
            prompt += cached + _count(usage, "cache_creation_input_tokens")
        if total > prompt:
            completion = max(completion, total - prompt)
        reasoning = _reasoning(usage)
        if reasoning > completion:  # beside the completion, and in no total
            completion += reasoning
        return cls(prompt, completion, cached)


def _is_beside(usage: object, cached: int, prompt: int, completion: int, total: int) -> bool:
    """Whether cached tokens are counted beside those of the prompt."""
    if _count(usage, "prompt_tokens") == 0:
        return not total and _field(usage, "input_tokens_details") is None
    return cached > prompt or (cached > 0 and total == prompt + cached + completion)


def _cached(usage: object) -> int:
    return max(
        _count(_field(usage, "prompt_tokens_details"), "cached_tokens"),
        _count(_field(usage, "input_tokens_details"), "cached_tokens"),
        _count(usage, "cached_tokens", "prompt_cache_hit_tokens", "cache_read_input_tokens"),
    )


def _reasoning(usage: object) -> int:
    return max(
        _count(_field(usage, "completion_tokens_details"), "reasoning_tokens"),
        _count(_field(usage, "output_tokens_details"), "reasoning_tokens"),
        _count(usage, "reasoning_tokens"),
    )


def _count(usage: object, *names: str) -> int:
    """The first of these fields that is a number of tokens; 0 where none is."""
    for name in names:
        value = _field(usage, name)
        if isinstance(value, str) and value.strip().isdecimal():
            value = int(value)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= _MOST:
            return math.ceil(value)
    return 0


def _field(value: object, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
