"""This side's end of one fork server: starts it as a clean process, sends text, reads plain values.

    with closing(Connection(Settings(timeout_s=5, memory_mb=512))) as connection:
        connection.ask({"task": "program", "text": "ans = 6 * 8", "kind": "number"})  -> {"status": "solved", ...}

Nothing that comes back is trusted to be more than JSON; ``sandbox`` checks every field.
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
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import ThoughtDistillError

_MAX_REPLY = 100_000  # bytes
_START_S = 120.0  # importing SymPy on a busy machine
_GRACE_S = 15.0  # beyond the server's own wall-clock limit
_HEADER = struct.Struct("!I")
_START = (
    "import sys, json; settings = json.loads(sys.argv[1]); sys.path += settings['path']; "
    "from pipelines.solvers.fork_server import main; main(settings)"
)
_PACKAGES = ("sympy", "mpmath", "numpy")


class Died(Exception):  # noqa: N818 - what happened
    """The server closed its pipe or did not answer."""


@dataclass(frozen=True)
class Settings:
    """``timeout_s``: CPU seconds of one child; ``memory_mb``: what it may use beyond the interpreter;
    ``libraries``: what the server imports before it forks (of ``imports.LIBRARIES``), which makes each fork dearer."""

    timeout_s: float
    memory_mb: int
    libraries: tuple[str, ...] = ()


class Connection:
    """A running server. ``measured`` is what it found out about its confinement when it started."""

    def __init__(self, settings: Settings) -> None:
        """Raises Died or OSError where the server does not start, ThoughtDistillError without SymPy or NumPy."""
        self._patience_s = 3 * settings.timeout_s + 1 + _GRACE_S
        argument = json.dumps(asdict(settings) | {"path": _search_path()})
        self._process = subprocess.Popen(
            [sys.executable, "-s", "-S", "-P", "-B", "-X", "utf8", "-c", _START, argument],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=_environment(),
            start_new_session=True,  # Ctrl-C reaches the parent, which then closes the pipe
        )
        try:
            self.measured = self._receive(_START_S)
            if "error" in self.measured:
                raise Died(str(self.measured["error"])[:200])
        except BaseException:
            self.close()
            raise

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The reply to a request. Raises Died or OSError where there is none: the connection is of no more use."""
        self._send(json.dumps(request).encode())
        return self._receive(self._patience_s)

    @property
    def pid(self) -> int:
        """The server's process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the server runs."""
        return self._process.poll() is None

    def close(self) -> None:
        """Ends the server; its child, if any, goes with it."""
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()
        try:
            self._process.wait(1)  # it ends when its input does
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _send(self, body: bytes) -> None:
        assert self._process.stdin is not None
        view = memoryview(_HEADER.pack(len(body)) + body)
        while view:
            view = view[os.write(self._process.stdin.fileno(), view) :]

    def _receive(self, seconds: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        handle = self._process.stdout.fileno()
        deadline = time.monotonic() + seconds
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        parts = bytearray()
        while len(parts) < (size := _size(parts)):
            left = deadline - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                raise Died("it does not answer")
            part = os.read(handle, size - len(parts) if len(parts) >= _HEADER.size else _MAX_REPLY)
            if not part:
                raise Died("it ended")
            parts += part
        message = json.loads(parts[_HEADER.size :])
        if not isinstance(message, dict):
            raise Died("it answers in no known form")
        return message


def _size(parts: bytearray) -> int:
    """Bytes of the whole message that begins with ``parts``."""
    if len(parts) < _HEADER.size:
        return _HEADER.size
    size: int = _HEADER.unpack_from(parts)[0]
    if size > _MAX_REPLY:
        raise Died("it answers in no known form")
    return _HEADER.size + size


def _search_path() -> list[str]:
    """Folders that the server imports from beside the standard library: this project's, SymPy's and NumPy's."""
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
    """Nothing of ours: fixed hashing and pure-Python numbers, so that a verdict is the same everywhere, and no threads
    for NumPy, which a confined process cannot start."""
    environment = {"PYTHONHASHSEED": "0", "MPMATH_NOGMPY": "1", "SYMPY_GROUND_TYPES": "python", "LC_ALL": "C.UTF-8"}
    environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    if "LD_LIBRARY_PATH" in os.environ:  # some interpreters need it to start
        environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
    return environment
