"""cluster.yaml is what `ray up` accepts, deploy/rayjob.yaml what the KubeRay operator accepts."""

import gzip
import json
from pathlib import Path
from typing import Any

import jsonschema
import yaml

ROOT = Path(__file__).parent.parent
KUBERAY = Path(__file__).parent / "data" / "kuberay-1.7-rayjob.json.gz"  # KubeRay's CRD ray.io/v1 RayJob, Apache-2.0


def cluster_file() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "cluster.yaml").read_text(encoding="utf-8"))


def test_the_cluster_file_fits_rays_own_schema() -> None:
    """A head, CPU workers and GPU workers."""
    import ray.autoscaler

    schema = json.loads((Path(ray.autoscaler.__file__).parent / "ray-schema.json").read_text())
    jsonschema.validate(cluster_file(), schema)
    assert {"head", "cpu_worker", "gpu_worker"} == set(cluster_file()["available_node_types"])


def test_every_node_of_the_cluster_file_asks_for_the_token() -> None:
    """Head and workers start with token authentication, and the token's file goes to each of them."""
    cluster = cluster_file()
    starts = cluster["head_start_ray_commands"] + cluster["worker_start_ray_commands"]
    assert 2 == sum("RAY_AUTH_MODE=token ray start" in command for command in starts)
    assert "~/.ray/auth_token" in cluster["file_mounts"]


def test_ray_reads_the_cluster_file_as_it_is_meant() -> None:
    """After Ray has filled in its defaults, GPU nodes install CUDA's torch, all others the CPU wheel."""
    from ray.autoscaler._private.util import prepare_config

    cluster = prepare_config(cluster_file())
    commands = {
        name: " ".join(node.get("worker_setup_commands", cluster["worker_setup_commands"]))
        for name, node in cluster["available_node_types"].items()
    }
    assert "download.pytorch.org/whl/cpu" in commands["cpu_worker"]
    assert "download.pytorch.org/whl/cpu" not in commands["gpu_worker"]
    assert all("-c constraints.txt" in command for command in commands.values())


def test_three_lines_are_left_to_fill_in() -> None:
    """What a user must change is marked."""
    for name in ("cluster.yaml", "deploy/rayjob.yaml"):
        lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
        marked = [line for line in lines if "FILL IN" in line and "marked FILL IN" not in line]
        assert {"cluster.yaml": 3, "deploy/rayjob.yaml": 2}[name] == len(marked)


def test_the_kuberay_manifest_fits_kuberays_own_schema() -> None:
    """Every field is one that the operator knows; a misspelt one, which Kubernetes drops silently, is found."""
    schema = json.loads(gzip.decompress(KUBERAY.read_bytes()))
    _refuse_unknown(schema["properties"]["spec"])
    manifest = yaml.safe_load((ROOT / "deploy" / "rayjob.yaml").read_text(encoding="utf-8"))
    validator = jsonschema.Draft7Validator(schema)
    assert [] == [error.message for error in validator.iter_errors(manifest)]
    manifest["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]["minReplica"] = 1
    assert 1 == len(list(validator.iter_errors(manifest)))


def test_the_manifest_runs_the_ray_that_is_pinned() -> None:
    """rayVersion is that of constraints.txt, and both files give GPU nodes the role that other work avoids."""
    from ray_jobs.hardware import AWAY_FROM_GPUS

    cluster = yaml.safe_load((ROOT / "deploy" / "rayjob.yaml").read_text(encoding="utf-8"))["spec"]["rayClusterSpec"]
    assert f"ray=={cluster['rayVersion']}" in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    groups = {group["groupName"]: group["labels"]["role"] for group in cluster["workerGroupSpecs"]}
    assert {"cpu": "cpu", "gpu": "gpu"} == groups
    assert "gpu" == cluster_file()["available_node_types"]["gpu_worker"]["labels"]["role"]
    assert {"role": "!gpu"} == AWAY_FROM_GPUS


def _refuse_unknown(schema: Any) -> None:
    """Kubernetes' dialect of JSON Schema, made strict about fields."""
    if isinstance(schema, list):
        for part in schema:
            _refuse_unknown(part)
    elif isinstance(schema, dict):
        if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
            schema.setdefault("additionalProperties", False)
        if schema.get("x-kubernetes-int-or-string"):
            schema.pop("type", None)
        for part in schema.values():
            _refuse_unknown(part)
