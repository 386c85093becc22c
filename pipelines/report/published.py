"""What papers report on the data sets that a run evaluates, to read beside its own figures.

    published("gsm8k")[2]  →  Published(dataset="gsm8k", system="ETD, CodeT5-small", parameters=60000000,
                                        selection="pot>eot>cot", accuracy=33.58, source="ETD: ...", ...)

The figures stand in ``published.yaml`` with their sources. None was measured here, and a paper's scorer, prompts and
choice of problems are its own. A data set that we generate has none.
"""

import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml


@dataclass(frozen=True, kw_only=True)
class Published:
    """One accuracy in percent, as published; None where the source does not say, or not with certainty."""

    dataset: str
    system: str
    parameters: int | None
    selection: str | None
    accuracy: float
    source: str
    problems: int | None
    note: str | None = None


@cache
def figures() -> tuple[Published, ...]:
    """All of them, in the order of the file."""
    content = yaml.safe_load(files(__package__).joinpath("published.yaml").read_text("utf-8"))
    return tuple(
        Published(**record | {"source": content["sources"][record["source"]]}) for record in content["figures"]
    )


def published(dataset: str) -> list[Published]:
    """Those of one data set, the best first."""
    return sorted((figure for figure in figures() if figure.dataset == dataset), key=lambda figure: -figure.accuracy)


def nearest(found: list[Published], parameters: int | None, shown: int) -> list[Published]:
    """At most ``shown`` of them, those of students nearest in size to ``parameters``; the order stays."""
    if parameters is None:
        return found[:shown]

    def distance(figure: Published) -> float:
        return abs(math.log(figure.parameters / parameters)) if figure.parameters else math.inf

    kept = sorted(found, key=distance)[:shown]
    return [figure for figure in found if figure in kept]
