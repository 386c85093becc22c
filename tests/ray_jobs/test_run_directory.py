"""The run directory: what is finished, what is foreign, and that nothing half-written is believed."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.config import RunConfig
from pipelines.errors import DataError
from ray_jobs.journal import JournalWriter, read_journal
from ray_jobs.run_directory import RunDirectory
from ray_jobs.stage import Result, Stage, execute, pending

ROWS = pa.table({"n": [1, 2, 3]})


def stage(name: str, *inputs: str, **settings: object) -> Stage:
    """A stage that writes three rows; its only field is the seed."""

    def run(config: RunConfig, run_dir: RunDirectory) -> Result:
        run_dir.write_table(ROWS, name)
        return Result(rows=3, summary="three", **settings)  # type: ignore[arg-type]

    return Stage(name=name, folder=name, inputs=inputs, fields=lambda config: {"seed": config.seed}, run=run)


def config(tmp_path: Path, seed: int = 0) -> RunConfig:
    return RunConfig(run_dir=str(tmp_path), seed=seed)


def test_a_finished_stage_is_not_repeated(tmp_path: Path) -> None:
    """The manifest's fingerprint says so."""
    run_dir = RunDirectory(str(tmp_path))
    execute(stage("a"), config(tmp_path), run_dir)
    assert pending(stage("a"), config(tmp_path), run_dir) is None
    manifest = run_dir.manifest("a")
    assert manifest is not None and (3, ["part-00000.parquet"]) == (manifest.rows, manifest.files)


def test_a_changed_field_reruns_the_stage_and_those_after_it(tmp_path: Path) -> None:
    """A later stage's fingerprint holds the version of what it reads."""
    run_dir = RunDirectory(str(tmp_path))
    first, second = stage("a"), stage("b", "a")
    for each in (first, second):
        execute(each, config(tmp_path), run_dir)
    assert pending(second, config(tmp_path), run_dir) is None
    execute(first, config(tmp_path, seed=1), run_dir)
    assert pending(second, config(tmp_path), run_dir) is not None


def test_a_stage_that_has_something_to_try_again_is_not_done(tmp_path: Path) -> None:
    """Failed requests are asked again by the next run of the command."""
    run_dir = RunDirectory(str(tmp_path))
    execute(stage("a", is_final=False), config(tmp_path), run_dir)
    assert pending(stage("a"), config(tmp_path), run_dir) is not None


def test_a_file_that_went_missing_reruns_its_stage(tmp_path: Path) -> None:
    """A manifest counts only while its files are there."""
    run_dir = RunDirectory(str(tmp_path))
    execute(stage("a"), config(tmp_path), run_dir)
    (tmp_path / "a" / "part-00000.parquet").unlink()
    assert pending(stage("a"), config(tmp_path), run_dir) is not None


def test_a_half_written_stage_is_written_anew(tmp_path: Path) -> None:
    """Killed before its manifest: what lies there is neither finished nor foreign."""
    run_dir = RunDirectory(str(tmp_path))
    run_dir.start("a")
    run_dir.write_table(ROWS, "a")
    assert run_dir.version("a") is None
    assert not run_dir.is_foreign("a")
    execute(stage("a"), config(tmp_path), run_dir)
    assert run_dir.manifest("a") is not None


def test_a_missing_input_is_named(tmp_path: Path) -> None:
    """The stage, the folder, what to do."""
    with pytest.raises(DataError, match="a: missing or unfinished, and b reads it; run the stage before"):
        execute(stage("b", "a"), config(tmp_path), RunDirectory(str(tmp_path)))


def test_parquet_without_a_manifest_is_foreign_input(tmp_path: Path) -> None:
    """It is read, and its content is part of what the later stage depends on."""
    run_dir = RunDirectory(str(tmp_path))
    run_dir.write_table(ROWS, "a")
    assert run_dir.is_foreign("a")
    execute(stage("b", "a"), config(tmp_path), run_dir)
    assert pending(stage("b", "a"), config(tmp_path), run_dir) is None
    run_dir.write_table(pa.table({"n": [1, 2, 3, 4]}), "a")
    assert pending(stage("b", "a"), config(tmp_path), run_dir) is not None


def test_foreign_data_is_never_overwritten(tmp_path: Path) -> None:
    """A stage refuses to write where others' data lies."""
    run_dir = RunDirectory(str(tmp_path))
    run_dir.write_table(ROWS, "a")
    with pytest.raises(DataError, match="data that this project did not write"):
        execute(stage("a"), config(tmp_path), run_dir)
    assert 3 == pa.concat_tables([run_dir.read_table("a")]).num_rows


def test_foreign_data_stays_foreign_once_a_journal_is_there(tmp_path: Path) -> None:
    """Sampling on others' problems must not make them ours to overwrite."""
    run_dir = RunDirectory(str(tmp_path))
    run_dir.write_table(ROWS, "a")
    run_dir.write_bytes(b"", "journal", "1.jsonl")
    with pytest.raises(DataError, match="data that this project did not write"):
        run_dir.start("a")
    assert run_dir.version("a") is not None


def test_a_second_run_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    """The lock goes with the process that holds it."""
    first, second = RunDirectory(str(tmp_path)), RunDirectory(str(tmp_path))
    with first.locked(), pytest.raises(DataError, match="another run is at work here"), second.locked():
        pass
    with second.locked():
        pass


def test_the_journal_gives_back_what_was_written_by_several_runs(tmp_path: Path) -> None:
    """Oldest first, whatever the number of writers over time."""
    run_dir = RunDirectory(str(tmp_path))
    for number in (1, 2):
        JournalWriter(run_dir).append([{"sample_id": f"s{number}", "completion": "ä\nb"}])
    assert [("s1", "ä\nb"), ("s2", "ä\nb")] == [(row["sample_id"], row["completion"]) for row in read_journal(run_dir)]


def test_a_torn_last_line_is_passed_over(tmp_path: Path) -> None:
    """Power failed in the middle of a write."""
    run_dir = RunDirectory(str(tmp_path))
    JournalWriter(run_dir).append([{"sample_id": "s1"}, {"sample_id": "s2"}])
    (written,) = (tmp_path / "journal").glob("*.jsonl")
    written.write_bytes(written.read_bytes()[:-4])
    JournalWriter(run_dir).append([{"sample_id": "s3"}])
    assert ["s1", "s3"] == [row["sample_id"] for row in read_journal(run_dir)]


def test_on_an_object_store_the_journal_is_immutable_segments(tmp_path: Path) -> None:
    """Nothing is appended to or renamed."""
    run_dir = RunDirectory(str(tmp_path))
    run_dir.is_local = False
    writer = JournalWriter(run_dir)
    writer.append([{"sample_id": str(n)} for n in range(1000)])
    writer.append([{"sample_id": "last"}])
    writer.flush()
    assert 2 == len(list((tmp_path / "journal").glob("*.jsonl")))
    assert 1001 == len(list(read_journal(run_dir)))


def test_a_manifest_is_plain_json(tmp_path: Path) -> None:
    """Other tools read it without this project."""
    execute(stage("a"), config(tmp_path), RunDirectory(str(tmp_path)))
    manifest = json.loads((tmp_path / "a" / "_manifest.json").read_text())
    assert {"stage", "fingerprint", "version", "fields", "inputs", "files", "rows", "wall_s", "notes"} == set(manifest)
