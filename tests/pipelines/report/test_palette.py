"""Names and colours."""

import pytest

from pipelines.mixture.recipes import RECIPES
from pipelines.report import palette
from pipelines.solvers.outcome import STATUSES


@pytest.mark.parametrize(
    ("selection", "text"),
    [("pot", "PoT"), ("pot>eot>cot", "PoT → EoT → CoT"), ("majority", "Majority"), ("label", "Label")],
)
def test_label_is_how_people_write_it(selection, text):
    """Thoughts by their abbreviations, orders with arrows."""
    assert palette.label(selection).replace("\N{NO-BREAK SPACE}", " ") == text


def test_a_new_thought_has_a_colour_of_its_own():
    """Two thoughts that this package has not heard of are told apart."""
    thoughts = ("pot", "lot", "mot")
    assert len({palette.colour(thought, thoughts) for thought in thoughts}) == 3


def _luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("thought", ["pot", "eot", "cot"])
def test_colours_stand_out_on_both_pages(thought):
    """WCAG contrast of at least 3:1 on the light and on the dark background."""
    ink = palette.colour(thought)
    light = (_luminance("#fdfcfa") + 0.05) / (_luminance(ink.light) + 0.05)
    dark = (_luminance(ink.dark) + 0.05) / (_luminance("#15171a") + 0.05)
    assert min(light, dark) >= 3


@pytest.mark.parametrize("status", sorted(STATUSES))
def test_every_status_is_explained(status):
    """Each status a verdict may have is said in words on the page."""
    assert palette.status_meaning(status)


@pytest.mark.parametrize("recipe", sorted(RECIPES))
def test_every_recipe_is_explained(recipe):
    """Each recipe of a mixture is said in words on the page."""
    assert palette.recipe_meaning(recipe)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("several", "several right"),
        ("only_cot", "only CoT right"),
        ("none", "none right"),
        ("no_gold", "no gold"),
        ("unknown", "unknown"),
    ],
)
def test_a_type_says_what_is_right(kind, said):
    """The columns of the mixture's table."""
    assert said == palette.type_label(kind)
