"""Storage that fails under a run, said in one line: a full disk, an object store out of reach, a node without room.

    failure(OSError(28, "No space left on device"))   -> "the storage failed: [Errno 28] No space left on device"
    failure(OSError(2, "No such file or directory"))  -> None: not the storage's fault

An error of ours that an actor of Ray Data raised is found as well: its own line, which Ray hands on as text.
Nothing half-written is believed afterwards (``run_directory``, ``journal``), so the same command goes on.
"""

import errno
from collections.abc import Iterator

from pipelines.errors import ThoughtDistillError

_FAILING = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.ESTALE, errno.EACCES}
_REMOTE = ("AWS Error", "google::cloud::Status")  # pyarrow's object stores give no number
_NO_ROOM = ("OutOfDiskError", "ObjectStoreFullError")
_IN_TEXT = (*_NO_ROOM, "No space left on device", *_REMOTE)
_OURS = f"{ThoughtDistillError.__module__}."
_LONGEST = 300


def failure(error: BaseException) -> str | None:
    """The line for an error that storage caused or that is ours, wherever it was raised; None for any other."""
    for cause in _causes(error):
        if isinstance(cause, OSError) and (cause.errno in _FAILING or any(name in str(cause) for name in _REMOTE)):
            return f"the storage failed: {one_line(cause)}"
        if type(cause).__module__.startswith("ray."):
            if type(cause).__name__ in _NO_ROOM:
                return f"a node has no room for Ray's objects, in memory or on its disk: {one_line(cause)}"
            for line in str(cause).splitlines():  # an error that could not travel is there as text
                if any(name in line for name in _IN_TEXT):
                    return f"the storage of a node failed: {line.strip()[:_LONGEST]}"
    text = str(error).rpartition("During handling of the above exception")[2]  # one that was handled is no cause
    ours = [line.partition(": ")[2] for line in text.splitlines() if line.startswith(_OURS)]
    return ours[0][:_LONGEST] if ours else None


def one_line(error: BaseException) -> str:
    """What an error says, without line ends and not too long."""
    return " ".join(str(error).split())[:_LONGEST]


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it came from; Ray's errors carry the worker's own as ``cause``."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            inner = vars(one).get("cause")
            if inner is None:
                yield one
            waiting += [one.__context__, one.__cause__, inner]
