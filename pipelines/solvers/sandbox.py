"""Programs and equations of a model, solved in a process that the kernel confines.

    with Sandbox(timeout_s=5, memory_mb=512) as sandbox:
        sandbox.run_program("ans = 6 * 8")             -> Outcome(status="solved", answer="48", ...)
        sandbox.solve_equations("2 * x = 96\\nans = x")  -> Outcome(status="solved", answer="48", ...)

This side only starts ``fork_server``, sends text and checks the plain values that come back; it never evaluates
them. It sets no signal handlers and works from any thread.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pipelines.errors import ThoughtDistillError
from pipelines.solvers.answers import canonical, extract
from pipelines.solvers.connection import Connection, Died, Settings
from pipelines.solvers.imports import LIBRARIES, NEEDS
from pipelines.solvers.numerals import SPELLED, number_text, spelled_value
from pipelines.solvers.outcome import STATUSES, Outcome
from pipelines.solvers.printed import stated

if TYPE_CHECKING:
    from pipelines.problems.schema import AnswerKind

MAX_REQUEST = 1_000_000  # characters
_ATTEMPTS = 3
_SURROGATE = re.compile("[\ud800-\udfff]")  # a str of Python's that no file can hold


@dataclass(frozen=True)
class Isolation:
    """What the kernel of this machine refuses to a program, as tried out in the sandbox, and a line that says so."""

    files: bool
    network: bool
    processes: bool
    summary: str

    @property
    def complete(self) -> bool:
        """Whether nothing is left open."""
        return self.files and self.network and self.processes


class Sandbox:
    """Confined fork servers, started at first use and again if they die; a context manager.

    ``timeout_s`` is CPU seconds of one program (the wall clock's limit is 3 x + 1), ``memory_mb`` what it may use
    beyond the interpreter. Where ``require_isolation`` and the kernel cannot confine, nothing runs and a request
    raises ThoughtDistillError. There is a small server, and one for each set of libraries (NumPy, SymPy) that a program
    needs, which starts when first needed. Requests from several threads take turns.
    """

    def __init__(self, timeout_s: float = 5, memory_mb: int = 512, require_isolation: bool = False) -> None:
        self._settings = Settings(timeout_s, memory_mb)
        self._require_isolation = require_isolation
        self._lock = threading.Lock()
        self._servers: dict[tuple[str, ...], Connection] = {}
        self._owner = os.getpid()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the servers. The sandbox may be used again: it starts new ones."""
        with self._lock:
            for libraries in list(self._servers):
                self._stop(libraries)

    def run_program(self, source: str, kind: AnswerKind = "number") -> Outcome:
        """Runs a PoT completion: solved, no_answer, syntax_error, runtime_error, timeout, memory_limit, forbidden or
        non_numeric. Raises ThoughtDistillError where no server can be started, or none that is isolated as required."""
        request = {"task": "program", "text": source[:MAX_REQUEST], "kind": kind}
        return _checked(self._ask(request), kind)

    def solve_equations(self, text: str) -> Outcome:
        """Solves an EoT completion: solved, no_answer, unparsable, underdetermined, inconsistent, unsolved, timeout or
        memory_limit. Raises ThoughtDistillError as run_program does."""
        request = {"task": "equations", "text": text[:MAX_REQUEST]}
        return _checked(self._ask(request), "number")

    def pids(self) -> list[int]:
        """The servers' processes."""
        return [server.pid for server in self._servers.values()]

    def isolation(self) -> Isolation:
        """What is enforced here, measured by a child that tries to break out."""
        return _isolation(self._with_server((), lambda server, _: server.measured))

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The small server's reply, or that of the server with the libraries that it says are needed."""
        reply = self._asked(request, ())
        if reply.get("status") == NEEDS:
            reply = self._asked(request, _known(reply.get("text")))
        return reply

    def _asked(self, request: dict[str, Any], libraries: tuple[str, ...]) -> dict[str, Any]:
        return self._with_server(libraries, lambda server, attempt: server.ask(request | {"apart": attempt > 0}))

    def _with_server(
        self, libraries: tuple[str, ...], use: Callable[[Connection, int], dict[str, Any]]
    ) -> dict[str, Any]:
        last: Exception | None = None
        with self._lock:
            for attempt in range(_ATTEMPTS):  # a server killed from outside is no verdict on the program
                try:
                    return use(self._server(libraries), attempt)
                except (Died, OSError) as error:
                    last = error
                    self._stop(libraries)
                except BaseException:  # an interrupt between question and answer: the next must not read this one's
                    self._stop(libraries)
                    raise
        raise ThoughtDistillError(
            f"the sandbox's server ({sys.executable}) died {_ATTEMPTS} times on one completion ({last}): "
            "is the machine out of memory?"
        )

    def _server(self, libraries: tuple[str, ...]) -> Connection:
        if self._owner != os.getpid():  # forked: the servers belong to the other process
            self._owner, self._servers = os.getpid(), {}
        if libraries in self._servers and not self._servers[libraries].alive:
            self._stop(libraries)
        if libraries not in self._servers:
            self._servers[libraries] = Connection(replace(self._settings, libraries=libraries))
            isolation = _isolation(self._servers[libraries].measured)
            if self._require_isolation and not isolation.complete:
                raise ThoughtDistillError(
                    f"verification.require_isolation: {platform.node()} cannot confine programs ({isolation.summary})"
                )
        return self._servers[libraries]

    def _stop(self, libraries: tuple[str, ...]) -> None:
        with contextlib.suppress(KeyError):
            self._servers.pop(libraries).close()


def _known(named: object) -> tuple[str, ...]:
    """The libraries in a reply, which may be hostile: a key of one of our servers, whatever it says."""
    return tuple(name for name in LIBRARIES if isinstance(named, str) and name in named.split())


def _checked(reply: dict[str, Any], kind: AnswerKind) -> Outcome:
    """The outcome in a reply whose every field may be hostile."""
    status, text, flags = reply.get("status"), reply.get("text"), reply.get("flags")
    elapsed = reply.get("elapsed_s")
    outcome = Outcome(
        status if isinstance(status, str) and status in STATUSES else "runtime_error",
        detail=_one_line(reply.get("detail")),
        flags=("reassigned",) if flags == ["reassigned"] else (),
        elapsed_s=elapsed if isinstance(elapsed, float) else 0.0,
    )
    if outcome.status != "solved":
        return outcome
    answer = _answer(text, kind) if isinstance(text, str) and not _SURROGATE.search(text) else None
    if answer is None:
        return replace(outcome, status="non_numeric", detail=f"not a {kind}: {_one_line(text)[:80]}")
    return replace(outcome, answer=answer)


def _answer(text: str, kind: AnswerKind) -> str | None:
    """The answer that the text is, or that it states in so many words; of a printed sentence, the number it states."""
    if (answer := canonical(text, kind)) is not None:
        return answer
    said = extract(text, kind)
    if said is not None and said.how != "last number":
        return said.answer
    if kind != "number":
        return None
    number = stated(text)
    if number == text:  # its only number, read with sign, currency and scale
        return None if said is None else said.answer
    if number is not None:
        return canonical(number, kind)
    word = text.strip(" .!")
    return number_text(spelled_value(word)) if SPELLED.fullmatch(word) else None


def _one_line(text: object) -> str:
    if not isinstance(text, str):
        return ""
    return "".join(sign if sign.isprintable() else " " for sign in text[:200]).strip()


def _isolation(measured: dict[str, Any]) -> Isolation:
    files, network, processes = (measured.get(name) is True for name in ("files", "network", "processes"))
    abi = measured.get("landlock")
    if files and network and processes:
        means = f"Landlock ABI {abi}, seccomp" if abi else "seccomp alone (no file can be opened)"
        return Isolation(
            files, network, processes, f"files, network and processes refused by the kernel: {means}, rlimits"
        )
    left = [name for name, held in (("files", files), ("network", network), ("processes", processes)) if not held]
    return Isolation(
        files,
        network,
        processes,
        f"NOT isolated here ({sys.platform}): {', '.join(left)} open to programs; limits only",
    )
