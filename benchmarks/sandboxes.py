"""Ways to confine a program, side by side: what each lets through and what it costs, in one run.

    python benchmarks/sandboxes.py

Compared: limits set by hand (rlimits, a clean environment), bubblewrap (``bwrap``) and the PyPI package ``sandlock``
where they are installed, each starting an interpreter for a program as they are meant to be used, and ours. ``open``
in the table: the attack succeeded. The last line says whether it works where ``unshare`` and ``mount`` are denied.
"""

import ctypes
import errno
import importlib.util
import os
import platform
import resource
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pipelines.solvers import Sandbox

RUNS = 40
MIB = 1024 * 1024
ATTACKS = {
    "reads /etc/passwd": "open('/etc/passwd').read()",
    "reads the environment of its parent": "import os; open(f'/proc/{os.getppid()}/environ').read()",
    "sees a key in its environment": "import os; os.environ['BENCH_API_KEY']",
    "writes to /tmp": "import os; name = f'/tmp/b{os.getpid()}'; open(name, 'w').close(); os.unlink(name)",
    "connects to a port": "import socket; s = socket.socket(); s.settimeout(1); s.connect(('127.0.0.1', PORT))",
    "starts a process": "import os; pid = os.fork(); pid or os._exit(0); os.waitpid(pid, 0)",
    "signals its parent": "import os; os.kill(os.getppid(), 0)",
    "takes 2 GiB of memory": "x = bytearray(2 * 2**30)",
}
LIMITS = ((resource.RLIMIT_CPU, 5), (resource.RLIMIT_AS, 640 * MIB), (resource.RLIMIT_FSIZE, 0))
Way = Callable[[str], str]


def ways() -> dict[str, Way]:
    """What is installed here: a name, and a function that runs a program and returns what it printed."""
    interpreter = [sys.executable, "-S", "-c"]

    def limited() -> None:
        for kind, value in LIMITS:
            resource.setrlimit(kind, (value, value))

    def run(command: list[str], program: str, **more: object) -> str:
        done = subprocess.run([*command, program], capture_output=True, text=True, timeout=30, **more)
        return done.stdout

    found: dict[str, Way] = {
        "limits by hand": lambda program: run(interpreter, program, preexec_fn=limited, env={}),
    }
    if shutil.which("bwrap"):
        prefix = ["bwrap", "--unshare-all", "--die-with-parent", "--clearenv", "--proc", "/proc", "--tmpfs", "/tmp"]
        for folder in sorted({sys.base_prefix, sys.prefix, "/usr", "/lib", "/lib64"}):
            prefix += ["--ro-bind-try", folder, folder]
        found["bubblewrap"] = lambda program: run([*prefix, *interpreter], program, preexec_fn=limited)
    if importlib.util.find_spec("sandlock"):
        import sandlock

        folders = {sys.base_prefix, sys.prefix, "/usr", "/lib", "/lib64"}
        readable = [folder for folder in folders if Path(folder).is_dir()]
        box = sandlock.Sandbox(fs_readable=readable, max_memory="512M", max_processes=1, clean_env=True)

        def locked(program: str) -> str:
            return (box.run([*interpreter, program], timeout=5).stdout or b"").decode()

        found["sandlock"] = locked
    sandbox = Sandbox()
    found["ours"] = lambda program: sandbox.run_program(program, "text").answer or ""
    return found


def denied_namespaces() -> None:
    """From now on this process and its children may neither unshare nor mount, as in a default container."""
    numbers = {"x86_64": (165, 272, 308), "aarch64": (40, 97, 268)}[platform.machine()]
    code = [(0x20, 0, 0, 0)]
    for number in numbers:
        code += [(0x15, 0, 1, number), (6, 0, 0, 0x50000 | errno.EPERM)]
    clone = {"x86_64": 56, "aarch64": 220}[platform.machine()]
    code += [(0x15, 0, 1, 435), (6, 0, 0, 0x50000 | errno.ENOSYS), (0x15, 0, 3, clone), (0x20, 0, 0, 16)]
    code += [(0x45, 0, 1, 0x7E020000), (6, 0, 0, 0x50000 | errno.EPERM), (6, 0, 0, 0x7FFF0000)]
    buffer = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in code))
    program = struct.pack("HxxxxxxP", len(code), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None)
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, program, 0, 0) == 0


def works(run: Way) -> bool:
    """Whether an honest program gives its answer."""
    try:
        return "48" in run("import itertools\nprint(6 * 8)")
    except Exception:
        return False


def main() -> None:
    """Prints the table."""
    import socket

    os.environ["BENCH_API_KEY"] = "secret"
    listener = socket.create_server(("127.0.0.1", 0))
    port = str(listener.getsockname()[1])
    rows = {name: [] for name in ("ms a program", *ATTACKS, "works under a container's filter")}
    found = {name: way for name, way in ways().items() if works(way)}
    for run in found.values():
        started = time.perf_counter()
        for _ in range(RUNS):
            run("import itertools\nprint(6 * 8)")
        rows["ms a program"].append(f"{(time.perf_counter() - started) / RUNS * 1000:.1f}")
        for name, attack in ATTACKS.items():
            attempt = f"{attack}\nprint('succeeded')".replace("PORT", port)
            rows[name].append("open" if "succeeded" in run(attempt) else "held")
    pid = os.fork()
    if pid == 0:
        denied_namespaces()
        os._exit(sum(works(way) << index for index, way in enumerate(ways().values())))
    working = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    rows["works under a container's filter"] = ["yes" if working >> index & 1 else "no" for index in range(len(found))]
    width = max(map(len, rows))
    print(" " * width, *(f"{name:>15}" for name in found))
    for name, cells in rows.items():
        print(f"{name:{width}}", *(f"{cell:>15}" for cell in cells))


if __name__ == "__main__":
    main()
