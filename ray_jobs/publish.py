"""Publishing: the student and its verified data set, each to a repository of the same name on the Hugging Face hub.

student/ ─────────────────────────────────────────────► ORG/NAME           (a model)
problems/ + samples/ + verdicts/ ──► what is right ───► datasets/ORG/NAME  (Parquet and a card)

python -m ray_jobs.publish run_dir=runs/gsm8k --repo ORG/NAME --dry-run     lists the files; no token needed
python -m ray_jobs.publish run_dir=runs/gsm8k --repo ORG/NAME               private unless --public is given
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml
from pyarrow import fs as pafs
from pydantic import ValidationError

from pipelines.config import RunConfig
from pipelines.errors import ConfigError, CredentialsError, DataError, ThoughtDistillError
from ray_jobs import cli
from ray_jobs.run_directory import UNFINISHED, RunDirectory
from ray_jobs.stage import say

_SAMPLE_COLUMNS = ["sample_id", "problem_id", "thought", "draw", "completion", "model"]
_READ = ("problems", "samples", "verdicts", "mixture", "student")
_TERMS = "the terms of the teacher's provider, which both cards state, may forbid publishing either"


def command(config: RunConfig, dry_run: bool, repository: str, *, public: bool) -> None:
    """Put the files together, list them, and upload them unless it is a dry run.

    Raises:
        ConfigError: the repository is no ORG/NAME.
        CredentialsError: no token, or one that the hub refuses.
        DataError: the run directory has nothing to publish.
        ThoughtDistillError: the hub does not answer or refuses.
    """
    from huggingface_hub import HfApi, get_token
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError
    from huggingface_hub.utils import validate_repo_id

    from ray_jobs.fit import teachers

    try:
        validate_repo_id(repository)
    except HFValidationError:
        repository = ""
    if repository.count("/") != 1:
        raise ConfigError("--repo: expected ORG/NAME on the Hugging Face hub, e.g. --repo ada/gsm8k-student")
    if not dry_run and get_token() is None:
        raise CredentialsError("publish: no Hugging Face token; set HF_TOKEN or run `hf auth login`, then run again")
    run_dir = RunDirectory(config.run_dir)
    unfinished = [folder for folder in _READ if run_dir.exists(folder, UNFINISHED)]
    if unfinished:
        raise DataError(f"{run_dir.path(unfinished[0])}: unfinished; run its stage to the end before publishing")
    config = _as_run(config, run_dir)
    visibility = "public" if public else "private"
    with tempfile.TemporaryDirectory() as scratch:
        folders = {kind: Path(scratch, kind) for kind in ("model", "dataset")}
        put = {"model": _put_student, "dataset": _put_data}
        ready = [kind for kind in folders if put[kind](config, run_dir, folders[kind])]
        if not ready:
            raise DataError(f"{run_dir.uri}: neither a student nor verified samples; nothing to publish")
        for kind in ready:
            for file in sorted(path for path in folders[kind].rglob("*") if path.is_file()):
                say(f"{_place(kind, repository)}/{file.relative_to(folders[kind])}  {file.stat().st_size:,} bytes")
        if teachers(config, run_dir):
            say(f"publish: {_TERMS}")
        if dry_run:
            say(f"dry run: nothing pushed; {'both' if len(ready) > 1 else 'it'} would be {visibility}")
            return
        api = HfApi()
        try:
            for kind in ready:
                api.create_repo(repository, repo_type=kind, private=not public, exist_ok=True)
                api.upload_folder(
                    repo_id=repository, repo_type=kind, folder_path=folders[kind], commit_message="Publish"
                )
                say(f"publish: https://huggingface.co/{_place(kind, repository)} ({visibility})")
        except HfHubHTTPError as error:
            said = f"publish: the hub refuses {repository} ({' '.join(str(error).split())[:300]})"
            if error.response is not None and error.response.status_code in (401, 403):
                raise CredentialsError(f"{said}; the token needs the right to write there") from None
            raise ThoughtDistillError(said) from None
        except OSError as error:
            raise ThoughtDistillError(f"publish: the hub cannot be reached ({error})") from None


def _as_run(config: RunConfig, run_dir: RunDirectory) -> RunConfig:
    """The configuration that the run was made with, where it left one: the cards name its data set, not a default."""
    if not run_dir.exists("config.yaml"):
        return config
    try:
        return RunConfig.model_validate(yaml.safe_load(run_dir.read_bytes("config.yaml")))
    except (yaml.YAMLError, ValidationError):
        raise DataError(
            f"{run_dir.path('config.yaml')}: not a configuration of this version; "
            "delete it and give the run's own file with --config"
        ) from None


def verified(run_dir: RunDirectory) -> pa.Table | None:
    """Samples that were proven right, with question and answers; of the mixture's problems only where there is one,
    since it left out those that are near an evaluation question. None where the run has no samples or verdicts."""
    samples, verdicts = run_dir.read_table("samples"), run_dir.read_table("verdicts")
    problems = run_dir.read_table("problems", columns=["problem_id", "question", "answer", "answer_kind"])
    if samples is None or verdicts is None or problems is None:
        return None
    right = verdicts.filter(pc.fill_null(verdicts["correct"], False)).select(["sample_id", "answer"])
    samples = samples.select([name for name in _SAMPLE_COLUMNS if name in samples.column_names])
    joined = samples.join(right.rename_columns(["sample_id", "proven_answer"]), "sample_id", join_type="inner")
    joined = joined.join(problems, "problem_id", join_type="inner")
    mixture = run_dir.read_table("mixture", columns=["problem_id"])
    if mixture is not None:
        joined = joined.filter(pc.is_in(joined["problem_id"], mixture["problem_id"].combine_chunks()))
    return joined.sort_by("sample_id")


def data_card(config: RunConfig, run_dir: RunDirectory, table: pa.Table) -> str:
    """The data set's README: licences, who wrote it, what was proven, counts."""
    from pipelines.student.export import provenance
    from ray_jobs.fit import licences, teachers

    named = licences(config)
    head: dict[str, Any] = {"license": "other", "license_name": "see-card", "task_categories": ["text-generation"]}
    head["configs"] = [{"config_name": "default", "data_files": "data/*.parquet"}]
    counts = sorted(pc.value_counts(table["thought"]).to_pylist(), key=lambda count: str(count["values"]))
    lines = [
        f"---\n{yaml.safe_dump(head, sort_keys=False).strip()}\n---",
        "# Proven reasoning",
        f"{table.num_rows:,} completions on questions of {', '.join(named)}. Each was proven: its answer was read, run "
        "or solved (`proven_answer`) and equals the data set's (`answer`). The reasoning may still be wrong.",
        "\n".join(f"- {count['values']}: {count['counts']:,}" for count in counts),
        "\n".join(f"- questions of {name}: {licence}" for name, licence in named.items()),
        *(line for line in provenance(teachers(config, run_dir)) if line),
        "Programs in it were written by a language model: run them only in a sandbox.",
    ]
    return "\n\n".join(lines) + "\n"


def _put_student(config: RunConfig, run_dir: RunDirectory, folder: Path) -> bool:
    if not run_dir.exists("student", "config.json"):
        return False
    folder.mkdir()
    pafs.copy_files(run_dir.path("student"), str(folder), source_filesystem=run_dir.filesystem)
    for mark in folder.glob("_*"):  # our manifest
        mark.unlink()
    return True


def _put_data(config: RunConfig, run_dir: RunDirectory, folder: Path) -> bool:
    table = verified(run_dir)
    if table is None or not table.num_rows:
        return False
    (folder / "data").mkdir(parents=True)
    pq.write_table(table, folder / "data" / "train-00000.parquet")
    (folder / "README.md").write_text(data_card(config, run_dir, table), encoding="utf-8")
    return True


def _place(kind: str, repository: str) -> str:
    return f"datasets/{repository}" if kind == "dataset" else repository


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: the shared one, and where to publish."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--repo", default="")
    parser.add_argument("--public", action="store_true")
    own, shared = parser.parse_known_args(arguments)
    what = (
        "Push student and verified data to the Hugging Face hub.\n\n  --repo ORG/NAME  the student, and a data set "
        "of the same name\n  --public         for everyone; without it both are private"
    )
    return cli.main("publish", what, lambda c, dry_run: command(c, dry_run, own.repo, public=own.public), shared)


if __name__ == "__main__":
    sys.exit(main())
