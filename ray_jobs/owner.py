"""Who works on a run directory that has no locks: a file on the object store, renewed while its owner lives.

    _owner.json   {"token": "5f0c...", "host": "node-1", "pid": 4711, "renewed": 12}

Whether an owner lives is seen by watching the file change, never by comparing clocks of different machines. Two runs
that take over in the same moment read the file again after a pause: it names one of them. Object stores that put
only where nothing lies would settle that without a pause; pyarrow's filesystems do not offer it.
"""

import contextlib
import json
import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Iterator

from pyarrow import fs as pafs

from pipelines.errors import DataError

RENEWED_EVERY_S = 5.0
DEAD_AFTER_S = 20.0
SETTLED_AFTER_S = 2.0


@contextlib.contextmanager
def held(filesystem: pafs.FileSystem, path: str) -> Iterator[None]:
    """Own the file at ``path`` while the block runs; waits ``DEAD_AFTER_S`` where a dead owner left it.

    Raises:
        DataError: another run renews it, or took it while this one stood still.
    """
    found = _read(filesystem, path)
    deadline = time.monotonic() + DEAD_AFTER_S
    while found and time.monotonic() < deadline:
        time.sleep(min(RENEWED_EVERY_S, DEAD_AFTER_S) / 5)
        seen = _read(filesystem, path)
        if seen and seen != found:
            raise _refused(path, seen)
        found = seen
    owner = _Owner(filesystem, path)
    owner.write()
    time.sleep(SETTLED_AFTER_S)
    if not owner.owns():
        raise _refused(path, _read(filesystem, path))
    renewal = threading.Thread(target=owner.renew, daemon=True)
    renewal.start()
    try:
        yield
    except KeyboardInterrupt:
        if owner.lost:
            raise _refused(path, _read(filesystem, path)) from None
        raise
    else:
        if owner.lost:
            raise _refused(path, _read(filesystem, path))
    finally:
        owner.ended.set()
        renewal.join()
        with contextlib.suppress(OSError):  # a store out of reach: the next run takes over what nobody renews
            if owner.owns():
                filesystem.delete_file(path)


class _Owner:
    """This process as the owner of the file."""

    def __init__(self, filesystem: pafs.FileSystem, path: str) -> None:
        self.ended = threading.Event()
        self.lost = False
        self._filesystem = filesystem
        self._path = path
        self._token = uuid.uuid4().hex
        self._writes = 0

    def write(self) -> None:
        """Say that this run lives."""
        self._writes += 1
        said = {"token": self._token, "host": socket.gethostname(), "pid": os.getpid(), "renewed": self._writes}
        with self._filesystem.open_output_stream(self._path) as stream:
            stream.write(json.dumps(said).encode())

    def owns(self) -> bool:
        """Whether the file names this run."""
        return self._token.encode() in _read(self._filesystem, self._path)

    def renew(self) -> None:
        """Write every few seconds; interrupts the main thread where another run has taken over.

        And again later: an interruption that falls into a destructor or a callback of C is lost.
        """
        while not self.ended.wait(DEAD_AFTER_S if self.lost else RENEWED_EVERY_S):
            with contextlib.suppress(OSError):  # the store is away for a moment: the next turn tries again
                if self.lost or not self.owns():
                    self.lost = True
                    os.kill(os.getpid(), signal.SIGINT)  # wakes the main thread wherever it waits
                else:
                    self.write()


def _read(filesystem: pafs.FileSystem, path: str) -> bytes:
    """The file's content; empty where there is none."""
    try:
        with filesystem.open_input_stream(path) as stream:
            return bytes(stream.read())
    except FileNotFoundError:
        return b""


def _refused(path: str, content: bytes) -> DataError:
    try:
        said = json.loads(content)
        who = f" (process {said['pid']} on {said['host']})"
    except (ValueError, KeyError, TypeError):
        who = ""
    folder = path.rsplit("/", 1)[0]
    return DataError(f"{folder}: another run is at work here{who}; wait for it or choose another run_dir")
