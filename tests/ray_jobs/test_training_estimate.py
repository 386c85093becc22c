"""The dry run of training on a mixture that is there."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from pipelines.errors import ConfigError
from ray_jobs import cli, train

STUDENT = ["student={model: tiny, init: random, vocabulary: 300}"]
STUDENT += ["training={batch_size: 4, epochs: 2.5, use_gpu: false}"]


@pytest.fixture(autouse=True)
def threads():
    """The dry run takes every CPU, as training does."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def mixture(folder: Path, rows: int, text: str) -> None:
    (folder / "mixture" / "train").mkdir(parents=True)
    row = {"problem_id": "a", "thought": "pot", "input": f"{text}\n", "target": f"ans = {text}", "weight": 1.0}
    table = pa.Table.from_pylist([{"example_id": str(number), **row} for number in range(rows)])
    pq.write_table(table, folder / "mixture" / "train" / "part.parquet")


def test_dry_run_measures_steps_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Steps, examples, hours and memory of this mixture and student; the estimate for a GPU says that it is one."""
    mixture(tmp_path, 11, "1 + 1")
    before = sorted(tmp_path.rglob("*"))
    train.command(cli.load_config(None, [f"run_dir={tmp_path}", *STUDENT]), dry_run=True)
    said = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "8 steps of 4 examples (11 examples, 0 too long)" in said
    assert "measured on 3 steps on cpu" in said and "3090 (estimated, not measured)" in said
    assert before == sorted(tmp_path.rglob("*"))


def test_workers_without_a_place_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray would wait for them for ever."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    many = cli.load_config(None, [f"run_dir={tmp_path}", *STUDENT, "training.num_workers=500"])
    with pytest.raises(ConfigError, match=r"^training\.num_workers: 500, but a worker takes a .* and this machine has"):
        train.check_room(many)
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    train.check_room(many)


def test_dry_run_of_a_mixture_that_is_too_long_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No row within the limits: nothing would be trained."""
    mixture(tmp_path, 3, "1 2 3 4 5 6 7 8 9 " * 5)
    limits = ["training.max_input_tokens=8", "training.max_target_tokens=8"]
    train.command(cli.load_config(None, [f"run_dir={tmp_path}", *STUDENT, *limits]), dry_run=True)
    assert "nothing: all 3 examples are longer than the limits" in " ".join(capsys.readouterr().out.split())
