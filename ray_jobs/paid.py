"""What was paid for: the fields that define samples, kept beside the journal and never changed under it.

    journal/_paid.json   {"teacher.model": "gpt-4o-mini", "sampling.temperature": 0.7, ...}

More problems, thoughts or draws extend a run; another model, prompt or temperature is refused.
"""

import hashlib
import json
from typing import Any

from pipelines.config import RunConfig
from pipelines.errors import PaidRowsError
from pipelines.storage import locate
from pipelines.teacher import model_name, recorded_files
from pipelines.thoughts import Prompt
from ray_jobs.journal import FOLDER
from ray_jobs.run_directory import RunDirectory

_FILE = "_paid.json"


def fields(config: RunConfig, prompts: dict[str, Prompt]) -> dict[str, Any]:
    """The fields that define what a request asks and how it is answered."""
    values: dict[str, Any] = {
        "teacher.kind": config.teacher.kind,
        "teacher.model": model_name(config.teacher),
        "teacher.extra_body": config.teacher.extra_body,
        "sampling.temperature": config.sampling.temperature,
        "sampling.max_tokens": config.sampling.max_tokens,
    }
    values |= {f"sampling.prompts[{name}]": prompt.digest() for name, prompt in prompts.items()}
    if config.teacher.kind == "rehearsal":
        rehearsal = config.teacher.rehearsal
        values |= {
            "seed": config.seed,
            "teacher.rehearsal.mistakes": rehearsal.mistakes,
            "teacher.rehearsal.mistake_kinds": rehearsal.mistake_kinds,
        }
    if config.teacher.kind == "recorded":
        files = recorded_files(config.teacher.recorded_path or [])
        values["teacher.recorded_path"] = [_sha_of_file(file) for file in files]
    return values


def check(now: dict[str, Any], run_dir: RunDirectory) -> None:
    """Refuse a change to rows already paid for.

    Raises:
        PaidRowsError: names the field, what it was and what it is.
    """
    if not run_dir.exists(FOLDER, _FILE):
        return
    then = json.loads(run_dir.read_bytes(FOLDER, _FILE))
    for name, value in now.items():
        if name in then and then[name] != value:
            field = name.split("[")[0]
            was = f"'{then[name]}' → '{value}'" if field != "sampling.prompts" else f"another prompt for {name[17:-1]}"
            raise PaidRowsError(
                f"{field}: {was} would change samples already paid for in {run_dir.uri}; "
                "set it back or use another run_dir"
            )


def record(now: dict[str, Any], run_dir: RunDirectory) -> None:
    """Write the fields down before the first request is paid; thoughts sampled later add theirs."""
    then = json.loads(run_dir.read_bytes(FOLDER, _FILE)) if run_dir.exists(FOLDER, _FILE) else {}
    run_dir.write_bytes(json.dumps({**then, **now}, indent=2).encode(), FOLDER, _FILE)


def question_sha(question: str) -> str:
    """A short hash of a question, kept with each answer."""
    return hashlib.sha256(question.encode()).hexdigest()[:12]


def check_question(run_dir: RunDirectory, problem_id: str, sha: str, shas: dict[str, str]) -> None:
    """Refuse a problem whose id was sampled with another question; ``shas`` are today's by problem id.

    Raises:
        PaidRowsError: names the problem.
    """
    if problem_id in shas and sha != shas[problem_id]:
        raise PaidRowsError(
            f"problems: {problem_id} was sampled with another question; a change of problems.source, path, families "
            f"or seed would mix them up in {run_dir.uri}; set it back or use another run_dir"
        )


def _sha_of_file(path: str) -> str:
    filesystem, path = locate(path)
    with filesystem.open_input_stream(path, compression=None) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
