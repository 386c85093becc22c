"""Programs and equations of a model, solved in a process that the kernel confines.

    with Sandbox(timeout_s=5, memory_mb=512) as sandbox:
        sandbox.run_program("ans = 6 * 8")             -> Outcome(status="solved", answer="48", ...)
        sandbox.solve_equations("2 * x = 96\\nans = x")  -> Outcome(status="solved", answer="48", ...)

This side only starts ``fork_server``, sends text and checks the plain values that come back; it never evaluates
them. It sets no signal handlers and works from any thread.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import select
import struct
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pipelines.errors import ThoughtDistillError
from pipelines.solvers.answers import canonical
from pipelines.solvers.outcome import STATUSES, Outcome

if TYPE_CHECKING:
    from pipelines.problems.schema import AnswerKind

MAX_REQUEST = 1_000_000  # characters
_MAX_REPLY = 100_000  # bytes
_START_S = 120.0  # importing SymPy on a busy machine
_GRACE_S = 15.0  # beyond the server's own wall-clock limit
_HEADER = struct.Struct("!I")
_START = (
    "import sys, json; settings = json.loads(sys.argv[1]); sys.path += settings['path']; "
    "from pipelines.solvers.fork_server import main; main(settings)"
)
_PACKAGES = ("sympy", "mpmath")


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


class _Died(Exception):  # noqa: N818 - what happened
    """The server closed its pipe or did not answer."""


class Sandbox:
    """One confined fork server, started at first use and again if it dies; a context manager.

    ``timeout_s`` is CPU seconds of one program (the wall clock's limit is 3 x + 1), ``memory_mb`` what it may use
    beyond the interpreter. Requests from several threads take turns.
    """

    def __init__(self, timeout_s: float = 5, memory_mb: int = 512) -> None:
        self._timeout_s, self._memory_mb = timeout_s, memory_mb
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = os.getpid()
        self._isolation: Isolation | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the server. The sandbox may be used again: it starts a new one."""
        with self._lock:
            self._stop()

    def run_program(self, source: str, kind: AnswerKind = "number") -> Outcome:
        """Runs a PoT completion: solved, no_answer, syntax_error, runtime_error, timeout, memory_limit, forbidden or
        non_numeric. Raises ThoughtDistillError where no server can be started."""
        return _checked(self._ask({"task": "program", "text": source[:MAX_REQUEST], "kind": kind}), kind)

    def solve_equations(self, text: str) -> Outcome:
        """Solves an EoT completion: solved, no_answer, unparsable, underdetermined, inconsistent, unsolved, timeout or
        memory_limit. Raises ThoughtDistillError where no server can be started."""
        return _checked(self._ask({"task": "equations", "text": text[:MAX_REQUEST]}), "number")

    def isolation(self) -> Isolation:
        """What is enforced here, measured by a child that tries to break out."""
        with self._lock:
            self._started()
            assert self._isolation is not None
            return self._isolation

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        body = json.dumps(request).encode()
        with self._lock:
            for _ in range(2):  # a server killed from outside is no verdict on the program
                process = self._started()
                try:
                    _send(process, body)
                    return _receive(process, 3 * self._timeout_s + 1 + _GRACE_S)
                except (_Died, OSError):
                    self._stop()
                except BaseException:  # an interrupt between question and answer: the next must not read this one's
                    self._stop()
                    raise
        raise ThoughtDistillError("the sandbox's server died twice on one completion: is the machine out of memory?")

    def _started(self) -> subprocess.Popen[bytes]:
        if self._owner != os.getpid():  # forked: the server belongs to the other process
            self._owner, self._process = os.getpid(), None
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._stop()
        settings = {"timeout_s": self._timeout_s, "memory_mb": self._memory_mb, "path": _search_path()}
        self._process = subprocess.Popen(
            [sys.executable, "-s", "-S", "-P", "-B", "-X", "utf8", "-c", _START, json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=_environment(),
            start_new_session=True,  # Ctrl-C reaches the parent, which then closes the pipe
        )
        try:
            measured = _receive(self._process, _START_S)
            if "error" in measured:
                raise _Died(_one_line(measured["error"]))
        except (_Died, OSError) as error:
            self._stop()
            raise ThoughtDistillError(f"the sandbox's server did not start with {sys.executable}: {error}") from error
        self._isolation = _isolation(measured)
        return self._process

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()
        try:
            process.wait(1)  # it ends when its input does, its child with it
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


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
    answer = canonical(text, kind) if isinstance(text, str) else None
    if answer is None:
        return replace(outcome, status="non_numeric", detail=f"not a {kind}: {_one_line(text)[:80]}")
    return replace(outcome, answer=answer)


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


def _search_path() -> list[str]:
    """Folders that the server imports from beside the standard library: this project's and SymPy's."""
    folders = [str(Path(__file__).resolve().parents[2])]
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise ThoughtDistillError(
                f"{package} is not installed: programs and equations need it, run pip install {package}"
            )
        folders.append(str(Path(spec.origin).resolve().parents[1]))
    return list(dict.fromkeys(folders))


def _environment() -> dict[str, str]:
    """Nothing of ours: fixed hashing and pure-Python numbers, so that a verdict is the same everywhere."""
    environment = {"PYTHONHASHSEED": "0", "MPMATH_NOGMPY": "1", "SYMPY_GROUND_TYPES": "python", "LC_ALL": "C.UTF-8"}
    if "LD_LIBRARY_PATH" in os.environ:  # some interpreters need it to start
        environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
    return environment


def _send(process: subprocess.Popen[bytes], body: bytes) -> None:
    assert process.stdin is not None
    view = memoryview(_HEADER.pack(len(body)) + body)
    while view:
        view = view[os.write(process.stdin.fileno(), view) :]


def _receive(process: subprocess.Popen[bytes], seconds: float) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    size = _HEADER.unpack(_read(process, _HEADER.size, deadline))[0]
    if size > _MAX_REPLY:
        raise _Died("it answers in no known form")
    message = json.loads(_read(process, size, deadline))
    if not isinstance(message, dict):
        raise _Died("it answers in no known form")
    return message


def _read(process: subprocess.Popen[bytes], size: int, deadline: float) -> bytes:
    assert process.stdout is not None
    poll = select.poll()
    poll.register(process.stdout, select.POLLIN)
    parts = bytearray()
    while len(parts) < size:
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            raise _Died("it does not answer")
        part = os.read(process.stdout.fileno(), size - len(parts))
        if not part:
            raise _Died("it ended")
        parts += part
    return bytes(parts)
