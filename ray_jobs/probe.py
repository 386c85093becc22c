"""Whether every node of the cluster sees a local run directory: a file that this one writes and all others look for.

    unseen_by(RunDirectory("/data/run"))   -> ["10.0.0.7"]

Without it, each node would write its share of a stage's rows to a disk of its own.
"""

import uuid

from pipelines.errors import DataError
from ray_jobs.run_directory import RunDirectory

_PATIENCE_S = 60.0


def check_shared(run_dir: RunDirectory) -> None:
    """Refuse a run directory that lies on this machine only while the cluster has other nodes.

    Raises:
        DataError: one line that names the nodes.
    """
    if run_dir.is_local and (blind := unseen_by(run_dir)):
        raise DataError(
            f"run_dir: {run_dir.root} is another directory on {', '.join(blind)}; expected storage that every node "
            "shares (NFS at the same path) or a URI such as s3://bucket/run"
        )


def unseen_by(run_dir: RunDirectory) -> list[str]:
    """Addresses of the living nodes that do not find what this process wrote there."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = ray.get_runtime_context().get_node_id()
    others = {node["NodeID"]: node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]}
    others.pop(here, None)
    if not others:
        return []
    name, token = f".probe-{uuid.uuid4().hex}", uuid.uuid4().hex.encode()
    run_dir.write_bytes(token, name)
    try:
        look = ray.remote(num_cpus=0, max_retries=0)(_sees)
        found = {
            look.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote(
                run_dir.path(name), token
            ): address
            for node, address in others.items()
        }
        done, _ = ray.wait(list(found), num_returns=len(found), timeout=_PATIENCE_S)
        return sorted(address for task, address in found.items() if task not in done or not _answer(task))
    finally:
        run_dir.filesystem.delete_file(run_dir.path(name))


def _answer(task: object) -> bool:
    """What a node saw; a node that died meanwhile writes nothing and is no hindrance."""
    import ray
    from ray.exceptions import RayError

    try:
        return bool(ray.get(task))
    except RayError:
        return True


def _sees(path: str, token: bytes) -> bool:
    """Whether the file is there, on the node where this runs."""
    from pathlib import Path

    try:
        return Path(path).read_bytes() == token
    except OSError:
        return False
