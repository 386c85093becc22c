"""Why a completion ended, whatever the endpoint calls it.

ending("MAX_TOKENS")     -> "length"           cut: the model had more to say
ending("SAFETY")         -> "content_filter"   a filter withheld it
ending("refusal")        -> "refusal"          the model declined
ending("network_error")  -> "error"            it broke off; the request can be retried
ending("end_turn")       -> "stop"             it is complete, as is anything unknown
"""

import re
from typing import Literal

Ending = Literal["stop", "length", "content_filter", "refusal", "error"]

# In this order: "rate_limit" is an error and "ERROR_LIMIT" is not, "ERROR_TOXIC" is a filter's.
_WORDS: tuple[tuple[Ending, re.Pattern[str]], ...] = (
    ("error", re.compile("ratelimit|timelimit|timeout|timedout")),
    ("refusal", re.compile("refus")),
    (
        "content_filter",
        re.compile(
            "contentfilter|filtered|policy|safety|unsafe|recitation|block|prohibited|sensitive|moderat|spii|guardrail|"
            "flagged|toxic|inspection|censor|violation"
        ),
    ),
    ("length", re.compile("length|limit|max.*token|context|truncat|incomplete|toolong")),
    (
        "error",
        re.compile(
            "error|abort|cancel|fail|network|insufficientsystem|interrupt|malformed|unavailable|overload|disconnect|"
            "exception|preempt"
        ),
    ),
)


def ending(finish_reason: str | None) -> Ending:
    """The kind of a ``finish_reason``; an unknown one counts as complete."""
    letters = re.sub("[^a-z]", "", (finish_reason or "").lower().removeprefix("finish_reason"))
    return next((kind for kind, pattern in _WORDS if pattern.search(letters)), "stop")
