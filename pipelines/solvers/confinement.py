"""What the kernel is asked to refuse to a process that runs a model's text.

    Landlock   files: reading outside a few library folders, all writing; signals and sockets across the boundary
    seccomp    every system call that is not on a short list: sockets, signals, ptrace, new processes and threads, ...
    rlimits    CPU, memory, open files, file size, core dumps

None of it needs a right or a namespace, so it holds as an ordinary user and in a default container. Everything is
per process and cannot be undone. The system calls are made through ctypes; where a kernel lacks something the call
fails and ``fork_server`` measures what is left. Imported in the confined processes only.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Sequence

LINUX = sys.platform.startswith("linux")
OPEN_FILES = 32
_MIB = 1024 * 1024

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
_SECCOMP_MODE_FILTER = 2
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446  # the same numbers on every architecture
_LANDLOCK_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # ABI: how many file rights it knows
_LANDLOCK_READ_FILE, _LANDLOCK_READ_DIR = 1 << 2, 1 << 3
_O_PATH = 0o10000000

# System calls that computing needs, by name: (x86_64, aarch64); None where the architecture has no such call.
_ALLOWED: dict[str, tuple[int | None, int | None]] = {
    "read": (0, 63), "write": (1, 64), "close": (3, 57), "lseek": (8, 62), "mmap": (9, 222), "mprotect": (10, 226),
    "munmap": (11, 215), "brk": (12, 214), "mremap": (25, 216), "madvise": (28, 233), "rt_sigreturn": (15, 139),
    "futex": (202, 98), "exit": (60, 93), "exit_group": (231, 94), "fstat": (5, 80), "newfstatat": (262, 79),
    "stat": (4, None), "lstat": (6, None), "statx": (332, 291), "access": (21, None), "faccessat": (269, 48),
    "faccessat2": (439, 439), "readlink": (89, None), "readlinkat": (267, 78), "getdents64": (217, 61),
    "getcwd": (79, 17), "pread64": (17, 67), "readv": (19, 65), "writev": (20, 66), "dup": (32, 23),
    "getpid": (39, 172), "getppid": (110, 173), "gettid": (186, 178), "getuid": (102, 174), "geteuid": (107, 175),
    "getgid": (104, 176), "getegid": (108, 177), "uname": (63, 160), "sysinfo": (99, 179), "times": (100, 153),
    "getrusage": (98, 165), "gettimeofday": (96, 169), "time": (201, None), "clock_gettime": (228, 113),
    "clock_getres": (229, 114), "clock_nanosleep": (230, 115), "nanosleep": (35, 101), "getrandom": (318, 278),
    "poll": (7, None), "ppoll": (271, 73), "select": (23, None), "pselect6": (270, 72), "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123), "membarrier": (324, 283), "rseq": (334, 293), "restart_syscall": (219, 128),
    "sigaltstack": (131, 132),
}  # fmt: skip
_OPENS = {"open": (2, None), "openat": (257, 56)}
_PRLIMIT, _FCNTL, _IOCTL = (302, 261), (72, 25), (16, 29)
_FCNTL_COMMANDS = (0, 1, 2, 3, 1030)  # duplicate, and get and set flags: none of those that aim signals
_IOCTL_REQUESTS = (0x5401, 0x5451)  # is it a terminal; close on exec

_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7), "arm64": (1, 0xC00000B7)}
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050001, 0x80000000  # refuse: EPERM
_X32_BIT = 0x40000000


# PyDLL: a call that keeps the interpreter's lock, which the child must find held
_LIBC = ctypes.PyDLL(None) if LINUX else None


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def confine_files(folders: Sequence[str]) -> int:
    """Landlock: from now on this process and its children read in ``folders`` only and write nowhere.

    Returns the Landlock ABI in force, 0 where the kernel has none. Also forbids TCP and signals to processes
    outside where the ABI knows them.
    """
    if not LINUX:
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    abi = int(libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1)))
    if abi < 1:
        return 0
    rights = (1 << _LANDLOCK_RIGHTS.get(abi, 16)) - 1
    attributes = struct.pack("QQQ", rights, 3 if abi >= 4 else 0, 3 if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = int(libc.syscall(_LANDLOCK_CREATE, attributes, ctypes.c_size_t(size), ctypes.c_uint32(0)))
    if ruleset < 0:
        return 0
    try:
        for folder in folders:
            with contextlib.suppress(OSError):
                handle = os.open(folder, _O_PATH | os.O_CLOEXEC)
                rule = struct.pack("=Qi", _LANDLOCK_READ_FILE | _LANDLOCK_READ_DIR, handle)
                libc.syscall(_LANDLOCK_ADD, ruleset, 1, rule, ctypes.c_uint32(0))
                os.close(handle)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        return abi if libc.syscall(_LANDLOCK_RESTRICT, ruleset, ctypes.c_uint32(0)) == 0 else 0
    finally:
        os.close(ruleset)


def drop_rights() -> None:
    """Gives up every capability (a container often runs as root), core dumps and inspection by others."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not LINUX:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    header = struct.pack("Ii", 0x20080522, 0)
    libc.capset(header, struct.pack("6I", *[0] * 6))


def fork() -> int:
    """``os.fork`` without Python's hooks around it, which cost more than a small program does.

    They put locks and threads in order; a server has one thread and its children cannot start another.
    """
    return int(_LIBC.fork()) if _LIBC is not None else os.fork()


class Filter:
    """The seccomp filter, prepared once in the server and put in force in each child.

    ``opens``: whether files may be opened at all; False where Landlock cannot say which.
    """

    def __init__(self, *, opens: bool) -> None:
        instructions = _instructions(platform.machine(), opens) if LINUX else []
        self._code = b"".join(struct.pack("HBBI", *instruction) for instruction in instructions)
        self._buffer = ctypes.create_string_buffer(self._code, len(self._code) or 1)
        self._program = ctypes.byref(_Program(len(instructions), ctypes.cast(self._buffer, ctypes.c_void_p)))
        self._prctl = _LIBC.prctl if _LIBC is not None else None  # looked up once, not in each child

    def enforce(self) -> bool:
        """Puts the filter in force for this process; False where the kernel or architecture has none."""
        if self._prctl is None or not self._code:
            return False
        return bool(self._prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, self._program, 0, 0) == 0)

    def die_with_parent(self) -> None:
        """This child is killed when the server dies."""
        if self._prctl is not None:
            self._prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def limit(memory_bytes: int) -> None:
    """Small fixed limits of the server and all its children, and the whole address space of each in bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        with contextlib.suppress(ValueError, OSError):  # macOS has no working RLIMIT_AS
            resource.setrlimit(kind, (memory_bytes, memory_bytes))


def limit_time(timeout_s: float) -> None:
    """CPU seconds of this process. The interval timer stops at fractions of a second; RLIMIT_CPU, in whole seconds,
    stands behind it."""
    whole = math.ceil(timeout_s) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (whole, whole + 1))
    signal.setitimer(signal.ITIMER_PROF, timeout_s)


def address_space() -> int:
    """Bytes of address space in use now; 1 GiB where the system does not say."""
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - pathlib is not needed here
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 1024 * _MIB


def _instructions(machine: str, opens: bool) -> list[tuple[int, int, int, int]]:
    """The filter's BPF program: (code, jump if true, jump if false, operand); empty for unknown architectures."""
    if machine not in _ARCHITECTURES:
        return []
    column, architecture = _ARCHITECTURES[machine]
    program = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, 0)]
    if column == 0:
        program += [(_AT_LEAST, 0, 1, _X32_BIT), (_RETURN, 0, 0, _REFUSE)]
    allowed = _ALLOWED | (_OPENS if opens else {})
    for number in (numbers[column] for numbers in allowed.values()):
        if number is not None:
            program += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    # prlimit64 may read a limit (third argument NULL: both halves 0) and not set one
    program += [
        (_EQUAL, 0, 6, _PRLIMIT[column]),
        (_LOAD, 0, 0, 32),
        (_EQUAL, 0, 3, 0),
        (_LOAD, 0, 0, 36),
        (_EQUAL, 0, 1, 0),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    for numbers, values in ((_FCNTL, _FCNTL_COMMANDS), (_IOCTL, _IOCTL_REQUESTS)):
        program += [(_EQUAL, 0, 2 * len(values) + 2, numbers[column]), (_LOAD, 0, 0, 24)]
        for value in values:
            program += [(_EQUAL, 0, 1, value), (_RETURN, 0, 0, _ALLOW)]
        program += [(_RETURN, 0, 0, _REFUSE)]
    return [*program, (_RETURN, 0, 0, _REFUSE)]
