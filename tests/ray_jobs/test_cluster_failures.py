"""Nodes, jobs and disks fail under a run: it goes on, or the same command does, and no data are lost or changed."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.config import ProblemSource
from pipelines.problems import load, to_table
from ray_jobs.journal import read_journal
from ray_jobs.run_directory import RunDirectory

ROOT = Path(__file__).parent.parent.parent
RUN = """\
run_dir: {run_dir}
problems: {{source: generated, count: 300}}
evaluation_problems: [{{source: generated, split: test, count: 60}}]
teacher: {{kind: rehearsal, max_in_flight: 8, rehearsal: {{latency_s: 0.05}}}}
sampling: {{draws: 1, demonstrations: 0}}
student: {{model: tiny, init: random, vocabulary: 400}}
training: {{epochs: 6, learning_rate: 1e-3, precision: fp32, checkpoint_every_s: 0.5, num_workers: 2}}
evaluation: {{max_tokens: 32}}
"""
namespaces = pytest.mark.skipif(
    sys.platform != "linux"
    or shutil.which("unshare") is None
    or subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0,
    reason="needs a mount namespace of its own (unshare -rm, Linux)",
)
HEAD = ("--num-cpus=1", "--object-store-memory=100000000")
WORKER = ("--num-cpus=2", "--object-store-memory=100000000")


class Run:
    """A run directory, by default on this machine's disk, which all raylets see, and how far its stages are."""

    def __init__(self, folder: Path, run_dir: str | None = None) -> None:
        folder.mkdir(exist_ok=True)
        self.directory = RunDirectory(run_dir or str(folder / "run"))
        self.config = folder / "run.yaml"
        self.config.write_text(RUN.format(run_dir=self.directory.uri), encoding="utf-8")

    def command(self, stage: str = "distill", *overrides: str) -> tuple[str, ...]:
        return (f"ray_jobs.{stage}", "--config", str(self.config), *overrides)

    def journal_ids(self) -> list[str]:
        return [row["sample_id"] for row in read_journal(self.directory)]

    def sampling(self) -> bool:
        return len(self.journal_ids()) >= 100

    def verifying(self) -> bool:
        return self.directory.exists("verdicts", "_unfinished")

    def training(self) -> bool:
        return any("/step-" in info.path for info in self.directory.listing("checkpoints"))

    def decoding(self) -> bool:
        return self.directory.exists("predictions", "_unfinished")

    def samples(self) -> list[dict[str, Any]]:
        return self.directory.table("samples", columns=["sample_id", "completion"]).to_pylist()

    def mixture(self) -> list[list[dict[str, Any]]]:
        tables = [self.directory.read_table("mixture", split) for split in ("train", "dev")]
        return [table.to_pylist() for table in tables if table is not None]


def until(reached: Callable[[], bool], job: Any, patience_s: float = 240) -> None:
    deadline = time.monotonic() + patience_s
    while not reached():
        assert job.poll() is None, job.communicate()[0]
        assert time.monotonic() < deadline, "the stage did not begin"
        time.sleep(0.01)


UNDISTURBED = """
import sys
from ray_jobs import cli, mix, sample, verify
from ray_jobs.problems import EVALUATION_PROBLEMS, PROBLEMS
from ray_jobs.run_directory import RunDirectory
from ray_jobs.session import run_stages
config = cli.load_config(sys.argv[1], sys.argv[2:])
stages = [PROBLEMS, EVALUATION_PROBLEMS, sample.SAMPLE, verify.VERIFY, mix.MIX]
run_stages(stages, config, RunDirectory(config.run_dir))
"""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Samples and mixture of the same configuration on one machine, with a teacher that answers at once."""
    run = Run(tmp_path_factory.mktemp("undisturbed"))
    command = [sys.executable, "-c", UNDISTURBED, str(run.config), "teacher.rehearsal.latency_s=0"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return run


@pytest.mark.slow
def test_a_job_that_loses_a_node_in_every_stage_goes_on(tmp_path: Path, local_cluster: Any, undisturbed: Run) -> None:
    """Sampling, verification, training, decoding: each loses one of two worker nodes, and another one comes."""
    run = Run(tmp_path / "lossy")
    local_cluster.start_head(*HEAD)
    nodes = [local_cluster.add_node(*WORKER) for _ in range(2)]
    job = local_cluster.submit(*run.command())
    for stage in (run.sampling, run.verifying, run.training, run.decoding):
        until(stage, job)
        time.sleep(1)
        local_cluster.lose(nodes.pop(0))
        nodes.append(local_cluster.add_node(*WORKER))
    words, _ = job.communicate(timeout=400)
    assert 0 == job.returncode, words
    ids = run.journal_ids()
    assert 900 == len(set(ids))
    assert undisturbed.mixture() == run.mixture()
    predictions = run.directory.read_table("predictions")
    assert predictions is not None
    assert 180 == predictions.num_rows


@pytest.mark.slow
def test_after_the_loss_of_the_head_the_same_command_goes_on_in_a_new_cluster(
    tmp_path: Path, local_cluster: Any, undisturbed: Run
) -> None:
    """What was answered is not asked again, beyond what was in flight."""
    run = Run(tmp_path / "headless")
    head = local_cluster.start_head(*HEAD)
    worker = local_cluster.add_node(*WORKER)
    job = local_cluster.submit(*run.command("distill", "training.epochs=1"))
    until(run.sampling, job)
    local_cluster.lose(head)
    local_cluster.lose(worker)
    job.kill()
    job.wait()
    before = run.journal_ids()
    time.sleep(5)
    local_cluster.start_head(*HEAD)
    local_cluster.add_node(*WORKER)
    words, _ = (job := local_cluster.submit(*run.command("distill", "training.epochs=1"))).communicate(timeout=400)
    assert 0 == job.returncode, words
    after = run.journal_ids()
    assert before == after[: len(before)]
    assert 900 == len(set(after)) == len(after)
    assert undisturbed.mixture() == run.mixture()


@pytest.mark.slow
def test_a_stopped_job_leaves_nothing_behind_and_the_same_submission_goes_on(
    tmp_path: Path, bucket: str, local_cluster: Any, undisturbed: Run
) -> None:
    """`ray job stop` while sampling, the run on an object store: no process of ours, no owner's file is left."""
    run = Run(tmp_path / "stopped", f"{bucket}/run")
    local_cluster.environment |= {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    local_cluster.start_head(*HEAD)
    local_cluster.add_node(*WORKER)
    job = local_cluster.submit(*run.command("sample"), name="first")
    until(run.sampling, job)
    assert [] != ours(local_cluster)
    stopped = local_cluster.ray("job", "stop", "first")
    assert "was stopped" in stopped
    job.wait(timeout=60)
    deadline = time.monotonic() + 10
    while ours(local_cluster) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert [] == ours(local_cluster)
    assert not run.directory.exists("_owner.json")
    before = run.journal_ids()
    words, _ = (job := local_cluster.submit(*run.command("sample"))).communicate(timeout=300)
    assert 0 == job.returncode, words
    after = run.journal_ids()
    assert before == after[: len(before)]
    assert 900 == len(set(after)) == len(after)
    assert undisturbed.samples() == run.samples()


def ours(local_cluster: Any) -> list[str]:
    """The processes of a sampling run: the command, its actors."""
    names = ("ray_jobs.sample", "Sampler", "Ledger", "LocalTeacher")
    return [line for name in names for line in local_cluster.processes(name)]


@pytest.mark.slow
def test_an_object_store_that_loses_connections_again_and_again_delays_a_run_and_no_more(
    tmp_path: Path, cutting: Any, bucket: str, undisturbed: Run
) -> None:
    """In every stage uploads are cut off for a while: the command goes on or ends with one line and is given again."""
    run = Run(tmp_path, f"{bucket}/run")
    endings = []
    reached = iter([run.sampling, run.verifying, run.training, run.decoding])
    stage = next(reached, None)
    while True:
        command = [sys.executable, "-m", *run.command("distill", "training.num_workers=1")]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        words: list[str] = []
        reader = threading.Thread(target=lambda into=words, out=process.stdout: into.extend(out))
        reader.start()
        while process.poll() is None:
            if stage is not None and stage():
                cutting.cut_after = 2000
                time.sleep(12)
                cutting.cut_after = None
                stage = next(reached, None)
            time.sleep(0.05)
        reader.join()
        endings.append((process.returncode, words[-1]))
        assert len(endings) < 6, endings
        if process.returncode == 0:
            break
        assert 1 == process.returncode, words
        assert [one for one in words if "go on with the same command" in one] == words[-1:], words
    assert stage is None
    ids = run.journal_ids()
    assert 900 == len(set(ids)) == len(ids)
    assert undisturbed.mixture() == run.mixture()


FULL = """\
cd "$0" && mount -t tmpfs -o size=48m none "$1" || exit 9
distill() { "$4" -m ray_jobs.distill --config "$2" training.num_workers=1 training.epochs=2; }
head -c "$3" /dev/zero > "$1/filler"; distill "$@"; echo "ended with $?"
head -c "$5" /dev/zero > "$1/filler"; distill "$@"; echo "ended with $?"
rm "$1/filler"; distill "$@" && cp -r "$1/run" "$6"
"""


@pytest.mark.slow
@namespaces
def test_a_run_directory_on_a_full_disk_ends_the_run_and_with_room_it_is_completed(
    tmp_path: Path, undisturbed: Run
) -> None:
    """Full while sampling, then full while training, then there is room; each ending says why in one line."""
    disk, whole = tmp_path / "disk", Run(tmp_path / "whole")
    disk.mkdir()
    run = Run(tmp_path / "cramped", str(disk / "run"))
    sizes = (48 * 2**20 - 250_000, 48 * 2**20 - 4_000_000)
    paths = (ROOT, disk, run.config, sizes[0], sys.executable, sizes[1], whole.directory.root)
    command = ["unshare", "-rm", "sh", "-c", FULL, *map(str, paths)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=500)
    assert 0 == done.returncode, done.stdout
    assert ["ended with 1"] * 2 == [line for line in done.stdout.splitlines() if line.startswith("ended with")]
    assert 2 == done.stdout.count("No space left on device"), done.stdout
    assert 2 == done.stdout.count("go on with the same command")
    assert "Traceback" not in done.stdout
    ids = whole.journal_ids()
    assert 900 == len(set(ids)) == len(ids)
    assert undisturbed.mixture() == whole.mixture()


SMALLEST = "--object-store-memory=80000000"  # Ray refuses less than 75 MiB
ROWS, LETTERS = 5_000, 40_000


class LongThoughts:
    """Foreign problems and samples, 200 MB of them, to be verified and mixed; ``copied`` puts them into a run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        problems = load(ProblemSource(source="generated", count=ROWS), 0)
        directory = RunDirectory(str(folder))
        directory.write_table(to_table(problems), "problems")
        samples = [
            {
                "sample_id": f"{problem.problem_id}/cot/0",
                "problem_id": problem.problem_id,
                "thought": "cot",
                "draw": 0,
                "completion": "We read it once more.\n" * (LETTERS // 22) + f"The answer is {problem.answer}.",
                "finish_reason": "stop",
                "model": "rehearsal",
            }
            for problem in problems
        ]
        for number in range(0, ROWS, 1000):
            table = pa.Table.from_pylist(samples[number : number + 1000])
            directory.write_bytes(parquet(table), "samples", f"part-{number:05}.parquet")

    def copied(self, folder: Path) -> RunDirectory:
        for name in ("problems", "samples"):
            shutil.copytree(self.folder / name, folder / name)
        return RunDirectory(str(folder))


def parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return bytes(sink.getvalue())


def mixture_of(directory: RunDirectory) -> pa.Table:
    return pa.concat_tables([directory.table("mixture", split) for split in ("train", "dev")])


@pytest.fixture(scope="module")
def long_thoughts(tmp_path_factory: pytest.TempPathFactory) -> LongThoughts:
    return LongThoughts(tmp_path_factory.mktemp("long"))


@pytest.fixture(scope="module")
def roomy(long_thoughts: LongThoughts, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """Their mixture, made on one machine with room for all."""
    directory = long_thoughts.copied(tmp_path_factory.mktemp("roomy"))
    for stage in ("verify", "mix"):
        command = [sys.executable, "-m", f"ray_jobs.{stage}", f"run_dir={directory.root}"]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return directory


@pytest.mark.slow
def test_more_data_than_the_object_stores_hold_is_spilled_and_mixed_the_same(
    tmp_path: Path, local_cluster: Any, long_thoughts: LongThoughts, roomy: RunDirectory
) -> None:
    """200 MB of completions through two nodes with 80 MB each."""
    directory = long_thoughts.copied(tmp_path / "run")
    local_cluster.start_head("--num-cpus=2", SMALLEST)
    local_cluster.add_node("--num-cpus=2", SMALLEST)
    for stage in ("verify", "mix"):
        words, _ = (job := local_cluster.submit(f"ray_jobs.{stage}", f"run_dir={directory.root}")).communicate()
        assert 0 == job.returncode, words
    stores = local_cluster.ray("memory", f"--address=127.0.0.1:{local_cluster.port}", "--stats-only")
    spilled = re.search(r"Spilled (\d+) MiB", stores)
    assert spilled is not None, stores
    assert int(spilled[1]) > 50
    assert mixture_of(roomy).equals(mixture_of(directory))


CRAMPED = """\
cd "$0" && mount -t tmpfs -o size=200m none "$1" && head -c 194m /dev/zero > "$1/filler" || exit 9
export RAY_TMPDIR="$1" RAY_DEFAULT_OBJECT_STORE_MAX_MEMORY_BYTES=80000000
"$2" -m ray_jobs.mix "run_dir=$3"; echo "ended with $?"
rm "$1/filler" && mount -o remount,size=1500m "$1" && "$2" -m ray_jobs.mix "run_dir=$3"
"""


@pytest.mark.slow
@namespaces
def test_a_node_whose_disk_is_full_ends_the_stage_with_one_line_and_with_room_it_is_completed(
    tmp_path: Path, roomy: RunDirectory
) -> None:
    """More data than the object store holds, and no room to spill: Ray's folder lies on a disk that is 97 % full."""
    run_dir, disk = tmp_path / "run", Path(tempfile.mkdtemp(prefix="td-"))  # short: sockets lie there
    shutil.copytree(roomy.root, run_dir, ignore=shutil.ignore_patterns("mixture"))
    command = ["unshare", "-rm", "sh", "-c", CRAMPED, *map(str, (ROOT, disk, sys.executable, run_dir))]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=500)
    disk.rmdir()
    assert 0 == done.returncode, done.stdout
    assert "ended with 1" in done.stdout.splitlines()
    assert 1 == done.stdout.count("go on with the same command"), done.stdout
    assert re.search("error: mix: (a node has no room for Ray's objects|the storage of a node failed)", done.stdout)
    assert mixture_of(roomy).equals(mixture_of(RunDirectory(str(run_dir))))
