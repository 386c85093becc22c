"""The dialect: which fields an endpoint takes, learned from its refusals.

    Dialect()                      .body(...) -> {"max_tokens": 512, "temperature": 0.7, "n": 4}
    Dialect(limit="max_completion_tokens", temperature=False, several=False, stop=False)

Reasoning models want ``max_completion_tokens``, no ``temperature`` and no ``stop``; some servers know no ``n``. What a
refusal teaches is used for every later request.
"""

import re
from dataclasses import dataclass, replace
from typing import Any, Literal

_OF_RANGE = re.compile(r"above|below|m(ax|in)imum|\brange\b|[<>]=?|between|(less|greater) than", re.IGNORECASE)
_OTHER_LIMIT = re.compile(r"not supported|unsupported|instead|deprecated|not (permitted|allowed)", re.IGNORECASE)
_TOO_LARGE = re.compile(r"too (large|long|high)|context|at (most|least)|exceed", re.IGNORECASE)
_N = re.compile(r"(?<![\w.])['\"`]?n['\"`]?(?![\w.'])")
_ANSWERS = r"(completions?|candidates?|choices?|responses?|generations?|outputs?|samples?|sequences?)"
_SEVERAL = re.compile(
    rf"(only|just|at most|exactly) (one|1|a single) (\w+ )?{_ANSWERS}|"
    rf"(multiple|several|more than (one|1)|parallel) (\w+ )?{_ANSWERS}|"
    rf"number of {_ANSWERS}|candidate_?count|num_(return_sequences|generations|completions)|best_of|parallel sampling",
    re.IGNORECASE,
)
_STOP = re.compile(r"(?<![\w.])['\"`]?stop(['\"`]|(_| )(sequences?|words?|strings?|tokens?)|\b)", re.IGNORECASE)


@dataclass(frozen=True)
class Dialect:
    """What the endpoint takes: the name of its token limit, a temperature, several draws in a request, stop strings."""

    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    temperature: bool = True
    several: bool = True
    stop: bool = True

    def __str__(self) -> str:
        """What is said otherwise than was configured, in words; empty: nothing."""
        changes = {
            "max_completion_tokens for max_tokens": self.limit == "max_completion_tokens",
            "no temperature": not self.temperature,
            "one draw a request": not self.several,
            "no stop strings": not self.stop,
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

    def after(self, param: str | None, message: str, draws: int, stop: bool = False) -> "Dialect | None":
        """The dialect that a refusal (its ``param`` and ``message``) asks for; None: it asks for none.

        ``draws`` and ``stop``: how many completions the refused request asked for, and whether it had stop strings.
        """
        if self.limit == "max_tokens" and "max_completion_tokens" in message:
            # "'max_tokens' or 'max_completion_tokens' is too large" is about the number, not the name.
            is_other = _OTHER_LIMIT.search(message) and not _TOO_LARGE.search(message)
            return replace(self, limit="max_completion_tokens") if is_other else None
        if self.temperature and (param == "temperature" or (param is None and "temperature" in message)):
            # "Expected a value <= 2" is no reason to sample otherwise than was asked for.
            return None if _OF_RANGE.search(message) else replace(self, temperature=False)
        if (
            self.several
            and draws > 1
            and (param == "n" or _SEVERAL.search(message) or (not param and _N.search(message)))
        ):
            return replace(self, several=False)
        if self.stop and stop and (param == "stop" or (not param and _STOP.search(message))):
            return replace(self, stop=False)
        return None
