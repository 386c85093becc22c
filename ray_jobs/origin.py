"""Where a run directory comes from: the resolved configuration, and the commit, versions and machine that it ran on.

config.yaml        run_dir: runs/gsm8k, seed: 0, problems: {source: gsm8k, ...}, ...     every field, defaults included
provenance.json    {"commit": "2942d73", "python": "3.11.7", "versions": {"ray": "2.60.0", ...}, "cpus": 16, ...}

Neither holds a secret: a key's environment variable is named, its value never written.
"""

import importlib.metadata
import json
import platform
import subprocess
from pathlib import Path
from typing import Any

import yaml

from pipelines.config import RunConfig
from ray_jobs.hardware import cpus
from ray_jobs.run_directory import RunDirectory


def write_origin(config: RunConfig, run_dir: RunDirectory) -> None:
    """Write both files, anew with each start."""
    written = config.model_dump(mode="json")
    run_dir.write_bytes(yaml.safe_dump(written, sort_keys=False).encode(), "config.yaml")
    run_dir.write_bytes(json.dumps(provenance(), indent=2).encode(), "provenance.json")


def provenance() -> dict[str, Any]:
    """Commit, versions and hardware of this run."""
    packages = ("thought-distill", "ray", "torch", "transformers", "sympy", "openai", "pyarrow")
    return {
        "commit": _commit(),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in packages},
        "platform": platform.platform(),
        "cpus": cpus(),
    }


def _commit() -> str | None:
    here = Path(__file__).parent
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=here, capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or None


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
