"""The report of a sweep, from the folders of its trials alone.

trials/*/ ─┬─► report/results.csv, results.parquet    a row for each trial, test set and selection
shared/*/ ─┘   report/sweep.html, report/winner.yaml
"""

import io
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import yaml

from pipelines.report.sweep_page import SweepTables, render_sweep, sentence, winner_of
from pipelines.report.sweep_table import SweepTrial, as_table, points
from ray_jobs import trial
from ray_jobs.run_directory import RunDirectory
from ray_jobs.sweep_file import Sweep, Trial
from ray_jobs.sweep_shared import sampling_of, shared_config


def write_report(sweep: Sweep, trials: Sequence[Trial]) -> str:
    """Write the tables, the page and the winner; returns what the sweep found, in a sentence, and where it stands."""
    folder = RunDirectory(sweep.run_dir)
    results = [gathered(one) for one in trials]
    table = as_table(results)
    csv, parquet = io.BytesIO(), io.BytesIO()
    pcsv.write_csv(table, csv)
    pq.write_table(table, parquet)
    tables = SweepTables(
        name=sweep.name,
        sweep=sweep.config.model_dump(mode="json"),
        trials=results,
        samplings=_samplings(sweep, trials),
    )
    winner = _winner(sweep, results)
    folder.write_bytes(csv.getvalue(), "report", "results.csv")
    folder.write_bytes(parquet.getvalue(), "report", "results.parquet")
    folder.write_bytes(winner.encode(), "report", "winner.yaml")
    folder.write_bytes(render_sweep(tables, winner).encode(), "report", "sweep.html")
    return f"\n{sentence(points(results))}\nreport: {folder.uri}/report/sweep.html"


def gathered(one: Trial) -> SweepTrial:
    """What a trial's folder says of it."""
    run_dir = RunDirectory(one.config.run_dir)
    where = trial.status(one.config)
    student, predictions = run_dir.manifest("student"), run_dir.manifest("predictions")
    done = where.kind == "done"
    return SweepTrial(
        trial_id=one.trial_id,
        status=where.kind,
        reason=where.reason,
        point=one.point,
        seed=one.seed,
        config=one.config.model_dump(mode="json"),
        sampling=sampling_of(one.config),
        score=trial.final_score(run_dir),
        card=_json(run_dir, "mixture", "card.json"),
        student=student.notes if student else {},
        evaluation=_json(run_dir, "report", "metrics.json")["evaluation"] if done else [],
        train_s=student.notes["elapsed_s"] if student else None,
        evaluate_s=predictions.wall_s if predictions else None,
    )


def _samplings(sweep: Sweep, trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """The teacher's part of each shared folder."""
    shared = {sampling_of(one.config): shared_config(one.config, sweep.run_dir) for one in trials}
    users = Counter(sampling_of(one.config) for one in trials)
    rows = []
    for name, config in shared.items():
        run_dir = RunDirectory(config.run_dir)
        costs = run_dir.read_table("samples", columns=["cost_usd"])
        if costs is None:
            continue
        known = costs["cost_usd"].null_count == 0
        seconds = [manifest.wall_s for stage in ("samples", "verdicts") if (manifest := run_dir.manifest(stage))]
        rows.append(
            {
                "sampling": name,
                "samples": costs.num_rows,
                "cost_usd": (pc.sum(costs["cost_usd"]).as_py() or 0.0) if known else None,
                "seconds": sum(seconds),
                "trials": users[name],
            }
        )
    return rows


def _winner(sweep: Sweep, results: Sequence[SweepTrial]) -> str:
    """The best point as a run's YAML, with the first of its seeds and a folder of its own."""
    winner = winner_of(results)
    if winner is None:
        return ""
    config = {**winner.trials[0].config, "run_dir": f"runs/{sweep.name}_winner"}
    return yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=100)


def _json(run_dir: RunDirectory, *parts: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(run_dir.read_bytes(*parts)) if run_dir.exists(*parts) else {}
    return content
