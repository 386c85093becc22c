"""What trials share: one sampling for all that ask the teacher the same, one mixture for all that train on the same.

    shared/3f2a9c/   a run directory up to its verdicts; mixtures are made in it one after another
    trials/<id>/     gets problems/, evaluation_problems/ and mixture/ as copies, with their manifests

So a trial's folder opens with any tool of a run, and a stage run on it again cannot touch what other trials read.
Nothing of a trial runs meanwhile: the stages up to the mixture take the whole cluster.
"""

from collections.abc import Sequence

from pipelines.config import RunConfig
from pipelines.errors import ThoughtDistillError
from ray_jobs import distill, mix, sample, verify
from ray_jobs.origin import write_origin
from ray_jobs.preflight import check_student
from ray_jobs.problems import EVALUATION_PROBLEMS, PROBLEMS
from ray_jobs.run_directory import RunDirectory, digest
from ray_jobs.session import run_stages
from ray_jobs.stage import say
from ray_jobs.sweep_file import Trial

UPSTREAM = [PROBLEMS, EVALUATION_PROBLEMS, sample.SAMPLE, verify.VERIFY]
_HANDED_OVER = ("problems", "evaluation_problems", "mixture")


def sampling_of(config: RunConfig) -> str:
    """A hash of all that defines the teacher's samples: its trials share one sampling."""
    return digest([["problems", PROBLEMS.fields(config)], ["sample", sample.sampled_fields(config)]])[:8]


def mixture_of(config: RunConfig) -> str:
    """A hash of all that defines the mixture and the test problems."""
    return digest([[stage.name, stage.fields(config)] for stage in [*UPSTREAM, mix.MIX]])


def shared_config(config: RunConfig, sweep_dir: str) -> RunConfig:
    """The same run in the folder that its sampling is shared in."""
    return config.model_copy(update={"run_dir": f"{sweep_dir}/shared/{sampling_of(config)}"})


def describe(trials: Sequence[Trial]) -> str:
    """What is shared, in a sentence."""
    samplings = len({sampling_of(trial.config) for trial in trials})
    mixtures = len({mixture_of(trial.config) for trial in trials})
    one = "the teacher is asked once" if samplings == 1 else f"{samplings:,} different samplings of the teacher"
    return f"{len(trials):,} trials share {mixtures:,} mixture{'s' * (mixtures > 1)}; {one}"


def preflight(trials: Sequence[Trial], sweep_dir: str) -> None:
    """Refuse, before Ray starts, what one of the runs would refuse.

    Raises:
        BadInput: one line.
    """
    seen: set[str] = set()
    for trial in trials:
        config = shared_config(trial.config, sweep_dir)
        key = digest([config.run_dir, config.student.model_dump(), config.training.use_gpu])
        if key not in seen:
            seen.add(key)
            run_dir = RunDirectory(config.run_dir)
            distill.preflight(config, run_dir)
            check_student(config, run_dir)


def prepare(trials: Sequence[Trial], sweep_dir: str) -> dict[str, str]:
    """Bring every trial to its mixture; returns why not, by trial, where no mixture can be made.

    Raises:
        ThoughtDistillError: the teacher's part failed or stopped, which concerns the whole sweep.
    """
    groups: dict[tuple[str, str, str], list[Trial]] = {}
    for trial in trials:
        if any(RunDirectory(trial.config.run_dir).manifest(folder) is None for folder in _HANDED_OVER):
            groups.setdefault(_place(trial.config), []).append(trial)
    impossible: dict[str, str] = {}
    proven = None
    for number, (place, group) in enumerate(sorted(groups.items()), start=1):
        say(f"sweep: mixture {number:,} of {len(groups):,}, for {len(group):,} trial{'s' * (len(group) > 1)}")
        config = shared_config(group[0].config, sweep_dir)
        shared = RunDirectory(config.run_dir)
        with shared.locked():
            if place[:2] != proven:
                write_origin(config, shared)
                run_stages(UPSTREAM, config, shared)
                proven = place[:2]
            try:
                run_stages([mix.MIX], config, shared)
            except ThoughtDistillError as error:
                impossible |= {trial.trial_id: str(error) for trial in group}
                continue
            for trial in group:
                _hand_over(shared, RunDirectory(trial.config.run_dir))
    return impossible


def _place(config: RunConfig) -> tuple[str, str, str]:
    """What is made together comes together: a shared folder's verdicts are made once for all their mixtures."""
    proofs = digest([[stage.name, stage.fields(config)] for stage in UPSTREAM])
    return sampling_of(config), proofs, mixture_of(config)


def _hand_over(shared: RunDirectory, trial: RunDirectory) -> None:
    for folder in _HANDED_OVER:
        manifest = shared.manifest(folder)
        assert manifest is not None
        trial.start(folder)
        trial.copy(shared, folder)
        trial.publish(folder, manifest)
