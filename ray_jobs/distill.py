"""The whole run: problems → sample → verify → mix → train → evaluate → report; what is done is not repeated.

python -m ray_jobs.distill --config configs/quickstart.yaml run_dir=runs/quickstart
ray job submit --working-dir . -- python -m ray_jobs.distill --config configs/gsm8k_etd.yaml run_dir=s3://bucket/etd
"""

import sys

from pipelines.config import RunConfig
from pipelines.errors import DataError
from ray_jobs import cli, evaluate, mix, sample, self_training, train, verify
from ray_jobs.origin import write_origin
from ray_jobs.preflight import check_questions, check_student
from ray_jobs.problems import EVALUATION_PROBLEMS, PROBLEMS
from ray_jobs.report import REPORT
from ray_jobs.run_directory import RunDirectory
from ray_jobs.session import run_stages
from ray_jobs.stage import Stage, say
from ray_jobs.student_files import pinned

DATA: list[Stage] = [PROBLEMS, EVALUATION_PROBLEMS]
WORK: list[Stage] = [
    sample.SAMPLE,
    verify.VERIFY,
    mix.MIX,
    train.TRAIN,
    evaluate.EVALUATE,
    evaluate.EVALUATE_DEV,
    REPORT,
]
STAGES = DATA + WORK


def command(config: RunConfig, dry_run: bool) -> None:
    """``python -m ray_jobs.distill``."""
    from ray_jobs.dry_run import describe

    run_dir = RunDirectory(config.run_dir)
    preflight(config, run_dir)
    if dry_run:
        check_student(config, run_dir)
        describe(STAGES, config, run_dir)
        if config.self_training.rounds > 1:
            say(f"self-training: at most {config.self_training.rounds - 1} further rounds of mix, train and evaluate")
        return
    train.check_room(config)
    with run_dir.locked():
        config = pinned(config, run_dir)
        write_origin(config, run_dir)
        run_stages(DATA, config, run_dir)
        check_questions(config, run_dir)
        check_student(config, run_dir)
        run_stages(WORK, config, run_dir)
        if config.self_training.rounds > 1:
            self_training.run(config, run_dir)
            return  # it has said what each round came to
    report = run_dir.manifest("report")
    if report is not None:
        say(f"\n{report.notes['headline']}\nreport: {run_dir.uri}/report/report.html")


def preflight(config: RunConfig, run_dir: RunDirectory) -> None:
    """Everything that can be refused before Ray starts.

    Raises:
        BadInput: one line.
    """
    foreign = [stage.folder for stage in STAGES if run_dir.is_foreign(stage.folder)]
    if foreign:
        raise DataError(
            f"{run_dir.path(foreign[0])}: holds data that this project did not write; run the later stages "
            "one by one on it (python -m ray_jobs.verify, mix, train, evaluate), or choose another run_dir"
        )
    sample.preflight(config, run_dir)
    verify.preflight(config, run_dir)
    train.preflight(config)


if __name__ == "__main__":
    sys.exit(cli.main("distill", "Distil a student: problems to report, one command.", command))
