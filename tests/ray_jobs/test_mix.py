"""The mixing stage: the same rows whatever the cluster, planted test questions found, everything counted."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipelines.config import ProblemSource, RehearsalConfig
from pipelines.problems import Problem, load, to_table
from pipelines.solvers import Sandbox
from pipelines.teacher.rehearsal import complete
from pipelines.thoughts import THOUGHTS, judge
from ray_jobs import cli, mix

ROOT = Path(__file__).parent.parent.parent
MISTAKES = RehearsalConfig(mistakes=0.3)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generated problems with two draws a thought, in several small files and in no order; four are planted tests."""
    folder = tmp_path_factory.mktemp("inputs")
    problems = load(ProblemSource(source="generated", count=60), 0)
    evaluated = load(ProblemSource(source="generated", split="test", count=20), 0)
    problems += [
        planted("same", evaluated[0].question.upper()),
        planted("edited", edited(evaluated[1].question)),
        planted("longer", f"{evaluated[2].question} Please answer, and do not forget to say how sure you really are."),
        planted("twin", edited(problems[0].question)),  # near a training question
    ]
    samples, verdicts = [], []
    with Sandbox(5, 512) as sandbox:
        for number, asked in enumerate(problems):
            for thought in ("cot", "pot", "eot"):
                for draw in range(2):
                    row: dict[str, Any] = {"sample_id": f"{asked.problem_id}/{thought}/{draw}"}
                    row |= {"problem_id": asked.problem_id, "thought": thought, "draw": draw}
                    text = complete(asked.rationale or RATIONALE, thought, row["sample_id"], 0, MISTAKES).text
                    found = judge(THOUGHTS[thought], text, "stop", asked.answer, asked.answer_kind, sandbox)
                    flags = ["constant"] if number % 5 == 0 else []
                    samples.append({**row, "completion": text})
                    verdicts.append({**row, **vars(found), "flags": flags})
    verdicts.sort(key=lambda row: str(row["sample_id"])[::-1])
    write(folder / "problems", to_table(problems))
    write(folder / "evaluation_problems", to_table(evaluated))
    write(folder / "samples", pa.Table.from_pylist(samples), files=5)
    write(folder / "verdicts", pa.Table.from_pylist(verdicts), files=7)
    return folder


RATIONALE = "4 + 4 = <<4+4=8>>8 pens.\n#### 8"


def planted(name: str, question: str) -> Problem:
    return Problem(
        problem_id=f"planted/{name}",
        question=question,
        answer="8",
        answer_kind="number",
        rationale=RATIONALE,
        dataset="planted",
        split="train",
    )


def edited(question: str) -> str:
    """The question with another first word and another last one."""
    words = question.split()
    return " ".join(["Yesterday", *words[1:-1], "then?"])


def write(folder: Path, table: pa.Table, files: int = 1) -> None:
    folder.mkdir(parents=True)
    size = -(-table.num_rows // files)
    for number in range(files):
        pq.write_table(table.slice(number * size, size), folder / f"{number}.parquet")


def mixed(inputs: Path, folder: Path, *overrides: str) -> dict[str, Any]:
    """Mix a copy of the inputs; returns the card."""
    shutil.copytree(inputs, folder, dirs_exist_ok=True)
    mix.command(cli.load_config(None, [f"run_dir={folder}", *overrides]), dry_run=False)
    card: dict[str, Any] = json.loads((folder / "mixture/card.json").read_text())
    return card


def rows(folder: Path, split: str) -> list[dict[str, Any]]:
    """The rows in the order of the files."""
    files = sorted((folder / "mixture" / split).glob("*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def overlap(folder: Path) -> dict[str, dict[str, Any]]:
    lines = (folder / "mixture/overlap.jsonl").read_text().splitlines()
    return {hit["problem_id"]: hit for hit in map(json.loads, lines)}


def test_planted_test_questions_do_not_train_and_are_listed(inputs: Path, tmp_path: Path, ray_cluster: None) -> None:
    """As it is, lightly edited, and within a longer text: which problem, which evaluation problem, which words."""
    card = mixed(inputs, tmp_path / "run", "mixture.near_duplicates=drop")
    hits = overlap(tmp_path / "run")
    assert [("generated/test/0", "same"), ("generated/test/2", "ngram")] == [
        (hits[f"planted/{name}"]["evaluation_problem_id"], hits[f"planted/{name}"]["kind"])
        for name in ("same", "longer")
    ]
    assert "generated/test/1" == hits["planted/edited"]["evaluation_problem_id"]
    assert 13 == len(hits["planted/longer"]["shared"].split())
    trained = {row["problem_id"] for split in ("train", "dev") for row in rows(tmp_path / "run", split)}
    assert not [name for name in trained if name.startswith("planted/")]
    assert 6 == card["dropped"]["in_evaluation"]
    assert 6 <= card["dropped"]["near_duplicate"]
    assert 1 == card["questions"]["same_as_evaluation"]


def test_a_problem_without_samples_takes_no_near_one_away(inputs: Path, tmp_path: Path, ray_cluster: None) -> None:
    """The twin of one that was not asked is paid for, and trains."""
    shutil.copytree(inputs, tmp_path / "asked")
    for file in (tmp_path / "asked/samples").iterdir():
        table = pq.read_table(file)
        pq.write_table(table.filter(pc.not_equal(table["problem_id"], "generated/train/0")), file)
    mixed(tmp_path / "asked", tmp_path / "run", "mixture.near_duplicates=drop")
    assert "planted/twin" in {row["problem_id"] for row in rows(tmp_path / "run", "train")}


def test_decontamination_can_be_switched_off_but_for_the_same_question(
    inputs: Path, tmp_path: Path, ray_cluster: None
) -> None:
    """``null``: templates may share words by construction; the test question itself never trains."""
    mixed(inputs, tmp_path / "run", "mixture.decontaminate=null", "mixture.dev_fraction=0")
    trained = {row["problem_id"] for row in rows(tmp_path / "run", "train")}
    assert {"planted/edited", "planted/longer", "planted/twin"} <= trained
    assert {"planted/same", "planted/edited", "planted/longer"} <= set(overlap(tmp_path / "run"))  # listed all the same


@pytest.mark.parametrize(
    "overrides",
    [
        ("mixture.recipe=etd", "mixture.max_per_problem=1", "mixture.drop_flags=[constant]"),
        ("mixture.recipe=md", "mixture.near_duplicates=drop"),
        ("mixture.recipe=label",),
        ("mixture.ratios={cot: 1, pot: 2}", "mixture.size=equal_tokens", "mixture.keep=answered"),
    ],
)
def test_the_card_accounts_for_every_row(
    inputs: Path, tmp_path: Path, ray_cluster: None, overrides: tuple[str, ...]
) -> None:
    """What came in, what was written and what was dropped, by recipe."""
    card = mixed(inputs, tmp_path / "run", *overrides)
    assert (64 if "mixture.recipe=label" in overrides else 64 * 6) == card["rows_in"]
    assert card["rows_in"] == sum(card["rows"].values()) - sum(card["copies"].values()) + sum(card["dropped"].values())
    written = {split: rows(tmp_path / "run", split) for split in ("train", "dev")}
    assert card["rows"] == {split: len(examples) for split, examples in written.items()}
    assert card["copies"] == {
        split: sum("#" in row["example_id"] for row in examples) for split, examples in written.items()
    }
    assert set() == {r["problem_id"] for r in written["train"]} & {r["problem_id"] for r in written["dev"]}


def test_the_problems_for_dev_are_the_same_for_every_mixture(inputs: Path, tmp_path: Path, ray_cluster: None) -> None:
    """Proven or not, whatever the recipe keeps; none of them asks what a test problem asks, and none trains."""
    held_out = []
    for number, ratios in enumerate(("{cot: 1}", "{eot: 1, pot: 2}")):
        run = tmp_path / str(number)
        mixed(inputs, run, f"mixture.ratios={ratios}", "mixture.dev_fraction=0.3")
        held_out.append(json.loads((run / "mixture/held_out.json").read_text()))
        trained = {row["problem_id"] for row in rows(run, "train")}
        dev = {row["problem_id"] for row in rows(run, "dev")}
        assert dev <= set(held_out[-1]) and not trained & set(held_out[-1])
        assert not set(held_out[-1]) & {"planted/same", "planted/edited", "planted/longer"}
    assert held_out[0] == held_out[1]
    assert ("planted/twin" in held_out[0]) == ("generated/train/0" in held_out[0])  # near each other
    assert 10 <= len(held_out[0]) <= 30


def test_rows_and_their_order_depend_on_nothing_but_data_and_seed(
    inputs: Path, tmp_path: Path, ray_cluster: None
) -> None:
    """Two runs on inputs that lie in other files, in another order."""
    for name in ("once", "again"):
        mixed(inputs, tmp_path / name, "mixture.recipe=md")
        for folder in ("samples", "verdicts"):  # for the second run
            table = pq.read_table(inputs / folder)
            shutil.rmtree(tmp_path / "other" / folder, ignore_errors=True)
            write(tmp_path / "other" / folder, table.take(list(range(table.num_rows))[::-1]), files=3)
    for folder in ("problems", "evaluation_problems"):
        shutil.copytree(inputs / folder, tmp_path / "other" / folder)
    mix.command(cli.load_config(None, [f"run_dir={tmp_path / 'other'}", "mixture.recipe=md"]), dry_run=False)
    for split in ("train", "dev"):
        assert rows(tmp_path / "once", split) == rows(tmp_path / "again", split) == rows(tmp_path / "other", split)
    assert [] != rows(tmp_path / "once", "dev")


MIX_WITH = """\
import sys, ray
store = 200 * 2**20
ray.init("local", num_cpus=int(sys.argv[1]), include_dashboard=False, logging_level="ERROR", object_store_memory=store)
from ray_jobs import cli, mix, session
session.quiet_ray_data()
mix.command(cli.load_config(None, sys.argv[2:]), dry_run=False)
"""


def start(folder: Path, cpus: int) -> subprocess.Popen[bytes]:
    """Mixing in a process group and a Ray of its own."""
    command = [sys.executable, "-c", MIX_WITH, str(cpus), f"run_dir={folder}", "mixture.recipe=md"]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)


@pytest.mark.slow
def test_the_rows_are_the_same_on_one_and_two_cpus_and_after_a_kill(inputs: Path, tmp_path: Path) -> None:
    """Row by row, in their order: 1 CPU, 2 CPUs, a second run, and one that was killed with kill -9 while it wrote."""
    folders = [tmp_path / name for name in ("one", "two", "again", "killed")]
    for folder in folders:
        shutil.copytree(inputs, folder)
    killed = folders[-1]
    process = start(killed, 2)
    while not (killed / "mixture/overlap.jsonl").exists():  # written before the rows are
        assert process.poll() is None, (killed / "log").read_text()
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert (killed / "mixture/_unfinished").exists() and not (killed / "mixture/_manifest.json").exists()
    for folder, cpus in zip(folders, (1, 2, 2, 2), strict=True):
        assert 0 == start(folder, cpus).wait(timeout=300), (folder / "log").read_text()
    for split in ("train", "dev"):
        expected = rows(folders[0], split)
        assert expected and all(expected == rows(folder, split) for folder in folders[1:])
    cards = [(folder / "mixture/card.json").read_bytes() for folder in folders]
    assert 1 == len(set(cards))
