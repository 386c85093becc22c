"""The confined process that forks a child for each program or system of equations.

    request   {"task": "program", "text": "ans = 6 * 8", "kind": "number"}
    reply     {"status": "solved", "text": "48", "detail": "", "flags": [], "elapsed_s": 0.002}

``sandbox`` starts it as a clean interpreter (no environment, no inherited files) and talks with it over two pipes;
messages are a 4-byte length and JSON. It imports what programs may use, gives up its rights, and then only forks,
waits, kills and reaps. A child reports on a pipe of its own, once, behind a secret that it drew for this child only;
how it died is read from the kernel. So a program can forge nothing but its own answer, which it may choose anyway.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import json
import os
import random
import select
import signal
import struct
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from pipelines.solvers import program, tasks
from pipelines.solvers.confinement import (
    Filter,
    address_space,
    confine_files,
    drop_rights,
    fork,
    limit,
    limit_time,
)
from pipelines.solvers.tasks import Reply, Work

MAX_REPLY = 16_384
MAX_TEXT = 2_000
_HEADER = struct.Struct("!I")
_MIB = 1024 * 1024
_WARM_UP = "def solution():\n    import math\n    return sum(n for n in [1, 2])\nprint(f'{solution():.2f}')"
_WARM_UPS = 20  # CPython rewrites a function's code after some calls; done in the server, no child has to
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")  # what the standard library's extensions are linked with
_MODULES = ("_strptime", "calendar", "functools", "heapq", "operator", "random", "socket", "string", "typing")


def main(settings: Reply) -> None:
    """Serves requests until the other side closes the pipe. ``settings``: timeout_s, memory_mb, libraries."""
    requests, replies = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.close(null)
    try:
        server = _Server(requests, replies, settings, _preload(settings["libraries"]))
        measured = server.measured()
    except Exception as error:
        _send(replies, {"error": f"{type(error).__name__}: {error}"[: tasks.MAX_DETAIL]})
        return
    _send(replies, measured)
    while (request := _receive(requests)) is not None:
        _send(replies, server.answer(request))
        server.bury()
    os._exit(0)  # nothing to tidy up, and taking SymPy down takes long


class _Server:
    def __init__(self, requests: int, replies: int, settings: Reply, folders: list[str]) -> None:
        self._requests, self._replies = requests, replies
        self._timeout_s: float = settings["timeout_s"]
        self._wall_s = 3 * self._timeout_s + 1
        self._libraries = frozenset(settings["libraries"])
        self._landlock = confine_files(folders)
        drop_rights()
        limit(address_space() + settings["memory_mb"] * _MIB)
        self._filter = Filter(opens=self._landlock > 0)
        self._filtered = True
        self._reported: int | None = None
        tasks.prepare()
        random.seed(0)
        gc.collect()
        gc.freeze()

    def measured(self) -> Reply:
        """What the kernel really refuses here, tried out in a child."""
        reply = self.answer({"task": "probe"})
        if reply["status"] != "solved":
            self._filtered = False
            reply = self.answer({"task": "probe"})
        self.bury()
        found = (reply["text"] or "no no no").split()
        return {
            "files": found[0] == "refused",
            "network": found[1] == "refused",
            "processes": found[2] == "refused",
            "landlock": self._landlock,
        }

    def answer(self, request: Reply) -> Reply:
        """Forks a child for the request and waits for it; small linear systems and plain arithmetic need none."""
        started = time.monotonic()
        begun = tasks.begin(request, self._libraries)
        reply = self._forked(begun, started) if callable(begun) else begun
        reply["elapsed_s"] = round(time.monotonic() - started, 6)
        return reply

    def _forked(self, work: Work, started: float) -> Reply:
        secret = os.urandom(16).hex()
        results, results_in = os.pipe()
        pid = fork()
        if pid == 0:
            self._child(work, secret, results, results_in)
        os.close(results_in)
        try:
            written, overdue = self._wait(pid, results, secret.encode(), started + self._wall_s)
        finally:
            os.close(results)
        if (found := _reported(written, secret)) is not None:
            self._reported = pid
            return found
        return _judged(pid, written, overdue, self._timeout_s)

    def bury(self) -> None:
        """Ends and reaps a child that has reported, while the other side reads its reply."""
        if self._reported is not None:
            _kill(self._reported)
            os.waitpid(self._reported, 0)
            self._reported = None

    def _wait(self, pid: int, results: int, secret: bytes, deadline: float) -> tuple[bytes, bool]:
        """What the child wrote until it closed its pipe, and whether it was still busy at the deadline.

        What does not begin with the secret ends the wait at once; a parent that goes away ends it and the server.
        """
        poll = select.poll()
        poll.register(results, select.POLLIN)
        poll.register(self._requests, 0)  # only: has the other side hung up
        written = bytearray()
        while (left := deadline - time.monotonic()) > 0:
            for ready, event in poll.poll(left * 1000 + 1):
                if ready == self._requests and event & (select.POLLHUP | select.POLLERR):
                    _kill(pid)
                    os._exit(0)
                if ready == results:
                    part = os.read(results, MAX_REPLY)
                    written += part
                    if not part or len(written) > MAX_REPLY or written[: len(secret)] != secret[: len(written)]:
                        return bytes(written), False
        return bytes(written), True

    def _child(self, work: Work, secret: str, results: int, results_in: int) -> NoReturn:
        status = 1
        try:
            os.setsid()
            self._filter.die_with_parent()
            for handle in (results, self._requests, self._replies):
                os.close(handle)
            limit_time(self._timeout_s)
            if self._filtered and not self._filter.enforce():
                os._exit(2)
            try:
                found = work()
            except MemoryError:
                found = _reply("memory_limit", "")
            os.write(results_in, f"{secret}{json.dumps(found)}\n".encode())
            status = 0
        finally:
            os._exit(status)


def _judged(pid: int, written: bytes, overdue: bool, timeout_s: float) -> Reply:
    """Ends and reaps a child that has not reported, and makes the reply from how it ended and what it wrote."""
    exit_status, cpu_s, alive = _reaped(pid, patient=not written and not overdue)
    if written:
        return _reply("forbidden", "wrote on the result channel")
    signalled = os.WTERMSIG(exit_status) if os.WIFSIGNALED(exit_status) else 0
    if overdue or signalled in (signal.SIGPROF, signal.SIGXCPU):
        return _reply("timeout", "wall clock" if overdue else "CPU time")
    if alive or not signalled:
        return _reply("runtime_error", "ended without a result")
    if signalled == signal.SIGKILL:
        return _reply("timeout", "CPU time") if cpu_s >= timeout_s else _reply("memory_limit", "killed")
    return _reply("runtime_error", f"ended by signal {signalled}")


def _reported(written: bytes, secret: str) -> Reply | None:
    """The child's own report; None where there is none, or where something else was written."""
    line = written.decode("utf-8", "replace")
    if not line.startswith(secret) or not line.endswith("\n") or line.count("\n") != 1:
        return None
    try:
        found = json.loads(line[len(secret) :])
        status, text, detail, flags = (found[name] for name in ("status", "text", "detail", "flags"))
    except (ValueError, RecursionError, KeyError, TypeError):
        return None
    if not isinstance(status, str) or not isinstance(detail, str) or not isinstance(text, str | None):
        return None
    reassigned = flags == ["reassigned"]
    return _reply(status, detail) | {"text": text and text[:MAX_TEXT], "flags": flags if reassigned else []}


def _reaped(pid: int, *, patient: bool) -> tuple[int, float, bool]:
    """Wait status and CPU seconds of the child, and whether it was still alive when it was killed.

    A patient wait leaves it a moment to end by itself, so that the status says how. The group goes with it, before
    its number is free again.
    """
    alive = patient
    if patient and hasattr(os, "waitid"):
        for pause in (0.0, 0.001, 0.01, 0.1, 0.5):  # its pipe is closed: it is ending, or it closed it on purpose
            time.sleep(pause)
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                alive = False
                break
    _kill(pid)
    _, status, usage = os.wait4(pid, 0)
    return status, usage.ru_utime + usage.ru_stime, alive


def _kill(pid: int) -> None:
    for end in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            end(pid, signal.SIGKILL)


def _reply(status: str, detail: str) -> Reply:
    return {"status": status, "text": None, "detail": detail, "flags": []}


def _preload(libraries: Sequence[str]) -> list[str]:
    """Imports what programs may use, warms it up, and returns the folders that programs may read."""
    for name in _MODULES:
        importlib.import_module(name)
    folders = [Path(os.__file__).parent]  # beside os lies the standard library
    for name in ("sympy", "mpmath", *libraries):
        spec = importlib.util.find_spec(name)
        assert spec is not None and spec.origin is not None
        folders.append(Path(spec.origin).parent)
    if "sympy" in libraries:
        _warm_up_sympy()
    if "numpy" in libraries:
        _warm_up_numpy()
        folders.append(folders[-1].with_name("numpy.libs"))  # its BLAS, where a wheel brings one
    sys.meta_path.insert(0, program.OfferedModules())
    os.environ.clear()
    warnings.simplefilter("ignore")
    for _ in range(_WARM_UPS):
        json.dumps(tasks.perform({"task": "program", "text": _WARM_UP, "kind": "number"}))
    return [*map(str, folders), *_LIBRARIES]


def _warm_up_sympy() -> None:
    import sympy

    x, y = sympy.symbols("x y")
    sympy.solve([x * y - 6, x + y - 5], [x, y], dict=True)
    sympy.solve(2 ** (x - 1) - 10, x)
    sympy.real_roots(sympy.Poly(x**2 - 2, x))


def _warm_up_numpy() -> None:
    import numpy

    numpy.random.seed(0)
    numpy.linalg.solve(numpy.eye(2), numpy.ones(2))
    numpy.roots([1, 0, -4])
    repr(numpy.float32(0.1)), numpy.arange(3).sum(), numpy.mean([1, 2]), numpy.polynomial.Polynomial([1, 2])(3)


def _receive(handle: int) -> Reply | None:
    header = _read(handle, _HEADER.size)
    if header is None:
        return None
    body = _read(handle, _HEADER.unpack(header)[0])
    return None if body is None else json.loads(body)


def _read(handle: int, size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        part = os.read(handle, size - len(parts))
        if not part:
            return None
        parts += part
    return bytes(parts)


def _send(handle: int, message: Reply) -> None:
    body = json.dumps(message).encode()
    view = memoryview(_HEADER.pack(len(body)) + body)
    while view:
        view = view[os.write(handle, view) :]
