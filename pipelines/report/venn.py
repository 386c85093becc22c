"""The Venn diagram of which thoughts solve a problem, each alone (MD, figure 1), as geometry.

    diagrams(overlaps(metrics))[0]
    →  Venn(dataset="gsm8k", n=1319, circles=(Circle("pot", ...), ...), regions=(Region(("pot",), ...), ...))

Circles are of one size and always overlap alike: the figures in them count, not the areas. Two or three thoughts can be
drawn so; of more there is only the table.
"""

from dataclasses import dataclass

from pipelines.report import palette
from pipelines.report.together import Overlaps

WIDTH, HEIGHT, RADIUS = 240, 222, 66
_CENTRES = ((84, 88), (156, 88), (120, 150))
_LABELS = ((40, 16), (200, 16), (120, 220))
_PLACES = {  # the middle of the area inside exactly these circles
    (0,): (55, 80),
    (1,): (185, 80),
    (2,): (120, 184),
    (0, 1): (120, 62),
    (0, 2): (80, 128),
    (1, 2): (160, 128),
    (0, 1, 2): (120, 108),
}
_PLACES_OF_TWO = {(0,): (50, 88), (1,): (190, 88), (0, 1): (120, 88)}


@dataclass(frozen=True)
class Circle:
    """A thought's circle and where its name stands."""

    thought: str
    x: int
    y: int
    label_x: int
    label_y: int


@dataclass(frozen=True)
class Region:
    """An area, its middle, and how many problems exactly these thoughts solve."""

    thoughts: tuple[str, ...]
    x: int
    y: int
    problems: int


@dataclass(frozen=True)
class Venn:
    """One data set's diagram; ``none`` of ``n`` problems lie outside all circles."""

    dataset: str
    n: int
    circles: tuple[Circle, ...]
    regions: tuple[Region, ...]
    none: int
    height: int


def diagrams(overlaps: Overlaps | None) -> list[Venn]:
    """A diagram per data set; none where there are not two or three thoughts."""
    if overlaps is None:
        return []
    thoughts = palette.ordered({thought for line in overlaps.lines for thought in line.thoughts})
    if len(thoughts) not in (2, 3):
        return []
    places = _PLACES if len(thoughts) == 3 else _PLACES_OF_TWO
    found = []
    for column, dataset in enumerate(overlaps.datasets):
        problems = {frozenset(line.thoughts): line.cells[column][0] for line in overlaps.lines}
        regions = []
        for circles, (x, y) in places.items():
            inside = tuple(thoughts[circle] for circle in circles)
            regions.append(Region(inside, x, y, problems.get(frozenset(inside), 0)))
        found.append(
            Venn(
                dataset,
                overlaps.lines[0].cells[column][1],
                tuple(
                    Circle(thought, *centre, *label)
                    for thought, centre, label in zip(thoughts, _CENTRES, _LABELS, strict=False)
                ),
                tuple(regions),
                problems.get(frozenset(), 0),
                HEIGHT if len(thoughts) == 3 else 160,
            )
        )
    return found
