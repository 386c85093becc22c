"""Storage fails in the middle of a write: nothing half-written is believed, and once it is back the rest is written."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import fs as pafs
from ray.exceptions import OutOfDiskError, RayError, RayTaskError

from pipelines.config import RunConfig
from ray_jobs import cli
from ray_jobs.journal import JournalWriter, read_journal
from ray_jobs.outage import failure
from ray_jobs.run_directory import RunDirectory
from ray_jobs.stage import Result, Stage, execute, pending

ROOT = Path(__file__).parent.parent.parent
ROWS = pa.table({"text": [f"{number} " * 50 for number in range(20_000)]})
namespaces = pytest.mark.skipif(
    sys.platform != "linux"
    or shutil.which("unshare") is None
    or subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0,
    reason="needs a mount namespace of its own (unshare -rm, Linux)",
)


def stage(name: str) -> Stage:
    def run(config: RunConfig, run_dir: RunDirectory) -> Result:
        run_dir.write_table(ROWS, name)
        return Result(rows=ROWS.num_rows, summary="many")

    return Stage(name=name, folder=name, fields=lambda config: {"seed": config.seed}, run=run)


def journal_row(number: int) -> dict[str, Any]:
    return {"sample_id": f"s{number}", "completion": "x" * 300}


def test_a_connection_lost_in_the_middle_of_a_write_leaves_nothing_that_is_believed(bucket: str, cutting: Any) -> None:
    """A stage cut off is not finished, and journal rows wait; once the way is open the same calls succeed."""
    config, run_dir = RunConfig(run_dir=f"{bucket}/run"), RunDirectory(f"{bucket}/run")
    run_dir.filesystem = pafs.S3FileSystem(  # as from the URI, but without seconds of retries
        endpoint_override=os.environ["AWS_ENDPOINT_URL"], retry_strategy=pafs.AwsStandardS3RetryStrategy(max_attempts=1)
    )
    writer = JournalWriter(run_dir)
    cutting.cut_after = 8192
    with pytest.raises(OSError, match="AWS Error") as cut:
        execute(stage("a"), config, run_dir)
    assert failure(cut.value) is not None
    assert pending(stage("a"), config, run_dir) is not None
    assert not run_dir.is_foreign("a")
    writer.append([journal_row(number) for number in range(50)])
    with pytest.raises(OSError, match="AWS Error"):
        writer.flush()
    assert (50, []) == (writer.waiting, list(read_journal(run_dir)))
    assert cutting.cuts > 0
    cutting.cut_after = None
    writer.append([journal_row(50)])
    writer.flush()
    execute(stage("a"), config, run_dir)
    assert pending(stage("a"), config, run_dir) is None
    assert ROWS.equals(run_dir.table("a"))
    assert [f"s{number}" for number in range(51)] == [row["sample_id"] for row in read_journal(run_dir)]


ON_A_FULL_DISK = """
import sys
from pathlib import Path
import pyarrow as pa, pytest
from pipelines.config import RunConfig
from ray_jobs.journal import JournalWriter, read_journal
from ray_jobs.outage import failure
from ray_jobs.run_directory import RunDirectory
from ray_jobs.stage import Result, Stage, execute, pending

disk = Path(sys.argv[1])
run_dir, config = RunDirectory(f"{disk}/run"), RunConfig(run_dir=f"{disk}/run")
writer = JournalWriter(run_dir)
writer.append([{"sample_id": "s0"}])
run_dir.write_bytes(b"old", "a", "card.json")
rows = pa.table({"n": list(range(200_000))})

def run(config, run_dir):
    run_dir.write_table(rows, "b")
    return Result(rows=rows.num_rows, summary="many")

stage = Stage(name="b", folder="b", fields=lambda config: {}, run=run)

def fails(call):
    try:
        call()
    except OSError as error:
        assert failure(error), error
        return
    raise SystemExit("it fitted")

filler = (disk / "filler").open("wb", buffering=0)
with pytest.raises(OSError):
    while True:
        filler.write(bytes(4096))
fails(lambda: writer.append([{"sample_id": "s1", "completion": "x" * 8000}]))
fails(lambda: run_dir.write_bytes(bytes(8000), "a", "card.json"))
fails(lambda: execute(stage, config, run_dir))
assert ["s0"] == [row["sample_id"] for row in read_journal(run_dir)]
assert (b"old", ["card.json"]) == (run_dir.read_bytes("a", "card.json"), run_dir.written("a"))
assert pending(stage, config, run_dir) is not None
(disk / "filler").unlink()
filler.close()
writer.append([{"sample_id": "s2"}])
execute(stage, config, run_dir)
assert ["s0", "s1", "s2"] == [row["sample_id"] for row in read_journal(run_dir)]
assert pending(stage, config, run_dir) is None
print("as it should be")
"""


@namespaces
def test_a_disk_that_is_full_leaves_the_old_files_whole_and_takes_the_rest_once_there_is_room(tmp_path: Path) -> None:
    """Journal, small files and a stage's rows on a file system of 2 MB, filled and emptied again."""
    script = f'mount -t tmpfs -o size=2m none {tmp_path} && exec "$@"'
    command = ["unshare", "-rm", "sh", "-c", script, "sh", sys.executable, "-c", ON_A_FULL_DISK, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (0, "as it should be\n") == (done.returncode, done.stdout), done.stderr


def test_failing_storage_ends_a_command_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1 and what can be done; other errors keep their trace."""

    def fails(error: Exception) -> int:
        def command(config: RunConfig, dry_run: bool) -> None:
            raise error

        return cli.main("sample", "", command, ["run_dir=/data/run"])

    assert 1 == fails(OSError(errno.ENOSPC, "No space left on device", "/data/run/journal"))
    assert capsys.readouterr().err == (
        "error: sample: the storage failed: [Errno 28] No space left on device: '/data/run/journal' "
        "(sample can go on with the same command)\n"
    )
    with pytest.raises(FileNotFoundError):
        fails(FileNotFoundError(errno.ENOENT, "No such file"))


def test_a_failure_is_found_through_what_ray_wraps_it_in() -> None:
    """The worker's own error, or its text where the error itself could not travel."""
    full = OSError(errno.ENOSPC, "No space left on device")
    wrapped = RayTaskError("write", "trace", full).as_instanceof_cause()
    assert "the storage failed: [Errno 28] No space left on device" == failure(wrapped)
    try:
        raise RuntimeError("the dataset ended") from wrapped
    except RuntimeError as error:
        assert "the storage failed: [Errno 28] No space left on device" == failure(error)
    disk = RayTaskError("map", "trace", OutOfDiskError("Local disk is full")).as_instanceof_cause()
    assert (failure(disk) or "").startswith(
        "a node has no room for Ray's objects, in memory or on its disk: Local disk"
    )
    text = RayError("trace\n  ray.exceptions.OutOfDiskError: Local disk is full\n")
    assert "the storage of a node failed: ray.exceptions.OutOfDiskError: Local disk is full" == failure(text)
    ours = RayTaskError(
        "map", "trace\npipelines.errors.ThoughtDistillError: no server\n\ncause of", ValueError("UDF failed")
    )
    assert "no server" == failure(ours.as_instanceof_cause())
    handled = "pipelines.errors.DataError: no\n\nDuring handling of the above exception, another exception occurred:"
    assert failure(RayTaskError("map", handled, KeyError("y")).as_instanceof_cause()) is None
    assert failure(RayTaskError("map", "trace", ValueError("wrong")).as_instanceof_cause()) is None
