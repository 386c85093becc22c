"""A kernel that cannot confine: it is said once, and refused where isolation is required."""

import platform
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or platform.machine() not in ("x86_64", "aarch64"),
    reason="an old kernel is imitated with system call numbers of two machines",
)

# As an old kernel: no Landlock; without argument also no seccomp filter for those who come after this one.
OLD_KERNEL = """
import ctypes, errno, os, platform, struct, sys
machine = ("x86_64", "aarch64").index(platform.machine())
refuse = lambda number: (6, 0, 0, 0x50000 | number)
code = [(0x20, 0, 0, 0)]
for number in (444, 445, 446):
    code += [(0x15, 0, 1, number), refuse(errno.ENOSYS)]
if sys.argv[1] == "nothing":
    code += [(0x15, 0, 1, (317, 277)[machine]), refuse(errno.ENOSYS)]
    code += [(0x15, 0, 3, (157, 167)[machine]), (0x20, 0, 0, 16), (0x15, 0, 1, 22), refuse(errno.EINVAL)]
code += [(6, 0, 0, 0x7FFF0000)]
buffer = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in code))
program = struct.pack("HxxxxxxP", len(code), ctypes.addressof(buffer))
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program, 0, 0) == 0
os.execv(sys.executable, [sys.executable, "-c", *sys.argv[2:]])
"""
SANDBOX = """
from pipelines.solvers import Sandbox
with Sandbox(timeout_s=1) as box:
    print(box.isolation().summary)
    for source in ("ans = 5", "import itertools\\nans = 6", "while True: pass",
                   "x = []\\nwhile 1: x.append(bytes(10**8))", "open('/etc/passwd')"):
        outcome = box.run_program(source)
        print(outcome.status, outcome.answer)
"""
REQUIRED = """
from pipelines.solvers import Sandbox
with Sandbox(timeout_s=1, require_isolation=True) as box:
    print(box.run_program("ans = 5"))
"""
VERIFY = """
import sys
from ray_jobs import cli, verify
from ray_jobs.run_directory import RunDirectory
config = cli.load_config(None, sys.argv[1:])
verify.preflight(config, RunDirectory(config.run_dir))
print("goes on")
"""
WITHOUT_PREFLIGHT = """
import sys
from ray_jobs import cli, verify
verify.preflight = lambda config, run_dir: None
sys.exit(cli.main("verify", "", verify.command))
"""


def on_an_old_kernel(lacks: str, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", OLD_KERNEL, lacks, *command], capture_output=True, text=True)


def foreign(folder: Path) -> Path:
    for name, row in (
        ("problems", {"problem_id": "mine/0", "answer": "4"}),
        ("samples", {"sample_id": "s", "problem_id": "mine/0", "thought": "pot", "draw": 0, "completion": "ans = 4"}),
    ):
        (folder / name).mkdir()
        pq.write_table(pa.Table.from_pylist([row]), folder / name / "data.parquet")
    return folder


def test_without_landlock_no_file_can_be_opened():
    """seccomp alone confines as well: programs cannot open anything."""
    lines = on_an_old_kernel("landlock", SANDBOX).stdout.splitlines()
    assert (
        "files, network and processes refused by the kernel: seccomp alone (no file can be opened), rlimits" == lines[0]
    )
    assert ["solved 5", "solved 6", "timeout None", "memory_limit None", "forbidden None"] == lines[1:]


def test_without_any_enforcement_programs_run_under_limits_only():
    """What is open is named; time and memory stay bounded."""
    lines = on_an_old_kernel("nothing", SANDBOX).stdout.splitlines()
    assert "NOT isolated here (linux): files, network, processes open to programs; limits only" == lines[0]
    assert ["solved 5", "solved 6", "timeout None", "memory_limit None"] == lines[1:5]


def test_a_run_says_once_that_programs_are_not_confined(tmp_path):
    """One line that names what is open, then the run goes on."""
    done = on_an_old_kernel("nothing", VERIFY, f"run_dir={foreign(tmp_path)}")
    said = [line for line in (done.stdout + done.stderr).splitlines() if "not fully confined" in line]
    assert 1 == len(said)
    assert "files, network, processes open to programs" in said[0]
    assert "goes on" in done.stdout


def test_required_isolation_refuses_such_a_machine(tmp_path):
    """verification.require_isolation=true: exit code 2, one line, before Ray."""
    command = "import sys; from ray_jobs import cli, verify; sys.exit(cli.main('verify', '', verify.command))"
    arguments = [f"run_dir={foreign(tmp_path)}", "verification.require_isolation=true"]
    done = on_an_old_kernel("nothing", command, *arguments)
    assert 2 == done.returncode, done.stderr
    assert "verification.require_isolation: this machine cannot confine programs" in done.stderr
    assert not (tmp_path / "verdicts").exists()


def test_a_sandbox_that_must_confine_runs_nothing_where_it_cannot():
    """On any machine where it is used, not only on the driver's."""
    done = on_an_old_kernel("nothing", REQUIRED)
    assert "" == done.stdout
    assert f"verification.require_isolation: {platform.node()} cannot confine programs" in done.stderr


@pytest.mark.slow
def test_required_isolation_ends_a_run_whose_workers_cannot_confine(tmp_path):
    """Whatever the driver's machine can: one line that names the worker's, and no program has run there."""
    arguments = [f"run_dir={foreign(tmp_path)}", "verification.require_isolation=true"]
    done = on_an_old_kernel("nothing", WITHOUT_PREFLIGHT, *arguments)
    assert 1 == done.returncode, done.stderr
    assert f"error: verify: verification.require_isolation: {platform.node()} cannot confine" in done.stderr
