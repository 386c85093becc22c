"""Mixing: problems, samples and verdicts meet by problem, and what a recipe keeps becomes the mixture.

problems/ ─┐
samples/  ─┼─► by problem ──► recipe, dev split, overlap ──► shares ──► mixture/train, mixture/dev, card.json
verdicts/ ─┘

python -m ray_jobs.mix run_dir=runs/gsm8k mixture.ratios='{pot: 1}'
"""

import json
import sys
from collections import Counter
from dataclasses import asdict
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.config import RunConfig
from pipelines.errors import ConfigError, RunStopped
from pipelines.mixture import (
    MIXTURE_SCHEMA,
    RECIPES,
    Dropped,
    EvaluationText,
    Judged,
    cuts,
    evaluation_text,
    in_dev,
    is_evaluated,
    needs_cuts,
    overlaps,
    rank,
    target_tokens,
)
from pipelines.problems import PROBLEM_SCHEMA, from_rows
from ray_jobs import cli
from ray_jobs.run_directory import RunDirectory
from ray_jobs.session import run_stages
from ray_jobs.stage import Result, Stage

_ROWS_PER_PARTITION = 20_000

_MEETING_SCHEMA = pa.schema(
    [
        pa.field("table", pa.string()),
        *(pa.field(name, pa.string()) for name in PROBLEM_SCHEMA.names),
        *(pa.field(name, pa.string()) for name in ("sample_id", "thought", "completion", "status", "verdict_answer")),
        pa.field("draw", pa.int32()),
        pa.field("correct", pa.bool_()),
        pa.field("in_evaluation", pa.bool_()),
        pa.field("overlap", pa.bool_()),
    ]
)
"""One schema under which rows of the three inputs meet; a row fills the columns of its own table."""

_DECIDED_SCHEMA = pa.schema(
    [
        *MIXTURE_SCHEMA,
        pa.field("split", pa.string()),  # train, dev, or dropped
        pa.field("reason", pa.string()),
        pa.field("rank", pa.int64()),
        pa.field("tokens", pa.int64()),
        pa.field("overlap", pa.bool_()),
    ]
)


def run(config: RunConfig, run_dir: RunDirectory) -> Result:
    """The mixing graph: three tables → one group a problem → examples and reasons → shares → two splits."""
    import ray

    evaluated = run_dir.read_table("evaluation_problems", columns=["question"])
    known = ray.put(evaluation_text(evaluated["question"].to_pylist() if evaluated is not None else []))

    def read(folder: str) -> "ray.data.Dataset":
        return ray.data.read_parquet(run_dir.parquet_files(folder), filesystem=run_dir.filesystem)

    # By the rows alone: the order of the mixture, like its rows, must not depend on the cluster.
    partitions = 1 + read("samples").count() // _ROWS_PER_PARTITION
    problems = read("problems").map_batches(_compared, fn_args=(known,), batch_format="pyarrow")
    samples = read("samples").map_batches(_meeting, fn_args=("samples",), batch_format="pyarrow")
    verdicts = read("verdicts").map_batches(_as_verdicts, batch_format="pyarrow")
    decided = (
        problems.union(samples, verdicts)
        .groupby("problem_id", num_partitions=partitions)
        .map_groups(_decide, fn_args=(config,), batch_format="pyarrow")
        .materialize()
    )
    table = pa.concat_tables(ray.get(decided.select_columns(_COUNTED).to_arrow_refs()))
    kept = _cut(table, config)
    for split in ("train", "dev"):
        (
            decided.map_batches(_of_split, fn_args=(split, kept), batch_format="pyarrow").write_parquet(
                run_dir.path("mixture", split), filesystem=run_dir.filesystem
            )
        )
    card = _card(table, kept, config)
    run_dir.write_bytes(json.dumps(card, indent=2).encode(), "mixture", "card.json")
    if card["rows"]["train"] == 0:
        raise RunStopped(
            f"mix: nothing is left to train on; dropped: {card['dropped']}; loosen mixture.keep or sample more"
        )
    dropped = ", ".join(f"{reason} {count:,}" for reason, count in card["dropped"].items())
    train, dev = card["rows"]["train"], card["rows"]["dev"]
    return Result(rows=train + dev, summary=f"{train:,} train, {dev:,} dev; dropped: {dropped or 'none'}")


_COUNTED = ["thought", "split", "reason", "rank", "tokens", "overlap", "problem_id"]


def _compared(batch: pa.Table, known: Any) -> pa.Table:
    """Problems, each compared with the evaluation sets."""
    import ray

    evaluation: EvaluationText = ray.get(known)
    questions = batch["question"].to_pylist()
    compared = batch.append_column(
        "in_evaluation", pa.array([is_evaluated(q, evaluation) for q in questions], pa.bool_())
    )
    overlapping = pa.array([overlaps(q, evaluation) for q in questions], pa.bool_())
    return _meeting(compared.append_column("overlap", overlapping), "problems")


def _as_verdicts(batch: pa.Table) -> pa.Table:
    """Verdicts; their answer must not be taken for the problem's."""
    names = ["verdict_answer" if name == "answer" else name for name in batch.column_names]
    return _meeting(batch.rename_columns(names), "verdicts")


_OWN_COLUMNS = {
    "problems": {*PROBLEM_SCHEMA.names, "in_evaluation", "overlap"},
    "samples": {"sample_id", "problem_id", "thought", "draw", "completion"},
    "verdicts": {"sample_id", "problem_id", "thought", "draw", "status", "verdict_answer", "correct"},
}


def _meeting(batch: pa.Table, table: str) -> pa.Table:
    """A batch of one of the three tables under the common schema; columns that are not its own are left out."""
    named = batch.select([name for name in batch.column_names if name in _OWN_COLUMNS[table]])
    named = named.append_column("table", pa.array([table] * batch.num_rows, pa.string()))
    columns = [
        named[field.name].cast(field.type) if field.name in named.column_names else pa.nulls(named.num_rows, field.type)
        for field in _MEETING_SCHEMA
    ]
    return pa.table(columns, schema=_MEETING_SCHEMA)


def _decide(group: pa.Table, config: RunConfig) -> pa.Table:
    """What a recipe makes of one problem: examples with their split, and dropped rows with their reason."""
    rows = group.to_pylist()
    asked = [row for row in rows if row["table"] == "problems"]
    texts = {row["sample_id"]: row for row in rows if row["table"] == "samples"}
    verdicts = [row for row in rows if row["table"] == "verdicts" and row["sample_id"] in texts]
    unverified = texts.keys() - {row["sample_id"] for row in verdicts}
    judged = [
        Judged(
            sample_id=row["sample_id"],
            thought=row["thought"],
            draw=row["draw"],
            completion=texts[row["sample_id"]]["completion"],
            status=row["status"],
            answer=row["verdict_answer"],
            correct=row["correct"],
        )
        for row in verdicts
    ]
    if not asked:
        return _decided([_drop(Dropped(sample.thought, "unknown_problem")) for sample in judged])
    problem = from_rows([{**asked[0], "answer_kind": asked[0]["answer_kind"] or "number"}])[0]
    if asked[0]["in_evaluation"]:
        return _decided([_drop(Dropped(sample.thought, "in_evaluation")) for sample in judged])
    split = "dev" if in_dev(config.seed, problem.problem_id, config.mixture.dev_fraction) else "train"
    mixed = [_drop(Dropped(texts[sample_id]["thought"], "unverified")) for sample_id in sorted(unverified)]
    for entry in RECIPES[config.mixture.recipe](problem, judged, config.mixture):
        if isinstance(entry, Dropped):
            mixed.append(_drop(entry))
            continue
        ranked = {"rank": rank(config.seed, entry.example_id), "tokens": target_tokens(entry.target)}
        mixed.append({**asdict(entry), "split": split, "reason": "", "overlap": asked[0]["overlap"], **ranked})
    return _decided(mixed)


def _drop(dropped: Dropped) -> dict[str, Any]:
    empty = {"example_id": "", "problem_id": "", "input": "", "target": "", "weight": 0.0}
    return {**empty, "thought": dropped.thought, "split": "dropped", "reason": dropped.reason, "overlap": False}


def _decided(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=_DECIDED_SCHEMA)


def _cut(table: pa.Table, config: RunConfig) -> dict[str, int] | None:
    """The rank up to which each thought is kept, or None for the plain union."""
    if not needs_cuts(config.mixture):
        return None
    train = table.filter(pc.equal(table["split"], "train"))
    ranked: dict[str, list[tuple[int, int]]] = {}
    columns = (train[name].to_pylist() for name in ("thought", "rank", "tokens"))
    for thought, place, tokens in zip(*columns, strict=True):
        ranked.setdefault(thought, []).append((place, tokens))
    return cuts(ranked, config.mixture.ratios, config.mixture.size)


def _inside(table: pa.Table, kept: dict[str, int] | None) -> pa.Array:
    """Which examples the shares keep; dev keeps the thoughts that train keeps any of."""
    if kept is None:
        return pa.array([True] * table.num_rows, pa.bool_())
    limits = [kept.get(thought, -1) for thought in table["thought"].to_pylist()]
    rows = zip(limits, table["split"].to_pylist(), table["rank"].to_pylist(), strict=True)
    return pa.array([limit >= 0 and (split == "dev" or place <= limit) for limit, split, place in rows], pa.bool_())


def _of_split(batch: pa.Table, split: str, kept: dict[str, int] | None) -> pa.Table:
    batch = batch.filter(pc.equal(batch["split"], split))
    return batch.filter(_inside(batch, kept)).select(MIXTURE_SCHEMA.names).cast(MIXTURE_SCHEMA)


def _card(table: pa.Table, kept: dict[str, int] | None, config: RunConfig) -> dict[str, Any]:
    """Every row in (and every further copy that a recipe makes) and every row dropped, by reason and thought."""
    dropped = table.filter(pc.equal(table["split"], "dropped"))
    examples = table.filter(pc.not_equal(table["split"], "dropped"))
    inside = examples.filter(_inside(examples, kept))
    reasons = Counter(zip(dropped["reason"].to_pylist(), dropped["thought"].to_pylist(), strict=True))
    outside = examples.filter(pc.invert(_inside(examples, kept)))
    reasons.update(("share", thought) for thought in outside["thought"].to_pylist())
    by_reason: Counter[str] = Counter()
    for (reason, _), count in reasons.items():
        by_reason[reason] += count
    splits = Counter(inside["split"].to_pylist())
    overlapping = inside.filter(inside["overlap"])
    return {
        "recipe": config.mixture.recipe,
        "ratios": config.mixture.ratios,
        "size": config.mixture.size,
        "rows_in": table.num_rows,
        "rows": {"train": splits["train"], "dev": splits["dev"]},
        "by_thought": dict(sorted(Counter(inside["thought"].to_pylist()).items())),
        "dropped": dict(by_reason.most_common()),
        "dropped_by_thought": {f"{reason}/{thought}": count for (reason, thought), count in sorted(reasons.items())},
        "overlap_13gram_problems": len(set(overlapping["problem_id"].to_pylist())),
    }


def preflight(config: RunConfig, run_dir: RunDirectory) -> None:
    """Refuse shares with a recipe that sets its own weights.

    Raises:
        ConfigError: recipe md or label with ratios.
    """
    if config.mixture.recipe != "etd" and config.mixture.ratios is not None:
        raise ConfigError(f"mixture.ratios: recipe '{config.mixture.recipe}' sets its own shares; leave ratios null")


MIX = Stage(
    name="mix",
    folder="mixture",
    inputs=("problems", "samples", "verdicts"),
    optional=("evaluation_problems",),
    fields=lambda config: {**config.mixture.model_dump(), "seed": config.seed},
    run=run,
)


def command(config: RunConfig, dry_run: bool) -> None:
    """``python -m ray_jobs.mix``."""
    from ray_jobs.dry_run import describe

    run_dir = RunDirectory(config.run_dir)
    preflight(config, run_dir)
    if dry_run:
        describe([MIX], config, run_dir)
        return
    with run_dir.locked():
        run_stages([MIX], config, run_dir)


if __name__ == "__main__":
    sys.exit(cli.main("mix", "Mix the proven thoughts into training examples.", command))
