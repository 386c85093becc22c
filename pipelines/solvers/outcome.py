"""What solving a completion ended with.

    Outcome(status="solved", answer="48", detail="", flags=(), elapsed_s=0.002)
    Outcome(status="underdetermined", answer=None, detail="free: price", flags=(), elapsed_s=0.002)

Whether the answer is the right one is not said here: a solver never sees the gold answer.
"""

from dataclasses import dataclass

STATUSES = frozenset(
    {
        "solved",
        "no_answer",
        "truncated",
        "refused",
        "timeout",
        "memory_limit",
        # programs
        "syntax_error",
        "runtime_error",
        "forbidden",
        "non_numeric",
        # equations
        "unparsable",
        "underdetermined",
        "inconsistent",
        "unsolved",
    }
)


@dataclass(frozen=True)
class Outcome:
    """One completion, solved or not.

    ``status`` is one of ``STATUSES``; ``answer`` is canonical text (``answers.canonical``) where the status
    is ``solved``, else None; ``detail`` is one short line that says why; ``flags`` name what a reader should
    be suspicious of (``reassigned``); ``elapsed_s`` is wall-clock seconds.
    """

    status: str
    answer: str | None = None
    detail: str = ""
    flags: tuple[str, ...] = ()
    elapsed_s: float = 0.0
