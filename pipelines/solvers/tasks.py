"""What a request to the sandbox asks for, and how it is done.

    {"task": "program", "text": "ans = 6 * 8", "kind": "number"}  ->  {"status": "solved", "text": "48", ...}

``begin`` executes nothing: it reads the text in the server and serves what is plain arithmetic or a linear system
there. What it returns otherwise may execute what a model wrote and is called in confined children only. Both come to
the same verdict.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from typing import Any, NoReturn

from pipelines.solvers import equations, imports, program
from pipelines.solvers.outcome import Outcome

Reply = dict[str, Any]
Work = Callable[[], Reply]

MAX_DETAIL = 200
MAX_BEGUN = 4_000  # characters
BEGUN_S = 0.1  # CPU seconds, of the server
STUCK_S = 1.0
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


class _TooLong(Exception):  # noqa: N818 - what it is
    """Something that is better done in a child, which has limits."""


def prepare() -> None:
    """Once in a server, before ``begin``: the signal that bounds what is done in the server itself."""

    def stop(*_: object) -> NoReturn:
        raise _TooLong

    signal.signal(signal.SIGVTALRM, stop)


def begin(request: Reply, libraries: frozenset[str]) -> Reply | Work:
    """The reply, where it takes a moment and no execution, else the work for a child.

    A request may ask to be done ``apart``, wholly in a child: a text that broke the server's own reading of it
    (the second timer ends a server that is stuck in the parser) is asked so when it comes again. ``libraries`` is what
    this server has imported; a reply with the status ``imports.NEEDS`` names all that the work needs.
    """
    if request["task"] == "probe":
        return _probed
    code: program.Code | None = None
    needed = ("sympy",) if request["task"] == "equations" else imports.libraries(request["text"])
    if not request["apart"] and len(request["text"]) <= MAX_BEGUN:
        try:
            signal.setitimer(signal.ITIMER_PROF, STUCK_S)
            signal.setitimer(signal.ITIMER_VIRTUAL, BEGUN_S)
            try:
                begun = _begun(request)
            finally:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
                signal.setitimer(signal.ITIMER_PROF, 0)
            if isinstance(begun, program.Code):
                code, needed = begun, begun.libraries
            elif begun is not None:
                return begun
        except (_TooLong, RecursionError, MemoryError):
            pass
    if not libraries.issuperset(needed):
        return {"status": imports.NEEDS, "text": " ".join(needed), "detail": "", "flags": []}
    if code is None:
        return lambda: perform(request)
    return lambda: _program_reply(program.execute(code, request["kind"]))


def perform(request: Reply) -> Reply:
    """The reply to a request, wholly done here; only in a confined child."""
    if request["task"] == "program":
        return _program_reply(program.run(request["text"], request["kind"]))
    return _equations_reply(equations.solve(request["text"]))


def _begun(request: Reply) -> Reply | program.Code | None:
    if request["task"] == "equations":
        solved = equations.solve_rationally(request["text"])
        return None if solved is None else _equations_reply(solved)
    read = program.read(request["text"], request["kind"])
    return _program_reply(read) if isinstance(read, program.Raw) else read


def _program_reply(raw: program.Raw) -> Reply:
    detail = _ADDRESS.sub("", str(raw.detail))  # the one part that differs from run to run
    return {"status": raw.status, "text": raw.text, "detail": detail[:MAX_DETAIL], "flags": []}


def _equations_reply(solved: Outcome) -> Reply:
    return {
        "status": solved.status,
        "text": solved.answer,
        "detail": solved.detail[:MAX_DETAIL],
        "flags": list(solved.flags),
    }


def _probed() -> Reply:
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

    tried = (
        verdict(lambda: os.close(os.open("/", os.O_RDONLY))),
        verdict(lambda: socket.socket().close()),
        verdict(forked),
    )
    return {"status": "solved", "text": " ".join(tried), "detail": "", "flags": []}
