"""One worker's training: the prepared mixture in, checkpoints and metrics.jsonl on the way, rank 0 leaves the student.

    fit(settings, scratch, device="cpu")        scratch/: train/, dev/ and tokenizer/, from training_data.prepare

Called by Ray Train on every worker, and in a sweep's trial by the trial itself: nothing here asks where it runs.
"""

import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from pipelines.config import RunConfig
from pipelines.problems import ORIGINALS, dataset_name
from pipelines.teacher import STUDENT
from pipelines.teacher.terms import terms_of
from pipelines.thoughts import THOUGHTS
from ray_jobs.loggers import Log, open_loggers
from ray_jobs.progress import duration
from ray_jobs.run_directory import RunDirectory
from ray_jobs.stage import say
from ray_jobs.student_files import new_student
from ray_jobs.verify import sandbox

LOG = "metrics.jsonl"
FIGURES = "result.json"
"""What the training came to, beside its checkpoints."""
_SAY_EVERY_S = 10.0
_DEV_MARGIN = 16  # tokens beyond the longest dev target that a completion may have
_LICENCES = {"generated": "Apache-2.0", **{name: original.licence for name, original in ORIGINALS.items()}}


def fit(
    settings: dict[str, Any],
    scratch: str,
    *,
    device: Any,
    rank: int = 0,
    world_size: int = 1,
    on_log: Log | None = None,
) -> None:
    """Open the mixture, build the student, train, and on rank 0 export it.

    ``settings``: ``config`` of the run as JSON, ``folder`` of the checkpoints, training ``examples`` by thought, and
    ``dev_problems``. ``on_log`` is called with every record, beside ``metrics.jsonl`` and the loggers asked for.
    """
    from transformers.utils import logging as transformers_logging

    from pipelines.inference.tokenizer_files import open_tokenizer_files
    from pipelines.student import (
        CheckpointStore,
        DevProblems,
        headline,
        load_model,
        open_tokenised,
        parameter_count,
        train,
    )

    transformers_logging.disable_progress_bar()
    config = RunConfig.model_validate(settings["config"])
    run_dir = RunDirectory(config.run_dir)
    checkpoints = CheckpointStore(f"{run_dir.uri}/{settings['folder']}")
    tokenizer = open_tokenizer_files(f"{scratch}/tokenizer")
    model = load_model(config.student, tokenizer, config.seed)
    data, dev = open_tokenised(f"{scratch}/train"), open_tokenised(f"{scratch}/dev")
    with contextlib.ExitStack() as open_until_done:
        logs: list[Log] = []
        if rank == 0:
            logs.append(training_log(run_dir, settings["folder"]))
            logs.append(open_until_done.enter_context(open_loggers(config, run_dir, settings["folder"][-16:])))
            logs.extend([on_log] if on_log else [])
        solver = None
        if settings["dev_problems"] and len(dev):
            solver = DevProblems(
                problems=settings["dev_problems"],
                thoughts=list(settings["examples"]),
                select=headline(config.evaluation.select, settings["examples"]),
                tokenizer=tokenizer,
                sandbox=open_until_done.enter_context(sandbox(config.verification)),
                max_input_tokens=config.training.max_input_tokens,
                max_tokens=int(dev.target_lengths.max()) + _DEV_MARGIN,
            )

        def log(record: dict[str, Any]) -> None:
            for tell in logs:
                tell(record)

        result = train(
            model,
            data,
            dev,
            config.training,
            seed=config.seed,
            device=device,
            checkpoints=checkpoints,
            on_log=log,
            dev_problems=solver,
            rank=rank,
            world_size=world_size,
        )
    if rank == 0:
        figures = {
            "model": config.student.model,
            "init": config.student.init,
            "parameters": parameter_count(model),
            "examples": len(data),
            "dropped_too_long": data.dropped,
            **asdict(result),
        }
        _export(model, tokenizer, config, run_dir, settings["examples"])
        run_dir.write_bytes(json.dumps(figures).encode(), settings["folder"], FIGURES)


def training_log(run_dir: RunDirectory, folder: str) -> Callable[[dict[str, Any]], None]:
    """A function that keeps ``metrics.jsonl`` and says a plain line now and then.

    After a restart the lines from the checkpoint on are written anew, so that each step stands once. The log lies
    beside its checkpoints too: a run directory that went back to earlier settings shows their log.
    """
    lines = run_dir.read_bytes(folder, LOG).splitlines() if run_dir.exists(folder, LOG) else []
    kept = [json.loads(line) for line in lines]
    said = time.monotonic()

    def write() -> None:
        content = b"".join(json.dumps(row).encode() + b"\n" for row in kept)
        run_dir.write_bytes(content, folder, LOG)
        run_dir.write_bytes(content, LOG)

    write()

    def log(record: dict[str, Any]) -> None:
        nonlocal kept, said
        kept = [old for old in kept if old["step"] < record["step"]] + [record]
        due = time.monotonic() - said >= _SAY_EVERY_S
        last = record["step"] == record["steps"]
        if run_dir.is_local or due or last or "dev_loss" in record:
            write()
        if due or last:
            said = time.monotonic()
            left = record["elapsed_s"] / record["step"] * (record["steps"] - record["step"])
            say(
                f"train: step {record['step']:,} of {record['steps']:,} ({100 * record['step'] // record['steps']} %), "
                f"loss {record['loss']:.3f}, {record['tokens_per_s']:,.0f} target tokens/s, {duration(left)} left"
            )

    return log


def _export(model: Any, tokenizer: Any, config: RunConfig, run_dir: RunDirectory, examples: dict[str, int]) -> None:
    """The student as a Hugging Face directory that carries its triggers."""
    from pipelines.inference import ctranslate
    from pipelines.student import ModelCard, export, headline

    triggers = {name: THOUGHTS[name].trigger for name in examples}
    card = ModelCard(
        base_model=config.student.model if config.student.init == "pretrained" else None,
        datasets=licences(config),
        recipe=config.mixture.recipe,
        examples=examples,
        triggers=triggers,
        first=headline(config.evaluation.select, examples)[0],
        teachers=teachers(config, run_dir),
        licence="apache-2.0",
    )
    limits = {name: getattr(config.training, name) for name in ("max_input_tokens", "max_target_tokens")}
    model.config.thought_distill = {"thoughts": triggers, **limits}
    with new_student(run_dir) as folder:
        export(model, tokenizer, folder, card, config.training.max_target_tokens)
        if config.student.ctranslate2 is not None:
            ctranslate.convert(folder, config.student.ctranslate2, f"{folder}/{ctranslate.FOLDER}")


def licences(config: RunConfig) -> dict[str, str]:
    """The licence of the data set that the questions come from."""
    return {dataset_name(config.problems): _LICENCES.get(config.problems.source, "see the data set")}


def teachers(config: RunConfig, run_dir: RunDirectory) -> dict[str, str | None]:
    """Who wrote the samples, by their rows, else as configured, with their providers' terms; a rehearsal: none."""
    if config.teacher.kind == "rehearsal":
        return {}
    written = run_dir.read_table("samples")
    names = set(written["model"].to_pylist()) if written is not None and "model" in written.column_names else set()
    of_teachers = {name for name in names if name and not name.startswith(STUDENT)}
    names = of_teachers or {config.teacher.model or config.teacher.kind}
    return {name: terms_of(name) for name in sorted(names)}
