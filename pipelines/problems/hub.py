"""Data sets of the Hugging Face hub, by name, through the Parquet copy that the hub makes of each.

    openai/gsm8k/main  ->  datasets/openai/gsm8k@refs/convert/parquet/main/train/0000.parquet

Needs network; the code that loads a file from a path is the one the tests run.
"""

from collections.abc import Iterator
from typing import Any

import pyarrow.parquet as pq
from huggingface_hub import HfFileSystem

from pipelines.errors import DataError


def rows(source: str, split: str, filesystem: Any = None) -> Iterator[tuple[int, dict[str, Any]]]:
    """Row numbers (from 1) and rows of ORG/NAME or ORG/NAME/SUBSET.

    Raises:
        DataError: no network, no such data set or split, or several subsets and none named.
    """
    hub = filesystem or HfFileSystem()
    organisation, name, *subset = source.split("/")
    base = f"datasets/{organisation}/{name}@refs/convert/parquet"
    try:
        files = sorted(hub.glob(f"{base}/{subset[0] if subset else '*'}/{split}/*.parquet"))
    except Exception as error:  # huggingface_hub raises its own, requests' and httpx's kinds
        raise DataError(
            f"source {source}: the hub could not be read ({type(error).__name__}); "
            "give path: the data set's own file, or check the name and the network"
        ) from None
    found = sorted({file.split("/")[-3] for file in files})
    if not found:
        raise DataError(f"source {source}: no split '{split}' on the hub; check the name, the subset and the split")
    if len(found) > 1:
        raise DataError(f"source {source}: has the subsets {', '.join(found)}; write one, e.g. {source}/{found[0]}")
    number = 0
    for file in files:
        with hub.open(file, "rb") as stream:
            for batch in pq.ParquetFile(stream).iter_batches():
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
