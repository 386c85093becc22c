"""Publishing, up to the upload: a hub that is a dictionary."""

from pathlib import Path
from typing import Any

import huggingface_hub
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

import pipelines.student.export  # noqa: F401 - transformers is to see the real HfApi
from ray_jobs import publish

ROWS = [("a", "ans = 4", True), ("b", "ans = 5", False), ("near", "ans = 4", True)]


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """A student, and three samples: right, wrong, and right but left out of the mixture."""
    tables: dict[str, list[dict[str, Any]]] = {
        "problems": [{"problem_id": i, "question": f"{i}?", "answer": "4", "answer_kind": "number"} for i, *_ in ROWS],
        "samples": [
            {
                "sample_id": f"{i}/pot/0",
                "problem_id": i,
                "thought": "pot",
                "draw": 0,
                "completion": c,
                "model": "gpt-4.1",
            }
            for i, c, _ in ROWS
        ],
        "verdicts": [{"sample_id": f"{i}/pot/0", "answer": c[-1], "correct": right} for i, c, right in ROWS],
        "mixture/train": [{"problem_id": "a"}, {"problem_id": "b"}],
    }
    for folder, rows in tables.items():
        (tmp_path / folder).mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / folder / "part.parquet")
    (tmp_path / "student").mkdir()
    for name in ("config.json", "model.safetensors", "README.md", "_manifest.json"):
        (tmp_path / "student" / name).write_text("{}")
    return tmp_path


class Hub(dict[tuple[str, str], dict[str, bytes]]):
    """Stands for ``HfApi``: keeps what is uploaded, by kind and repository."""

    def create_repo(self, repo_id: str, *, repo_type: str, private: bool, exist_ok: bool) -> None:
        """An empty repository."""
        self[repo_type, repo_id] = {"private": str(private).encode()}

    def upload_folder(self, *, repo_id: str, repo_type: str, folder_path: Path, commit_message: str) -> None:
        """Every file below the folder."""
        files = {str(f.relative_to(folder_path)): f.read_bytes() for f in folder_path.rglob("*") if f.is_file()}
        self[repo_type, repo_id] |= files


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A hub that knows our token."""
    hub = Hub()
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: hub)
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "hf_secret")
    return hub


def test_student_and_verified_data_are_pushed(run_dir: Path, hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    """Private repositories of one name; our manifest stays here; only what is proven and in the mixture is data."""
    assert 0 == publish.main([f"run_dir={run_dir}", "--repo", "ada/student"])
    assert {"private", "config.json", "model.safetensors", "README.md"} == set(hub["model", "ada/student"])
    data = hub["dataset", "ada/student"]
    assert {"private", "README.md", "data/train-00000.parquet"} == set(data)
    rows = pq.read_table(pa.BufferReader(data["data/train-00000.parquet"])).to_pylist()
    assert [("a/pot/0", "a?", "4", "4")] == [
        (row["sample_id"], row["question"], row["answer"], row["proven_answer"]) for row in rows
    ]
    card = data["README.md"].decode()
    assert {"data/*.parquet"} == {c["data_files"] for c in yaml.safe_load(card.split("---")[1])["configs"]}
    assert "questions of gsm8k: MIT" in card and "OpenAI: output may not be used" in card
    assert {b"True"} == {files["private"] for files in hub.values()}
    assert "hf_secret" not in capsys.readouterr().err + card


def test_public_is_asked_for(run_dir: Path, hub: Hub) -> None:
    """--public makes the repositories public."""
    assert 0 == publish.main([f"run_dir={run_dir}", "--repo", "ada/student", "--public"])
    assert {b"False"} == {files["private"] for files in hub.values()}


def test_dry_run_lists_files_and_needs_no_token(
    run_dir: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names and sizes; nothing is uploaded."""
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    assert 0 == publish.main([f"run_dir={run_dir}", "--repo", "ada/student", "--dry-run"])
    said = capsys.readouterr().err
    assert "ada/student/config.json  2 bytes" in said and "datasets/ada/student/data/train-00000.parquet" in said
    assert {} == hub


@pytest.mark.parametrize(("kind", "is_said"), [("rehearsal", False), ("openai", True)])
def test_terms_are_spoken_of_where_a_provider_has_some(
    run_dir: Path, hub: Hub, capsys: pytest.CaptureFixture[str], kind: str, is_said: bool
) -> None:
    """A program that rehearses has none; either way a dry run says that nothing was pushed."""
    written = {"run_dir": "elsewhere", "problems": {"source": "generated"}, "teacher": {"kind": kind}}
    (run_dir / "config.yaml").write_text(yaml.safe_dump(written))
    assert 0 == publish.main([f"run_dir={run_dir}", "--repo", "ada/student", "--dry-run"])
    said = capsys.readouterr().err
    assert is_said == ("the terms of the teacher's provider" in said)
    assert "dry run: nothing pushed; both would be private\n" in said


@pytest.mark.parametrize(
    ("token", "arguments", "message"),
    [
        (None, ["--repo", "ada/student"], "publish: no Hugging Face token; set HF_TOKEN"),
        ("hf_secret", [], "--repo: expected ORG/NAME"),
        ("hf_secret", ["--repo", "a/b/c"], "--repo: expected ORG/NAME"),
        ("hf_secret", ["--repo", "ada/student"], "nothing to publish"),
    ],
)
def test_what_cannot_be_published_is_refused_in_a_line(
    tmp_path: Path,
    hub: Hub,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    token: str | None,
    arguments: list[str],
    message: str,
) -> None:
    """Exit code 2; without a token before anything is read, here a directory that is not there."""
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: token)
    assert 2 == publish.main([f"run_dir={tmp_path}/none", *arguments])
    said = capsys.readouterr().err
    assert message in said and 1 == len(said.splitlines())


def test_the_card_names_the_data_set_of_the_run(run_dir: Path, hub: Hub) -> None:
    """As the run's config.yaml has it: nobody repeats --config to publish."""
    written = {"run_dir": "elsewhere", "problems": {"source": "svamp"}}
    (run_dir / "config.yaml").write_text(yaml.safe_dump(written))
    assert 0 == publish.main([f"run_dir={run_dir}", "--repo", "ada/student"])
    card = hub["dataset", "ada/student"]["README.md"].decode()
    assert "questions of svamp" in card and "gsm8k" not in card


def test_a_config_of_another_version_is_refused(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In one line; no card is made up."""
    (run_dir / "config.yaml").write_text("run_dir: x\nsong: 1\n")
    assert 2 == publish.main([f"run_dir={run_dir}", "--repo", "ada/student", "--dry-run"])
    [line] = capsys.readouterr().err.splitlines()
    assert "config.yaml: not a configuration of this version" in line


def test_an_unfinished_student_is_not_published(run_dir: Path, hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    """A kill in the middle of its export leaves a mark; nothing is uploaded then."""
    (run_dir / "student" / "_unfinished").touch()
    assert 2 == publish.main([f"run_dir={run_dir}", "--repo", "ada/student"])
    assert ({}, True) == (dict(hub), "student: unfinished" in capsys.readouterr().err)
