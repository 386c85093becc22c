"""The batches that were made, each written down beside the journal so that none is ever made twice.

    journal/_batches/<key>.json   {"key": "9f...", "requests": [...], "file_id": "file-1", "batch_id": "batch_1", ...}

Written before the file is uploaded, after the upload, after the batch was made, and when its answers are in the
journal. What lies between two of them is asked of the endpoint, by the key in the batch's metadata (``batch``).
"""

import json
from dataclasses import asdict, dataclass

from pipelines.teacher import Dialect, Request
from pipelines.teacher.batch import MOST_REQUESTS
from ray_jobs.journal import FOLDER
from ray_jobs.run_directory import RunDirectory

_FOLDER = "_batches"


@dataclass(frozen=True, kw_only=True)
class Record:
    """A batch as it is written down; ``requests`` are forgotten once their answers are in the journal."""

    key: str
    created_s: float
    round: int
    worst_usd: float
    most: int = MOST_REQUESTS  # that a batch of this account may have
    dialect: Dialect
    requests: list[Request]
    file_id: str | None = None
    batch_id: str | None = None
    is_done: bool = False

    def write(self, run_dir: RunDirectory) -> None:
        """To the disk, in place of what was written before."""
        run_dir.write_bytes(json.dumps(asdict(self)).encode(), FOLDER, _FOLDER, f"{self.key}.json")

    def path(self, run_dir: RunDirectory) -> str:
        """Where it is written."""
        return run_dir.path(FOLDER, _FOLDER, f"{self.key}.json")


def open_batches(run_dir: RunDirectory) -> list[Record]:
    """The batches whose answers are not all in the journal."""
    records = []
    for info in run_dir.listing(FOLDER, _FOLDER):
        if not info.path.endswith(".json"):
            continue
        values = json.loads(run_dir.read_bytes(FOLDER, _FOLDER, info.path.rsplit("/", 1)[1]))
        requests = [Request(**request) for request in values["requests"]]
        records.append(Record(**{**values, "dialect": Dialect(**values["dialect"]), "requests": requests}))
    return [record for record in records if not record.is_done]
