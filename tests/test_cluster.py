"""cluster.yaml is what `ray up` accepts."""

import json
from pathlib import Path

import jsonschema
import yaml

ROOT = Path(__file__).parent.parent


def test_the_cluster_file_fits_rays_own_schema() -> None:
    """A head, CPU workers and GPU workers, with token authentication on every node."""
    import ray.autoscaler

    schema = json.loads((Path(ray.autoscaler.__file__).parent / "ray-schema.json").read_text())
    cluster = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    jsonschema.validate(cluster, schema)
    assert {"head", "cpu_worker", "gpu_worker"} == set(cluster["available_node_types"])
    starts = cluster["head_start_ray_commands"] + cluster["worker_start_ray_commands"]
    assert all("RAY_AUTH_MODE=token" in command for command in starts if "ray start" in command)
