"""Running stages: the lock on the run directory, Ray when the first stage needs it, one stage after another."""

import contextlib
import logging
import os
import re
import socket
from collections.abc import Iterator, Sequence
from typing import Any

from pipelines.config import RunConfig
from pipelines.errors import ConfigError, ThoughtDistillError
from ray_jobs.gpus import check_gpus
from ray_jobs.outage import one_line
from ray_jobs.probe import check_shared
from ray_jobs.run_directory import RunDirectory
from ray_jobs.stage import Stage, execute, pending, say

_CONNECT_S = 10.0
_LONGEST_TMPDIR = 107 - len("/ray/session_2026-12-01_02-38-44_123456_1234567/sockets/plasma_store")
"""A socket's path has at most 107 bytes on Linux."""


class RayUnavailableError(ThoughtDistillError):
    """No Ray cluster could be reached or started; exit code 1, since the same command may succeed later."""


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
    from ray.exceptions import RayError

    if ray.is_initialized():
        yield
        return
    logging.getLogger("ray._private.authentication").setLevel(logging.ERROR)  # token authentication stays on
    # "local": else Ray joins whatever cluster was last started on this machine, even one that no longer lives.
    address = os.environ.get("RAY_ADDRESS", "local")
    check_address(address)
    if address == "local" and len(os.environ.get("RAY_TMPDIR", "")) > _LONGEST_TMPDIR:
        raise ConfigError(
            f"RAY_TMPDIR: longer than {_LONGEST_TMPDIR} characters, too long for the sockets that Ray puts below it; "
            "set a shorter one, such as RAY_TMPDIR=/tmp"
        )
    try:
        ray.init(address, logging_level="WARNING", include_dashboard=False if address == "local" else None)
    except (OSError, RuntimeError, ValueError, RayError) as error:
        raise RayUnavailableError(f"Ray did not start (RAY_ADDRESS {address}): {one_line(error)}") from None
    quiet_ray_data()
    try:
        yield
    finally:
        ray.shutdown()


def check_address(address: str) -> None:
    """Refuse a RAY_ADDRESS that names no cluster, since Ray itself would wait for it for minutes.

    Raises:
        ConfigError: it is not HOST:PORT.
        RayUnavailableError: nothing listens there; the same command may succeed later.
    """
    if address in ("local", "auto") or address.startswith("ray://"):
        return
    parts = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:/\s]+):(\d{1,5})", address)
    if parts is None:
        hint = " (http:// is the job server's, for ray job submit)" if address.startswith("http") else ""
        raise ConfigError(f"RAY_ADDRESS: '{address}' is not HOST:PORT of a cluster's head{hint}, e.g. 10.0.0.1:6379")
    try:
        socket.create_connection((parts[1].strip("[]"), int(parts[2])), timeout=_CONNECT_S).close()
    except (OSError, OverflowError) as error:
        raise RayUnavailableError(
            f"RAY_ADDRESS: no cluster answers at {address} ({one_line(error)}); "
            "start it, or unset RAY_ADDRESS for a Ray on this machine"
        ) from None


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
