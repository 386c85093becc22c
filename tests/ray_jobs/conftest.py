"""Servers of the tests' own: an S3 server, and teachers that outlive the runs that ask them."""

import contextlib
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent


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
