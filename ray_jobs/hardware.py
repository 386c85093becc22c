"""What the run computes on."""

import os

from pipelines.config import RunConfig
from pipelines.errors import ConfigError

# Placement of work that needs no GPU: on any node but those that the cluster labels role=gpu (cluster.yaml does), so
# that no GPU waits for a teacher or a sandbox. Nodes without labels, a laptop's, take all work.
AWAY_FROM_GPUS = {"role": "!gpu"}

_granted: int | None = None


def grant(count: float | None) -> None:
    """From now on this process, an actor beside others, uses so many CPUs of its machine; None: all it may."""
    global _granted
    _granted = None if count is None else max(1, int(count))


def uses_gpu(config: RunConfig) -> bool:
    """Whether training and decoding use GPUs: as configured, or whether the cluster has any.

    Raises:
        ConfigError: ``training.use_gpu`` is true and there is none.
    """
    import ray

    found = ray.cluster_resources().get("GPU", 0) > 0
    if config.training.use_gpu is True and not found:
        raise ConfigError("training.use_gpu: true, but Ray sees no GPU with CUDA; use auto or false, or add a GPU node")
    return found and config.training.use_gpu is not False


def cpu_share() -> float:
    """CPUs that an actor of a pool asks for: half, so that reading and writing always find a whole one free.

    Pools hold at most half of all CPUs. Those left over lie together on some node as long as there are more CPUs than
    nodes; else, and on a single CPU, a pool that holds any waits for ever for the tasks that feed it: it takes none.
    """
    import ray

    return 0.5 if ray.cluster_resources().get("CPU", 1) > nodes_with_cpus() else 0.0


def nodes_with_cpus() -> int:
    """The living nodes that take work."""
    import ray

    return sum(bool(node["Alive"] and node["Resources"].get("CPU", 0) > 0) for node in ray.nodes())


def cpus() -> int:
    """The CPUs of this machine that this process may use."""
    if _granted is not None:
        return _granted
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
