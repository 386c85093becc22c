"""What a request to the sandbox asks for, and how it is done.

    {"task": "program", "text": "ans = 6 * 8", "kind": "number"}  ->  {"status": "solved", "text": "48", ...}

``perform`` may execute what a model wrote and is called in confined children only; ``perform_here`` executes nothing
and serves what is plain enough in the server itself. Both come to the same verdict.
"""

from __future__ import annotations

import os
import signal
from typing import Any, NoReturn

from pipelines.solvers import equations, program
from pipelines.solvers.outcome import Outcome

Reply = dict[str, Any]

MAX_DETAIL = 200
MAX_SOLVED_HERE = 4_000  # characters
SOLVED_HERE_S = 0.1


class _TooLong(Exception):  # noqa: N818 - what it is
    """Something that is better solved in a child, which has limits."""


def perform_here(request: Reply) -> Reply | None:
    """The reply for a linear system or plain arithmetic that takes a moment; None where a child has to.

    Nothing of the text is executed, so it needs no process of its own, only a bound on time; a child comes to the
    same verdict.
    """
    task, text = request["task"], request.get("text", "")
    if task == "probe" or len(text) > MAX_SOLVED_HERE:
        return None

    def stop(*_: object) -> NoReturn:
        raise _TooLong

    previous = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, SOLVED_HERE_S)
        if task == "program":
            raw = program.run_plain(text, request["kind"])
            return None if raw is None else _program_reply(raw)
        solved = equations.solve_rationally(text)
        return None if solved is None else _equations_reply(solved)
    except (_TooLong, RecursionError, MemoryError):
        return None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def _program_reply(raw: program.Raw) -> Reply:
    return {"status": raw.status, "text": raw.text, "detail": str(raw.detail)[:MAX_DETAIL], "flags": []}


def _equations_reply(solved: Outcome) -> Reply:
    return {
        "status": solved.status,
        "text": solved.answer,
        "detail": solved.detail[:MAX_DETAIL],
        "flags": list(solved.flags),
    }


def perform(request: Reply) -> Reply:
    """The reply to a request; only in a confined child."""
    if request["task"] == "program":
        return _program_reply(program.run(request["text"], request["kind"]))
    if request["task"] == "equations":
        return _equations_reply(equations.solve(request["text"]))
    return {"status": "solved", "text": _probed(), "detail": "", "flags": []}


def _probed() -> str:
    """Tries a file, a socket and a new process: "refused" or "allowed" for each."""
    import socket

    def verdict(action: Any) -> str:
        try:
            action()
        except OSError:
            return "refused"
        return "allowed"

    def forked() -> None:
        if os.fork() == 0:
            os._exit(0)

    return " ".join(
        (
            verdict(lambda: os.close(os.open("/", os.O_RDONLY))),
            verdict(lambda: socket.socket().close()),
            verdict(forked),
        )
    )
