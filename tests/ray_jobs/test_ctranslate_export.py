"""``student.ctranslate2``: an export beside the student."""

import json
from pathlib import Path

import pytest

from pipelines.config import StudentConfig
from pipelines.errors import ConfigError
from ray_jobs import cli, fit, train
from ray_jobs.run_directory import RunDirectory

SETTINGS = ["student={model: tiny, init: random, vocabulary: 300, ctranslate2: int8}", "problems.source=generated"]


def test_train_writes_it(tmp_path: Path) -> None:
    """In the format and quantisation that were asked for, of the weights that were exported."""
    pytest.importorskip("ctranslate2", reason="the extra ctranslate2 is not installed")
    from pipelines.student import load

    config = cli.load_config(None, [f"run_dir={tmp_path}", *SETTINGS])
    model, tokenizer = load(StudentConfig(model="tiny", init="random", vocabulary=300), ["a text"], seed=0)
    fit._export(model, tokenizer, config, RunDirectory(str(tmp_path)), {"pot": 1})
    assert "int8" == json.loads((tmp_path / "student/ctranslate2/source.json").read_text())["quantization"]
    assert (tmp_path / "student/ctranslate2/model.bin").stat().st_size < (
        tmp_path / "student/model.safetensors"
    ).stat().st_size


def test_asking_for_it_trains_nothing_anew(tmp_path: Path) -> None:
    """The stage runs again, from the same checkpoints; where it is not asked for, nothing has changed."""
    asked = cli.load_config(None, [f"run_dir={tmp_path}", *SETTINGS])
    plain = cli.load_config(None, [f"run_dir={tmp_path}", *SETTINGS, "student.ctranslate2=null"])
    assert train._fields(plain) == train._fields(asked) == train.TRAIN.fields(plain) != train.TRAIN.fields(asked)


def test_without_the_package_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is spent, in one line."""
    monkeypatch.setattr(train.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"student.ctranslate2: .*pip install 'thought-distill\[ctranslate2\]'"):
        train.preflight(cli.load_config(None, [f"run_dir={tmp_path}", *SETTINGS]))
