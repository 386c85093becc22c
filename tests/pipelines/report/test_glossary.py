"""The words that the report spells out."""

from dataclasses import replace

import pytest

from pipelines.report import glossary, measure


@pytest.fixture(scope="module")
def metrics(run):
    return measure(run)


def _of(run, metrics, **config):
    return glossary.words(replace(run, config=run.config | config), metrics)


GENERATED = {"problems": {"source": "generated"}, "evaluation_problems": [{"source": "generated"}] * 2}


def test_each_thought_that_occurs_is_spelled_out(run, metrics):
    """In the order of the figures; none that the run does not have."""
    told = "PoT: the thought is a Python program, which is run; EoT: equations, which are solved; "
    assert f"{told}CoT: prose, whose answer is read." == _of(run, metrics)[0]
    alone = metrics | {"student_yield": [], "mixture": None, "yield": [{"thought": "cot"}]}
    assert "CoT: the thought is prose, whose answer is read." == _of(run, alone)[0]


@pytest.mark.parametrize(("kind", "is_told"), [("rehearsal", True), ("openai", False)])
def test_a_teacher_that_is_no_llm_is_told(run, metrics, kind, is_told):
    """A model that was asked has its name on the page."""
    said = _of(run, metrics, teacher={"kind": kind})
    assert is_told == ("Rehearsal: a program that plays the teacher, no LLM." in said)


def test_families_held_out_are_named(run, metrics):
    """Of the test set that shares none with the training problems."""
    said = _of(run, metrics, **GENERATED)[-1]
    families = "ages, mixtures, two unknowns"
    assert f"generated_held_out: problems of families that nothing was trained on ({families})." == said


def test_categories_of_other_sets_are_no_families(run, metrics):
    """Grades and types of problems of published sets differ from ours whatever was trained on."""
    sources = GENERATED | {"problems": {"source": "svamp"}}
    assert not any("families" in said for said in _of(run, metrics, **sources))
