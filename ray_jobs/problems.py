"""Problems: the data sets, read once and kept with the run, so that later stages read one schema.

    config.problems             -> problems/               (the teacher is asked these)
    config.evaluation_problems  -> evaluation_problems/    (never sampled, never trained on)

Needs no Ray: bad data is refused before Ray starts. Every later stage makes them where they are missing.

python -m ray_jobs.problems --config configs/gsm8k_etd.yaml      to look at them before anything is asked
"""

import hashlib
import sys
from typing import Any

from pyarrow import fs as pafs

from pipelines.config import ProblemSource, RunConfig
from pipelines.errors import ConfigError, DataError
from pipelines.problems import Problem, dataset_name, load, source_files, to_table
from pipelines.storage import locate
from ray_jobs import cli
from ray_jobs.run_directory import RunDirectory
from ray_jobs.stage import Result, Stage


def _fields(source: ProblemSource, seed: int) -> dict[str, Any]:
    """What defines a source's rows: the file by its content, not its place; the seed where it is used."""
    irrelevant = {"path", "odd_answers"}
    if source.source != "generated":
        irrelevant |= {"count", "families", "largest"}
    if source.largest is None:
        irrelevant.add("largest")  # so that problems made before there was this stay valid
    fields = source.model_dump(exclude=irrelevant)
    if source.source == "generated":
        fields["seed"] = seed
    if source.path is not None:
        fields["content"] = _content(source)
    return fields


def _content(source: ProblemSource) -> str:
    """A hash of the file; of several files, the hash of their hashes."""
    hashes = [_file_hash(file) for file in source_files(source)]
    return hashes[0][:16] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()[:16]


def _file_hash(path: str) -> str:
    filesystem, place = locate(path)
    if filesystem.get_file_info(place).type != pafs.FileType.File:
        raise DataError(f"{path}: no such file; expected a data set (problems.path, evaluation_problems.N.path)")
    with filesystem.open_input_stream(place) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _run_problems(config: RunConfig, run_dir: RunDirectory) -> Result:
    return _write(load(config.problems, config.seed), "problems", run_dir)


def _run_evaluation(config: RunConfig, run_dir: RunDirectory) -> Result:
    loaded: dict[str, Problem] = {}
    for number, source in enumerate(config.evaluation_problems):
        for problem in load(source, config.seed):
            if problem.problem_id in loaded:
                raise ConfigError(
                    f"evaluation_problems.{number}: a second '{dataset_name(source)}/{source.split}'; "
                    "give one of them a name of its own, e.g. name: held_out"
                )
            loaded[problem.problem_id] = problem
    return _write(list(loaded.values()), "evaluation_problems", run_dir)


def _write(problems: list[Problem], folder: str, run_dir: RunDirectory) -> Result:
    run_dir.write_table(to_table(problems), folder)
    per_set: dict[str, int] = {}
    for problem in problems:
        name = f"{problem.dataset}/{problem.split}"
        per_set[name] = per_set.get(name, 0) + 1
    return Result(rows=len(problems), summary=", ".join(f"{count:,} of {name}" for name, count in per_set.items()))


PROBLEMS = Stage(
    name="problems",
    folder="problems",
    needs_ray=False,
    fields=lambda config: _fields(config.problems, config.seed),
    run=_run_problems,
)

EVALUATION_PROBLEMS = Stage(
    name="evaluation_problems",
    folder="evaluation_problems",
    needs_ray=False,
    fields=lambda config: {"sources": [_fields(source, config.seed) for source in config.evaluation_problems]},
    run=_run_evaluation,
)


def command(config: RunConfig, dry_run: bool) -> None:
    """``python -m ray_jobs.problems``."""
    from ray_jobs.session import run_or_describe

    run_or_describe([PROBLEMS, EVALUATION_PROBLEMS], config, RunDirectory(config.run_dir), dry_run=dry_run)


if __name__ == "__main__":
    sys.exit(cli.main("problems", "Read or generate the problems, of training and of evaluation.", command))
