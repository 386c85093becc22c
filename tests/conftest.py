"""What all tests share: where the real data lies, and one Ray for the whole session."""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data sets; tests that need it skip, with the reason, where it is absent."""
    folder = Path(os.environ.get("THOUGHT_DISTILL_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder} (set THOUGHT_DISTILL_DATA)")
    return folder


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[None]:
    """One local Ray for all tests that spread work, with a small object store."""
    import ray

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ray.init("local", num_cpus=2, object_store_memory=200 * 2**20, include_dashboard=False, logging_level="ERROR")
    from ray_jobs.session import quiet_ray_data

    quiet_ray_data()
    yield
    ray.shutdown()
