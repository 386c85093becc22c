"""Running stages: the lock on the run directory, Ray when the first stage needs it, one stage after another."""

import contextlib
import logging
import os
from collections.abc import Iterator, Sequence
from typing import Any

from pipelines.config import RunConfig
from ray_jobs.gpus import check_gpus
from ray_jobs.probe import check_shared
from ray_jobs.run_directory import RunDirectory
from ray_jobs.stage import Stage, execute, pending, say


def run_stages(stages: Sequence[Stage], config: RunConfig, run_dir: RunDirectory) -> None:
    """Run those of the stages that are not done, in order; Ray starts only when one of them needs it.

    Foreign problems are used as they lie, so that a later stage works on data that others made.
    """
    with contextlib.ExitStack() as session:
        for stage in stages:
            if not stage.inputs and run_dir.is_foreign(stage.folder):
                say(f"{stage.name}: {run_dir.path(stage.folder)} as it lies (not written by this project)")
                continue
            if stage.needs_ray and pending(stage, config, run_dir) is not None:
                session.enter_context(ray_session())
                check_shared(run_dir)
                if any(later.on_gpus for later in stages):
                    check_gpus(config)
            execute(stage, config, run_dir)


def run_or_describe(stages: Sequence[Stage], config: RunConfig, run_dir: RunDirectory, *, dry_run: bool) -> None:
    """What a stage's command comes to: its stages one after another, or what they would do."""
    from ray_jobs.dry_run import describe

    if dry_run:
        describe(stages, config, run_dir)
        return
    with run_dir.locked():
        run_stages(stages, config, run_dir)


@contextlib.contextmanager
def ray_session() -> Iterator[None]:
    """Ray, connected or started; left as it was found.

    The address comes from the environment (``ray job submit`` sets it); without one a local Ray starts.
    """
    import ray

    if ray.is_initialized():
        yield
        return
    logging.getLogger("ray._private.authentication").setLevel(logging.ERROR)  # token authentication stays on
    # "local": else Ray joins whatever cluster was last started on this machine, even one that no longer lives.
    address = os.environ.get("RAY_ADDRESS", "local")
    ray.init(address, logging_level="WARNING", include_dashboard=False if address == "local" else None)
    quiet_ray_data()
    try:
        yield
    finally:
        ray.shutdown()


def on_this_node() -> Any:
    """The scheduling strategy that puts an actor beside the driver."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)


def quiet_ray_data() -> None:
    """Ray Data with our own progress line instead of its bars, the order of rows kept, and reads that survive nodes."""
    from ray.data import DataContext

    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.execution_options.preserve_order = True  # the same rows in the same order, whatever the cluster
    context.use_datasource_v2 = False  # its Parquet reader (2.60) ends the dataset when one of its actors is lost
    logging.getLogger("ray.data").setLevel(logging.ERROR)
