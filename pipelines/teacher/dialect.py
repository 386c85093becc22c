"""The dialect: which fields an endpoint takes, learned from its refusals.

    Dialect()                      .body(...) -> {"max_tokens": 512, "temperature": 0.7, "n": 4}
    Dialect(limit="max_completion_tokens", temperature=False, several=False)

Reasoning models want ``max_completion_tokens`` and no ``temperature``; some servers know no ``n``. What a refusal
teaches is used for every later request.
"""

import re
from dataclasses import dataclass, replace
from typing import Any, Literal

_OF_RANGE = re.compile(r"above|below|m(ax|in)imum|\brange\b|[<>]=?|between|(less|greater) than", re.IGNORECASE)
_SEVERAL = re.compile(r"(?<![\w.])['\"`]?n['\"`]?(?![\w.])")


@dataclass(frozen=True)
class Dialect:
    """What the endpoint takes: the name of its token limit, a temperature, several draws in one request."""

    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    temperature: bool = True
    several: bool = True

    def __str__(self) -> str:
        """What is said otherwise than was configured, in words; empty: nothing."""
        changes = {
            "max_completion_tokens for max_tokens": self.limit == "max_completion_tokens",
            "no temperature": not self.temperature,
            "one draw a request": not self.several,
        }
        return ", ".join(words for words, is_so in changes.items() if is_so)

    def body(self, max_tokens: int, temperature: float | None, draws: int) -> dict[str, Any]:
        """These fields of a request's body."""
        body: dict[str, Any] = {self.limit: max_tokens}
        if temperature is not None and self.temperature:
            body["temperature"] = temperature
        if draws > 1:
            body["n"] = draws
        return body

    def after(self, param: str | None, message: str, draws: int) -> "Dialect | None":
        """The dialect that a refusal (HTTP 400, its ``param`` and ``message``) asks for; None: it asks for none."""
        if self.limit == "max_tokens" and "max_completion_tokens" in message:
            return replace(self, limit="max_completion_tokens")
        if self.temperature and (param == "temperature" or (param is None and "temperature" in message)):
            # "Expected a value <= 2" is no reason to sample otherwise than was asked for.
            return None if _OF_RANGE.search(message) else replace(self, temperature=False)
        if self.several and draws > 1 and (param == "n" or (param is None and _SEVERAL.search(message))):
            return replace(self, several=False)
        return None
