"""What the workers of a training read: the mixture, tokenised once for each node, and the dev problems.

with node_folder(is_first=local_rank == 0) as folder:      the same folder for all workers of a node
    prepare(config, run_dir, folder)                       the first of them: train/, dev/ and tokenizer/
    open_tokenised(f"{folder}/train")                      all of them, mapped into memory
"""

import contextlib
import hashlib
import json
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.config import RunConfig
from pipelines.mixture import Example
from pipelines.problems import Problem, from_rows
from ray_jobs.run_directory import RunDirectory
from ray_jobs.stage import say

HELD_OUT = "held_out.json"
"""In ``mixture/``: the ids of the problems for dev."""
FEW = 50
_EVALUATED = 200


@contextlib.contextmanager
def node_folder(*, is_first: bool) -> Iterator[str]:
    """A scratch folder that the workers of one node share; the first of them makes it and takes it away."""
    from ray.train.collective import broadcast_from_rank_zero

    folder = Path(tempfile.gettempdir(), f"thought-distill-{broadcast_from_rank_zero(secrets.token_hex(8))}")
    if is_first:
        folder.mkdir(mode=0o700)
    try:
        yield str(folder)
    finally:
        if is_first:
            shutil.rmtree(folder, ignore_errors=True)


def prepare(config: RunConfig, run_dir: RunDirectory, folder: str) -> Any:
    """Leave the tokenised mixture and the student's tokenizer in ``folder``; returns the tokenizer.

    Raises:
        DataError: the tokenizer loses text.
    """
    from pipelines.student import check_round_trip, load_tokenizer, tokenise

    examples = read_examples(run_dir, "train")
    texts = (text for example in examples for text in (example.input, example.target))
    tokenizer = load_tokenizer(config.student, texts)
    check_round_trip(tokenizer, [example.target for example in examples])
    limits = config.training.max_input_tokens, config.training.max_target_tokens
    tokenise(examples, tokenizer, f"{folder}/train", *limits)
    tokenise(read_examples(run_dir, "dev"), tokenizer, f"{folder}/dev", *limits)
    tokenizer.save_pretrained(f"{folder}/tokenizer")
    return tokenizer


def examples_by_thought(run_dir: RunDirectory) -> dict[str, int]:
    """How many training examples the mixture has of each thought, by name."""
    table = run_dir.read_table("mixture", "train", columns=["thought"])
    counts = [] if table is None else table["thought"].value_counts().to_pylist()
    return dict(sorted((count["values"], count["counts"]) for count in counts))


def held_out(run_dir: RunDirectory, seed: int) -> list[Problem]:
    """The problems with a gold answer that ``mix`` held out; of a mixture that does not say, those of its dev split.

    Their order is a pseudo-random function of seed and ids, by which ``shares`` splits them.
    """
    if run_dir.version("problems") is None:
        return []
    problems = run_dir.table("problems")
    usual = {"dataset": "dev", "split": "dev", "answer_kind": "number"}  # foreign problems may lack them
    found = [
        usual | {name: value for name, value in row.items() if value is not None}
        for row in problems.filter(pc.is_in(problems["problem_id"], held_out_ids(run_dir))).to_pylist()
        if row.get("answer") is not None
    ]
    return sorted(
        from_rows(found),
        key=lambda one: hashlib.blake2b(f"{seed}\n{one.problem_id}".encode(), digest_size=8).digest(),
    )


def shares(found: list[Problem]) -> tuple[list[Problem], list[Problem]]:
    """The held-out problems that choose the epoch, and those that measure it and choose an order.

    Evaluation takes the last 200, or half where there are fewer than 400. Fewer than ``FEW`` are too few to share: both
    get all of them, and what evaluation measures is then of problems that chose the student.
    """
    if len(found) < FEW:
        return found, found
    evaluated = min(_EVALUATED, len(found) // 2)
    return found[:-evaluated], found[-evaluated:]


def held_out_ids(run_dir: RunDirectory) -> pa.Array:
    """The ids of the problems for dev."""
    if run_dir.exists("mixture", HELD_OUT):
        ids = set(json.loads(run_dir.read_bytes("mixture", HELD_OUT)))
    else:
        dev, train = (run_dir.read_table("mixture", split, columns=["problem_id"]) for split in ("dev", "train"))
        trained = set(train["problem_id"].to_pylist()) if train is not None else set()
        ids = set(dev["problem_id"].to_pylist()) - trained if dev is not None else set()
    return pa.array(ids, pa.string())


def dev_problems(config: RunConfig, run_dir: RunDirectory) -> list[Problem]:
    """The dev problems that are solved after each epoch."""
    dev = run_dir.read_table("mixture", "dev", columns=["problem_id"])
    if not config.training.dev_problems or dev is None or not dev.num_rows:
        return []
    found = held_out(run_dir, config.seed)
    if not found:
        say(
            "train: no gold answers of dev problems in problems/, so dev accuracy is left out; "
            "dev loss chooses the student"
        )
    return shares(found)[0][: config.training.dev_problems]


def read_examples(run_dir: RunDirectory, split: str) -> list[Example]:
    """The mixture's examples, by example id: an order that no file layout changes."""
    table = run_dir.read_table("mixture", split)
    rows = pa.table({}) if table is None else table.sort_by("example_id")
    return [Example(**row) for row in rows.to_pylist()]
