"""What the pages list is what the code has."""

import re
from pathlib import Path

import pytest

from pipelines.mixture import MIXTURE_SCHEMA
from pipelines.problems import ORIGINALS, PROBLEM_SCHEMA
from pipelines.solvers.outcome import STATUSES
from pipelines.teacher import FAILURE_SCHEMA, SAMPLE_SCHEMA
from ray_jobs.evaluate import PREDICTION_SCHEMA
from ray_jobs.verify import VERDICT_SCHEMA

DOCS = Path(__file__).parent.parent / "docs"
TABLES = {
    "problems/": PROBLEM_SCHEMA,
    "samples/": SAMPLE_SCHEMA,
    "samples_failed/": FAILURE_SCHEMA,
    "verdicts/": VERDICT_SCHEMA,
    "mixture/train/": MIXTURE_SCHEMA,
    "predictions/": PREDICTION_SCHEMA,
}


@pytest.mark.parametrize("folder", TABLES)
def test_every_column_of_a_folder_is_listed(folder):
    """In the table of docs/architecture.md, from the folder's first line to the next folder's; and no other."""
    table = (DOCS / "architecture.md").read_text().partition("## The tables")[2].partition("`status` in")[0]
    [mine] = re.findall(rf"^\| `{folder}`.*\n(?:\| \|.*\n)*", table, re.MULTILINE)
    listed = [name for line in mine.splitlines() for name in re.findall(r"`(\w+)`", line.split("|")[2])]
    assert sorted(TABLES[folder].names) == sorted(listed)


def test_every_status_is_listed():
    """Each value that ``verdicts`` may have."""
    text = (DOCS / "architecture.md").read_text()
    assert set() == {status for status in STATUSES if f"`{status}`" not in text}


@pytest.mark.parametrize("name", sorted(ORIGINALS))
def test_every_data_set_has_its_address(name):
    """Where it is published, as the catalogue says it, in the line of docs/extending.md."""
    [line] = [
        line
        for line in (DOCS / "extending.md").read_text().splitlines()
        if line.startswith("|") and f"`{name}`" in line
    ]
    address = ORIGINALS[name].published.split(",")[0].split("; ")[0]
    assert f"https://{address})" in line
