"""Servers of the tests' own: an S3 server, teachers that outlive the runs that ask them, and a cluster of raylets."""

import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
RAY = Path(sys.executable).parent / "ray"


@pytest.fixture
def teacher_process(tmp_path: Path) -> Iterator[Callable[[int, dict[str, Any]], str]]:
    """Starts the rehearsal of so many generated problems in a process of its own; gives its base URL."""
    with contextlib.ExitStack() as running:

        def start(problems: int, rehearsal: dict[str, Any]) -> str:
            config = {
                "run_dir": str(tmp_path / "teacher"),
                "problems": {"source": "generated", "count": problems},
                "teacher": {"kind": "rehearsal", "rehearsal": rehearsal},
            }
            (tmp_path / "teacher.yaml").write_text(yaml.safe_dump(config))
            command = [sys.executable, "-m", "ray_jobs.teacher", "--config", str(tmp_path / "teacher.yaml")]
            process = running.enter_context(subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True))
            running.callback(process.kill)
            assert process.stderr is not None
            return process.stderr.readline().split(" at ")[-1].strip()

        yield start


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URI of an empty bucket on a local S3 server; this process and its children reach it by the environment."""
    pytest.importorskip("moto", reason="no S3 server: pip install 'moto[s3]' flask flask-cors")
    pytest.importorskip("flask_cors", reason="no S3 server: pip install 'moto[s3]' flask flask-cors")
    command = [sys.executable, "-u", "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        assert server.stderr is not None
        line = next(line for line in server.stderr if "Running on" in line)
        url = line.split()[-1]
        subprocess.Popen(["cat"], stdin=server.stderr, stdout=subprocess.DEVNULL)  # its log must not fill the pipe
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "test")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        create = urllib.request.Request(f"{url}/bucket", method="PUT")
        deadline = time.monotonic() + 20
        while True:
            try:
                urllib.request.urlopen(create).close()
                break
            except urllib.error.URLError:
                assert time.monotonic() < deadline, "the S3 server does not answer"
                time.sleep(0.1)
        yield "s3://bucket"
    finally:
        server.terminate()
        server.wait()


class CuttingProxy:
    """A TCP proxy before a server of this machine, that can cut connections in the middle of what a client sends.

    While ``cut_after`` is a number of bytes, no connection carries more than that towards the server; ``cuts`` counts
    those that ended so. What had been sent until then has reached the server.
    """

    def __init__(self, port: int) -> None:
        self.cut_after: int | None = None
        self.cuts = 0
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the listener is closed
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
                threading.Thread(target=self._answer, args=(server, client), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        sent = 0
        with contextlib.suppress(OSError):
            while part := client.recv(4096):
                most = self.cut_after
                if most is None:
                    sent = 0
                elif sent + len(part) > most:
                    server.sendall(part[: max(0, most - sent)])
                    self.cuts += 1
                    break
                else:
                    sent += len(part)
                server.sendall(part)
        _hang_up(client, server)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while part := server.recv(65536):
                client.sendall(part)
        _hang_up(server, client)


def _hang_up(*ends: socket.socket) -> None:
    for end in ends:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


@pytest.fixture
def cutting(bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[CuttingProxy]:
    """The way to the S3 server, for this process and its children, leads through a proxy that can cut it."""
    proxy = CuttingProxy(int(os.environ["AWS_ENDPOINT_URL"].rpartition(":")[2]))
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.port}")
    yield proxy
    proxy.close()


class LocalCluster:
    """A cluster on this machine: each node a process group of its own, that dies like a node when it is killed.

    Each node has its own folder for what Ray keeps on a disk. No other Ray of the machine is touched. Token
    authentication is on.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("RAY_")},
            "PATH": f"{RAY.parent}:{os.environ['PATH']}",
            "HOME": str(home),
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": "t" * 32,
        }
        self.port, dashboard = _free_port(), _free_port()
        self.environment["RAY_API_SERVER_ADDRESS"] = f"http://127.0.0.1:{dashboard}"
        self._head_options = ("--head", f"--port={self.port}", f"--dashboard-port={dashboard}")
        self._nodes: list[subprocess.Popen[bytes]] = []
        self._numbers = itertools.count()
        self._disks = Path(tempfile.mkdtemp(prefix="td-"))  # short: sockets lie there

    def start_head(self, *options: str) -> subprocess.Popen[bytes]:
        """The head, ready for jobs."""
        head = self._start(*self._head_options, *options)
        deadline = time.monotonic() + 90
        while True:
            try:
                urllib.request.urlopen(f"{self.environment['RAY_API_SERVER_ADDRESS']}/api/version").close()
                return head
            except urllib.error.HTTPError:
                return head  # it answers, and wants the token
            except OSError:
                assert head.poll() is None and time.monotonic() < deadline, "the job server does not answer"
                time.sleep(0.2)

    def add_node(self, *options: str, inside: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        """A worker node; ``inside`` is a command that runs it, such as unshare."""
        return self._start(f"--address=127.0.0.1:{self.port}", *options, inside=inside)

    def lose(self, node: subprocess.Popen[bytes]) -> None:
        """Kill a node with all its processes, as a machine that is taken away."""
        for pid in (node.pid, *_below(node.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(node.pid, signal.SIGKILL)
        node.wait()
        self._nodes.remove(node)

    def processes(self, of: str) -> list[str]:
        """The command lines of the nodes' processes that name ``of``."""
        lines = []
        for pid in (below for node in self._nodes for below in _below(node.pid)):
            with contextlib.suppress(OSError):
                lines.append(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip())
        return [line for line in lines if of in line]

    def submit(self, *command: str, name: str | None = None) -> subprocess.Popen[str]:
        """`ray job submit` of a module of ray_jobs with its arguments; its words on stdout."""
        named = (f"--submission-id={name}",) if name else ()
        return subprocess.Popen(
            [RAY, "job", "submit", *named, "--working-dir", ".", "--", "python", "-m", *command],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def ray(self, *command: str) -> str:
        """A command of Ray's own on the head, such as ``job stop NAME``; what it says."""
        done = subprocess.run([RAY, *command], cwd=ROOT, env=self.environment, capture_output=True, text=True)
        return done.stdout + done.stderr

    def stop(self) -> None:
        """All nodes, the head last."""
        for node in self._nodes[::-1]:
            self.lose(node)
        shutil.rmtree(self._disks, ignore_errors=True)

    def disk(self, number: int) -> Path:
        """Where Ray keeps what is on the disk of a node, the head being 0: objects, logs, the shipped code."""
        return self._disks / str(number)

    def _start(self, *options: str, inside: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        """A node that has joined the cluster."""
        number = next(self._numbers)
        disk = self.disk(number)
        disk.mkdir()
        own = (f"--temp-dir={disk}", "--dashboard-agent-listen-port=0", "--block")
        command = [*inside, str(RAY), "start", *options, *own]
        words = self.home / f"node{number}.log"
        with words.open("wb") as log:
            node = subprocess.Popen(
                command, cwd=self.home, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        self._nodes.append(node)
        deadline = time.monotonic() + 90
        while b"Ray runtime started" not in words.read_bytes():
            assert node.poll() is None and time.monotonic() < deadline, words.read_text()
            time.sleep(0.1)
        return node


def _below(pid: int) -> list[int]:
    """A process's children, theirs, and so on: jobs have process groups of their own."""
    found, waiting = [], [pid]
    while waiting:
        with contextlib.suppress(OSError):
            for children in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
                waiting += (own := [int(child) for child in children.read_text().split()])
                found += own
    return found


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def local_cluster(tmp_path: Path) -> Iterator[LocalCluster]:
    """A cluster without nodes yet, in a home of its own."""
    cluster = LocalCluster(tmp_path)
    yield cluster
    cluster.stop()
