"""What is refused before the first request: students, questions and GPUs that could not come to anything."""

import asyncio
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from aiohttp import web

from pipelines.errors import ConfigError, DataError
from pipelines.mixture import LeftOut, Screened
from pipelines.problems import load
from pipelines.teacher import Exchange
from pipelines.teacher.server import serve
from ray_jobs import cli, distill, gpus, preflight, train
from ray_jobs.gpus import Gpu
from ray_jobs.journal import JournalWriter
from ray_jobs.plan import make_plan
from ray_jobs.run_directory import Manifest, RunDirectory
from ray_jobs.sampler import as_row
from ray_jobs.stage import execute
from ray_jobs.student_files import pinned

ROOT = Path(__file__).parent.parent.parent


class CountingTeacher:
    """A server that counts the requests it gets, and refuses them."""

    def __init__(self) -> None:
        self.requests = 0
        self.base_url = ""

    async def refuse(self, request: web.Request) -> web.Response:
        self.requests += 1
        return web.json_response({"error": {"message": "should not have been asked"}}, status=400)


@pytest.fixture
def teacher() -> Iterator[CountingTeacher]:
    counting = CountingTeacher()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", counting.refuse)
    loop = asyncio.new_event_loop()
    runner, counting.base_url = loop.run_until_complete(serve(app, "127.0.0.1"))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield counting
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def arguments(folder: Path, base_url: str, *overrides: str) -> list[str]:
    return [
        f"run_dir={folder}/run",
        "problems={source: generated, count: 20}",
        "evaluation_problems=[{source: generated, split: test, count: 5}]",
        f"teacher={{kind: openai, model: m, base_url: '{base_url}', price: [0, 0, 0]}}",
        "student={model: tiny, init: random, vocabulary: 300}",
        *overrides,
    ]


def refusal(capsys: pytest.CaptureFixture[str], given: list[str]) -> str:
    """The one line that a whole run ends with."""
    code = cli.main("distill", "", distill.command, given)
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert (2, 1) == (code, len(said)), said
    return said[0]


def test_a_student_that_cannot_be_opened_costs_no_request(
    broken_students: dict[str, tuple[Path, str]],
    tmp_path: Path,
    teacher: CountingTeacher,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each kind of broken checkpoint: one line, exit code 2, before Ray starts."""
    for folder, expected in broken_students.values():
        line = refusal(capsys, arguments(tmp_path, teacher.base_url, f"student={{model: {folder}}}"))
        assert re.search(f"^error: student.model: .*{expected}", line), line
    assert (18, 0) == (len(broken_students), teacher.requests)
    assert not (tmp_path / "run" / "journal").exists()


def test_a_trained_student_is_not_opened_again_but_another_one_is(
    broken_students: dict[str, tuple[Path, str]], tmp_path: Path
) -> None:
    """The run directory of one student says nothing of the next, which is opened before more is requested."""
    folder, expected = broken_students["no weights"]
    first = cli.load_config(None, [f"run_dir={tmp_path}/run", f"student.model={folder}"])
    run_dir = RunDirectory(first.run_dir)
    run_dir.start("student")
    made = {"stage": "train", "fingerprint": "", "version": "", "inputs": {}, "files": [], "rows": 1, "wall_s": 0.0}
    run_dir.publish("student", Manifest(fields=train.TRAIN.fields(first), **made))
    preflight.check_student(first, run_dir)
    other = cli.load_config(None, [f"run_dir={tmp_path}/run", f"student={{model: {folder}, revision: v2}}"])
    with pytest.raises((ConfigError, DataError), match=expected):
        preflight.check_student(other, run_dir)


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["student={model: nowhere/at/all}"], r"student\.model: cannot open nowhere/at/all|no such directory"),
        (["student={model: ./nowhere}"], r"student\.model: \./nowhere: no such directory"),
        (["student={model: tyny, init: random}"], r"student\.model: .*nearest: tiny"),
        (
            ["evaluation_problems=[{source: generated, count: 20}]"],
            r"problems: 20 of 20 would not train, because evaluation_problems has them: 20 with the same question",
        ),
        (["training.use_gpu=true"], r"training\.use_gpu: true, but there is no GPU with CUDA here"),
        (["training.num_workers=999"], r"training\.num_workers: 999, but a worker takes a"),
        (["training.loggers=[mlflow, wandb]"], r"training\.loggers"),
    ],
)
def test_a_run_that_could_come_to_nothing_costs_no_request(
    tmp_path: Path,
    teacher: CountingTeacher,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    overrides: list[str],
    expected: str,
) -> None:
    """Students that do not exist, test sets that are the training set, GPUs and workers that are not there."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    line = refusal(capsys, arguments(tmp_path, teacher.base_url, *overrides))
    assert re.search(f"^error: {expected}", line), line
    assert 0 == teacher.requests


def test_a_tokenizer_that_loses_the_questions_is_refused(
    codet5_files: Path, tmp_path: Path, teacher: CountingTeacher, capsys: pytest.CaptureFixture[str]
) -> None:
    """A vocabulary without bytes: the characters that it loses are named."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    folder = Path(shutil.copytree(codet5_files, tmp_path / "words"))
    for name in ("vocab.json", "merges.txt", "special_tokens_map.json", "added_tokens.json", "tokenizer_config.json"):
        (folder / name).unlink()
    words = {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "how": 4}
    backend = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 2)])
    named = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    PreTrainedTokenizerFast(tokenizer_object=backend, **named).save_pretrained(folder)
    line = refusal(capsys, arguments(tmp_path, teacher.base_url, f"student={{model: {folder}}}"))
    assert re.search(r"tokenizer changes \d+ of \d+ targets, losing '", line), line
    assert 0 == teacher.requests


def test_problems_of_the_evaluation_are_not_requested_and_dev_problems_once(tmp_path: Path) -> None:
    """What the plan asks is what can train."""
    shared = "{source: generated, split: train, count: 20, limit: 5, name: seen}"
    own = ["problems={source: generated, count: 20}", f"evaluation_problems=[{shared}]", "sampling.draws=3"]
    config = cli.load_config(None, [f"run_dir={tmp_path}", "teacher.kind=rehearsal", "mixture.dev_fraction=0.3", *own])
    run_dir = RunDirectory(config.run_dir)
    for stage in distill.DATA:
        execute(stage, config, run_dir)
    problems = load(config.problems, config.seed)
    found = preflight.screened(config, run_dir, problems)
    asked = make_plan(config, run_dir, problems, found).missing
    per_problem = {one.problem_id: sum(r.draws for r in asked if r.problem_id == one.problem_id) for one in problems}
    expected = [0] * 5 + [3 if one.problem_id in found.dev else 9 for one in problems[5:]]
    assert 0 < len(found.dev) < 15
    assert expected == list(per_problem.values())


def test_what_was_answered_before_stays_in_the_plan(tmp_path: Path) -> None:
    """Samples of problems that a later evaluation set has are not lost."""
    fields = [f"run_dir={tmp_path}", "problems={source: generated, count: 6}", "sampling.draws=2"]
    config = cli.load_config(None, fields)
    run_dir = RunDirectory(config.run_dir)
    problems = load(config.problems, 0)
    plan = make_plan(config, run_dir, problems)
    exchange = Exchange(config.teacher, config.sampling, {})
    answered = [one for request in plan.missing[:1] for one in exchange.filtered(request)]
    JournalWriter(run_dir).append(as_row(sample, plan.missing[0]) for sample in answered)
    everything = Screened({problem.problem_id: LeftOut("same", "t/0") for problem in problems})
    later = make_plan(config, run_dir, problems, everything)
    assert ([f"{problems[0].problem_id}/cot/{draw}" for draw in (0, 1)], []) == (later.wanted, later.missing)


GPU = Gpu(name="A card", memory_gib=23.7, bf16=True, torch="2.13.0+cu126", compiler="/usr/bin/gcc", problem=None)


@pytest.mark.parametrize(
    ("found", "field", "expected"),
    [
        (
            replace(GPU, problem="Torch not compiled with CUDA enabled"),
            "epochs=1",
            "torch 2.13.0+cu126 on its node cannot",
        ),
        (
            replace(GPU, problem="The NVIDIA driver is too old"),
            "use_gpu=true",
            "(The NVIDIA driver is too old); install",
        ),
        (replace(GPU, compiler=None), "compile=true", "training.compile: true needs a C compiler on the GPU node"),
    ],
)
def test_a_gpu_that_torch_cannot_use_is_refused(
    monkeypatch: pytest.MonkeyPatch, found: Gpu, field: str, expected: str
) -> None:
    """Before sampling, in one line; with use_gpu: false it does not matter."""
    monkeypatch.setattr("ray.cluster_resources", lambda: {"CPU": 2.0, "GPU": 1.0})
    monkeypatch.setattr(gpus, "gpu_of_cluster", lambda: found)
    with pytest.raises(ConfigError, match=re.escape(expected)):
        gpus.check_gpus(cli.load_config(None, ["run_dir=r", f"training.{field}"]))
    gpus.check_gpus(cli.load_config(None, ["run_dir=r", f"training.{field}", "training.use_gpu=false"]))


def test_the_gpu_is_named_and_what_lacks_of_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Memory and bf16; without bf16 what that costs."""
    config = cli.load_config(None, ["run_dir=r"])
    monkeypatch.setattr("ray.cluster_resources", lambda: {"GPU": 1.0})
    monkeypatch.setattr(gpus, "gpu_of_cluster", lambda: GPU)
    gpus.check_gpus(config)
    assert "gpu: A card, 23.7 GiB, bf16, torch 2.13.0+cu126\n" == capsys.readouterr().err
    monkeypatch.setattr(gpus, "gpu_of_cluster", lambda: replace(GPU, bf16=False))
    gpus.check_gpus(config)
    assert "without bf16 hardware the student trains in fp32" in capsys.readouterr().err


def test_a_machine_without_a_gpu_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the task on a GPU node would answer there."""
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    found = gpus.describe_gpu()
    assert found.problem
    assert "\n" not in found.problem


def test_a_branch_is_pinned_to_the_commit_that_a_run_began_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub may move on; the same command trains the same student. Another revision is another commit."""
    head = "a" * 40
    monkeypatch.setattr("pipelines.student.pretrained.commit", lambda name, revision: revision or head)
    run_dir = RunDirectory(str(tmp_path))
    first = pinned(cli.load_config(None, [f"run_dir={tmp_path}", "student.model=me/x"]), run_dir)
    head = "b" * 40
    again = pinned(cli.load_config(None, [f"run_dir={tmp_path}", "student.model=me/x"]), run_dir)
    other = pinned(cli.load_config(None, [f"run_dir={tmp_path}", "student={model: me/x, revision: v2}"]), run_dir)
    assert ["a" * 40, "a" * 40, "v2"] == [one.student.revision for one in (first, again, other)]
    fields = [train.TRAIN.fields(one) for one in (first, other)]
    assert fields[0] != fields[1]


@pytest.mark.slow
def test_a_gpu_that_only_ray_counts_ends_the_run_before_the_first_request(
    local_cluster: Any, tmp_path: Path, teacher: CountingTeacher
) -> None:
    """A node that says it has a GPU, with torch for CPUs: the same command without GPUs would go on."""
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU that torch can use")
    local_cluster.start_head("--num-cpus=2", "--num-gpus=1", "--object-store-memory=100000000")
    address = {"RAY_ADDRESS": f"127.0.0.1:{local_cluster.port}"}
    done = subprocess.run(
        [sys.executable, "-m", "ray_jobs.distill", *arguments(tmp_path, teacher.base_url)],
        env=local_cluster.environment | address,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (2, 0) == (done.returncode, teacher.requests), done.stderr
    assert re.search(
        r"^error: training\.use_gpu: Ray counts a GPU, but torch \S+ on its node cannot use it \(.+\); install torch",
        done.stderr,
        re.MULTILINE,
    ), done.stderr
