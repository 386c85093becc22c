"""The built-in word-problem generator: problems without a download, each with its annotated solution.

    generate(name="generated", split="train", count=3000, families="known", seed=0)
    -> Problem(problem_id="generated/train/7", question="Ana has 6 boxes of pens and 4 loose pens. ...",
               answer="8", answer_kind="number", rationale="6 boxes and 4 pens make 52 pens.<<?6 * per_box + ...",
               dataset="generated", split="train", category="per_box")

``families`` selects a pool: ``known`` (20 families), ``wide`` (those and 27 more), ``held_out`` (4 that neither has),
``wide_held_out`` (those and 4 more), ``all``, or a list of names. The two smaller pools are what the quickstart's
published figures were measured on and do not change; new families join the wider ones.

Row i depends only on (seed, split, families, largest, i): a larger count adds rows and changes none. A question
belongs to exactly one of test, dev and the rest by its own hash, so no test question is ever a training
question, whatever the seeds and counts. The problems are simple on purpose: they prove a set-up and compare
recipes within minutes; what they say about a student's reasoning is what GSM8K and the others must confirm.
"""

import hashlib
import re
from collections.abc import Iterator
from difflib import get_close_matches
from itertools import count as attempts_from
from random import Random
from typing import Literal

from pipelines.errors import ConfigError
from pipelines.problems import annotation
from pipelines.problems.generated import (
    groups,
    held_out,
    measures,
    quantities,
    rates,
    trade,
    unknowns,
    wide_held_out,
    work,
)
from pipelines.problems.generated.story import Family, Group, Story, number_text
from pipelines.problems.schema import Problem

__all__ = ["FAMILIES", "Families", "Family", "family_names", "generate"]

Families = Literal["known", "wide", "held_out", "wide_held_out", "all"] | list[str]

_MODULES = (quantities, rates, unknowns, held_out, groups, measures, work, trade, wide_held_out)
FAMILIES: dict[str, Family] = {family.name: family for module in _MODULES for family in module.FAMILIES}

_POOLS: dict[str, tuple[Group, ...]] = {
    "known": ("known",),
    "wide": ("known", "wide"),
    "held_out": ("held_out",),
    "wide_held_out": ("held_out", "wide_held_out"),
    "all": ("known", "wide", "held_out", "wide_held_out"),
}

_ASIDE_SHARE = 0.25
_BUCKETS = {"test": range(1), "dev": range(1, 2)}  # of ten; every other split takes the rest
_MAX_ATTEMPTS = 2000  # the test split takes one question in ten: 2,000 failures mean that there are no more
_SENTENCE_END = re.compile(r"(?<=[.?]) ")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def family_names(selection: Families) -> list[str]:
    """The selected families in the order of ``FAMILIES``, each once.

    Raises ConfigError for an unknown or an empty selection.
    """
    if isinstance(selection, str):
        return [name for name, family in FAMILIES.items() if family.group in _POOLS[selection]]
    for name in selection:
        if name not in FAMILIES:
            near = get_close_matches(name, FAMILIES, n=1, cutoff=0)[0]
            raise ConfigError(
                f"problems.families: unknown family {name!r}; did you mean {near!r}? "
                f"Valid: {', '.join(_POOLS)}, or a list of {', '.join(FAMILIES)}"
            )
    if not selection:
        raise ConfigError(f"problems.families: an empty list; give {', '.join(_POOLS)} or at least one family")
    return [name for name in FAMILIES if name in selection]


def generate(
    *, name: str, split: str, count: int, families: Families, seed: int, largest: int | None = None
) -> Iterator[Problem]:
    """``count`` problems with distinct questions; families take turns, row by row.

    ``largest``: no number of a question or its solution is larger, so that a student of random weights and a million
    parameters learns the sums themselves, as chain of thought needs.

    Raises ConfigError when the chosen families have no further questions for this split.
    """
    names = family_names(families)
    seen: set[str] = set()
    for row in range(count):
        family = FAMILIES[names[row % len(names)]]
        for attempt in attempts_from():
            if attempt == _MAX_ATTEMPTS:
                raise ConfigError(
                    f"problems.count: family {family.name!r} has no further question for split {split!r} after "
                    f"{row} rows; lower count or add families{'' if largest is None else ', or raise largest'}"
                )
            story = _draw(family, Random(f"{seed}/{split}/{row}/{attempt}"))
            if story is None or not _belongs(story.question, split) or story.question in seen:
                continue
            if largest is not None and _largest(story) > largest:
                continue
            seen.add(story.question)
            yield Problem(
                problem_id=f"{name}/{split}/{row}",
                question=story.question,
                answer=number_text(story.answer.value),
                answer_kind="number",
                rationale=story.rationale,
                dataset=name,
                split=split,
                category=family.name,
            )
            break


def _draw(family: Family, rng: Random) -> Story | None:
    """One story, a share of them with an aside; None where its solution could be read in two ways."""
    story = family.make(rng)
    if rng.random() < _ASIDE_SHARE:
        story = _with_aside(story, family, rng)
    return None if _ambiguous(story, family) else story


def _with_aside(story: Story, family: Family, rng: Random) -> Story:
    """The story with a sentence whose number occurs nowhere else, anywhere before the sentence that asks."""
    sentences = _SENTENCE_END.split(story.question)
    template, low, high = rng.choice(family.asides)
    taken = set(_NUMBER.findall(story.question + story.rationale))
    free = [number for number in range(low, high + 1) if str(number) not in taken]
    if not free:
        return story
    sentences.insert(rng.randrange(len(sentences)), template.format(who=story.who, n=rng.choice(free)))
    return Story(" ".join(sentences), story.solution, story.answer, story.who)


def _ambiguous(story: Story, family: Family) -> bool:
    """Whether an intermediate result equals a number of the question or another intermediate result.

    Then a later step that uses the number could mean either, and a program made from the steps as well.
    """
    between = [step.value for step in annotation.read(story.rationale).steps[:-1]]
    given = {*_NUMBER.findall(story.question), "2", "3", "4", "100"}  # half, a third, a quarter, percent
    given |= {str(constant) for constant in family.constants}
    return len(set(between)) < len(between) or not given.isdisjoint(between)


def _largest(story: Story) -> float:
    return max(map(float, _NUMBER.findall(f"{story.question} {story.rationale}")))


def _belongs(question: str, split: str) -> bool:
    """Whether the question's own hash puts it into this split: a tenth to test, a tenth to dev, the rest elsewhere."""
    normalised = " ".join(question.casefold().split())
    bucket = int(hashlib.sha256(normalised.encode()).hexdigest(), 16) % 10
    return bucket in _BUCKETS.get(split, range(2, 10))
