"""The report: what the run directory holds, measured and drawn.

all tables ──► pipelines.report.measure ──► report/metrics.json, report/*.csv
                                   render ──► report/report.html, report/*.png

python -m ray_jobs.report run_dir=runs/gsm8k
python -m ray_jobs.report --compare runs/a runs/b     two runs on the problems they share (``ray_jobs.compare``)
"""

import json
import sys
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import yaml

from pipelines.config import RunConfig
from pipelines.errors import DataError
from pipelines.inference.confidence import FILE
from pipelines.report import RunTables, headline, measure, outcomes, render, write_outcomes, write_records
from pipelines.report.dev import greedy_calibration
from pipelines.teacher import STUDENT
from ray_jobs import cli, compare
from ray_jobs.run_directory import RunDirectory
from ray_jobs.session import run_or_describe
from ray_jobs.stage import Result, Stage
from ray_jobs.training_data import FEW, held_out

_STAGE_FOLDERS = (
    *("problems", "evaluation_problems", "samples", "verdicts", "mixture", "student"),
    *("predictions", "dev_predictions"),
)


def run(config: RunConfig, run_dir: RunDirectory) -> Result:
    """Measure and draw, and put scores and confidence beside the student; needs no Ray."""
    tables = gather(config, run_dir)
    metrics = measure(tables)
    page = render(tables, metrics)
    run_dir.write_bytes(json.dumps(metrics, indent=2).encode(), "report", "metrics.json")
    run_dir.write_bytes(page.html.encode(), "report", "report.html")
    for name, picture in page.plots.items():
        run_dir.write_bytes(picture, "report", name)
    with run_dir.filesystem.open_output_stream(run_dir.path("report", "evaluation.csv")) as stream:
        write_records(metrics["evaluation"], stream)
    with run_dir.filesystem.open_output_stream(run_dir.path("report", "outcomes.csv")) as stream:
        write_outcomes(outcomes(tables), stream)
    if run_dir.manifest("student") is not None and run_dir.exists("student", "README.md"):  # a foreign card is not ours
        from pipelines.student.export import scored

        card = scored(run_dir.read_bytes("student", "README.md").decode(), metrics["evaluation"])
        run_dir.write_bytes(card.encode(), "student", "README.md")
        _keep_confidence(tables, run_dir)
    place = f"{run_dir.uri}/report/report.html"
    return Result(rows=len(metrics["evaluation"]), summary=place, notes={"headline": headline(metrics)})


def _keep_confidence(tables: RunTables, run_dir: RunDirectory) -> None:
    """Leave what dev says of the student's confidence beside it, for ``ray_jobs.solve``."""
    model = greedy_calibration(tables)
    if model is not None:
        run_dir.write_bytes(model.as_json().encode(), "student", FILE)
    elif run_dir.exists("student", FILE):
        run_dir.filesystem.delete_file(run_dir.path("student", FILE))


def gather(config: RunConfig, run_dir: RunDirectory) -> RunTables:
    """The run's tables, as far as its stages have written them."""
    manifests = {folder: run_dir.manifest(folder) for folder in _STAGE_FOLDERS}
    samples, verdicts = _of_teacher(run_dir.read_table("samples"), run_dir.read_table("verdicts"))
    return RunTables(
        config=_written_config(run_dir) or config.model_dump(mode="json"),
        provenance=_json(run_dir, "provenance.json") or {},
        problems=run_dir.read_table("problems"),
        evaluation_problems=run_dir.read_table("evaluation_problems"),
        samples=samples,
        samples_failed=run_dir.read_table("samples_failed"),
        verdicts=verdicts,
        mixture_card=_json(run_dir, "mixture", "card.json") or {},
        predictions=run_dir.read_table("predictions"),
        dev_predictions=run_dir.read_table("dev_predictions"),
        overlapping=_overlapping(config, run_dir),
        dev_chose_epoch=run_dir.exists("mixture") and len(held_out(run_dir, config.seed)) < FEW,
        training_log=_lines(run_dir, "metrics.jsonl"),
        wall_s={manifest.stage: manifest.wall_s for manifest in manifests.values() if manifest is not None},
        student=manifests["student"].notes if manifests["student"] else {},
    )


def _overlapping(config: RunConfig, run_dir: RunDirectory) -> frozenset[str]:
    """Evaluation problems that share 13 words in a row with a question that may have trained, or are near one."""
    if config.mixture.decontaminate is not None:
        return frozenset()
    return frozenset(hit["evaluation_problem_id"] for hit in _lines(run_dir, "mixture", "overlap.jsonl"))


def _of_teacher(samples: pa.Table | None, verdicts: pa.Table | None) -> tuple[pa.Table | None, pa.Table | None]:
    """Samples and verdicts without the student's own of self-training, of which only right ones are there."""
    if samples is None or "model" not in samples.column_names:
        return samples, verdicts
    own = pc.fill_null(pc.starts_with(samples["model"], STUDENT), False)
    if verdicts is not None:
        names = samples.filter(own)["sample_id"]
        verdicts = verdicts.filter(pc.invert(pc.is_in(verdicts["sample_id"], names)))
    return samples.filter(pc.invert(own)), verdicts


def _written_config(run_dir: RunDirectory) -> dict[str, Any] | None:
    if not run_dir.exists("config.yaml"):
        return None
    written: dict[str, Any] = yaml.safe_load(run_dir.read_bytes("config.yaml"))
    return written


def _json(run_dir: RunDirectory, *parts: str) -> dict[str, Any] | None:
    if not run_dir.exists(*parts):
        return None
    content: dict[str, Any] = json.loads(run_dir.read_bytes(*parts))
    return content


def _lines(run_dir: RunDirectory, *parts: str) -> list[dict[str, Any]]:
    if not run_dir.exists(*parts):
        return []
    return [json.loads(line) for line in run_dir.read_bytes(*parts).splitlines() if line.strip()]


REPORT = Stage(
    name="report",
    folder="report",
    optional=_STAGE_FOLDERS,
    needs_ray=False,
    fields=lambda config: {"select": config.evaluation.select},
    run=run,
)


def command(config: RunConfig, dry_run: bool) -> None:
    """``python -m ray_jobs.report``."""
    run_dir = RunDirectory(config.run_dir)
    if not any(run_dir.exists(folder) for folder in _STAGE_FOLDERS):
        raise DataError(f"{run_dir.uri}: nothing to report on; expected a run directory")
    run_or_describe([REPORT], config, run_dir, dry_run=dry_run)


if __name__ == "__main__":
    if "--compare" in sys.argv:
        sys.exit(compare.main(sys.argv[1:]))
    what = "Measure a run and draw its report; --compare RUN_A RUN_B [--output FILE.csv] compares two runs instead."
    sys.exit(cli.main("report", what, command))
