"""What several thoughts do together."""

import pytest

from pipelines.report import together, venn

AREAS = [
    {"dataset": "d", "thoughts": ["pot", "eot"], "problems": 5, "n": 20},
    {"dataset": "d", "thoughts": ["cot"], "problems": 2, "n": 20},
    {"dataset": "d", "thoughts": [], "problems": 13, "n": 20},
]


def paths(selection, thoughts, k, accuracy):
    record = {"dataset": "d", "selection": selection, "thoughts": thoughts, "paths": k, "n": 50}
    return record | {"accuracy": accuracy, "low": accuracy - 0.1, "high": accuracy + 0.1}


def test_overlap_of_one_thought_is_left_out():
    """A single thought has no Venn diagram."""
    areas = [{"dataset": "d", "thoughts": ["pot"], "problems": 3, "n": 4}]
    assert together.overlaps({"solved_by": areas}) is None


def test_overlap_lines_up_data_sets():
    """An area that a data set lacks is zero of its n, and "none" comes last."""
    areas = [
        {"dataset": "a", "thoughts": [], "problems": 1, "n": 4},
        {"dataset": "a", "thoughts": ["pot", "cot"], "problems": 3, "n": 4},
        {"dataset": "b", "thoughts": ["pot"], "problems": 5, "n": 5},
    ]
    found = together.overlaps({"solved_by": areas})
    assert [("pot",), ("pot", "cot"), ()] == [line.thoughts for line in found.lines]
    assert [(0, 4), (5, 5)] == found.lines[0].cells


def test_venn_has_an_area_for_every_set_of_thoughts():
    """Seven areas of three circles, empty ones zero, and the rest outside."""
    (diagram,) = venn.diagrams(together.overlaps({"solved_by": AREAS}))
    areas = {region.thoughts: region.problems for region in diagram.regions}
    assert (7, 5, 2, 0) == (len(areas), areas["pot", "eot"], areas["cot",], areas["pot", "eot", "cot"])
    assert diagram.n == diagram.none + sum(areas.values())


def test_venn_areas_lie_inside_exactly_their_circles():
    """The middle of each area is in the circles of its thoughts and outside the others."""
    (diagram,) = venn.diagrams(together.overlaps({"solved_by": AREAS}))
    for region in diagram.regions:
        inside = {c.thought for c in diagram.circles if (c.x - region.x) ** 2 + (c.y - region.y) ** 2 < venn.RADIUS**2}
        assert set(region.thoughts) == inside


@pytest.mark.parametrize("thoughts", [["pot"], ["a", "b", "c", "d"]])
def test_other_numbers_of_thoughts_have_no_venn(thoughts):
    """One circle says nothing, and four cannot be drawn."""
    areas = [{"dataset": "d", "thoughts": thoughts, "problems": 1, "n": 1}]
    assert [] == venn.diagrams(together.overlaps({"solved_by": areas}))


def test_path_curves_draw_all_selections_and_each_thought_alone():
    """Over all thoughts every selection; of a thought alone only the majority; the table has the rest."""
    both = ["cot", "pot"]
    records = [paths(name, both, k, 0.5) for name in ("majority", "weighted") for k in (4, 2)]
    records += [paths(name, ["pot"], k, 0.4) for name in ("majority", "weighted") for k in (1, 2)]
    (found,) = together.path_curves({"paths": records})
    assert [("majority", 2), ("weighted", 2), ("majority", 1)] == [(c.selection, len(c.thoughts)) for c in found.drawn]
    assert ([1, 2, 4], 4) == (found.ks, len(found.curves))
    assert [2, 4] == [record["paths"] for record in found.curves[0].records]
    assert found.curves[0].at(1) is None


def test_one_number_of_paths_is_no_curve():
    """Greedy decoding alone, or metrics without that part."""
    assert [] == together.path_curves({"paths": [paths("majority", ["pot"], 1, 0.4)]})
    assert [] == together.path_curves({}) == together.pairs({})


def test_a_thought_far_below_does_not_flatten_the_rest():
    """It is named, and stands in the table."""
    records = [paths("majority", ["cot", "pot"], k, 0.8) for k in (2, 4)]
    records += [paths("majority", [name], k, at) for name, at in (("cot", 0.1), ("pot", 0.7)) for k in (1, 2)]
    (found,) = together.path_curves({"paths": records})
    assert [("cot",)] == [curve.thoughts for curve in found.below]
    assert ([("pot", "cot"), ("pot",)], 3) == ([curve.thoughts for curve in found.drawn], len(found.curves))


def test_one_far_difference_does_not_hide_the_others():
    """The scale is that of most pairs; the one beyond is pointed at."""
    lines = [{"dataset": "d", "n": 9, "low": -end, "high": 0.01} for end in (0.03, 0.05, 0.9)]
    (found,) = together.pairs({"paired": lines})
    assert (0.05, 3) == (found.reach, len(found.lines))


def test_pairs_reach_as_far_as_their_widest_interval():
    """Both ends are drawn around zero, on one scale per data set."""
    lines = [{"dataset": "d", "n": 9, "low": -0.3, "high": 0.1}, {"dataset": "d", "n": 9, "low": 0.0, "high": 0.2}]
    (found,) = together.pairs({"paired": lines})
    assert (0.3, 2) == (found.reach, len(found.lines))
