"""Families about counts of things: joining, taking away, equal groups, sharing, comparing.

    Ana has 6 boxes. There are 8 pens in each box. How many pens does Ana have?
    There are 6 * 8 = <<total=6*8=48>>48 pens.
    #### 48

Money, time and parts of a whole are in ``rates``; what must be found backwards is in ``unknowns``.
"""

from random import Random

from pipelines.problems.generated.story import Family, Story, calculate
from pipelines.problems.generated.vocabulary import BOXES, CHILD, THINGS, person, times, two_people


def _in_all(rng: Random) -> Story:
    who, other = two_people(rng)
    thing, box = rng.choice(THINGS), rng.choice(BOXES)
    first, second = rng.randint(12, 95), rng.randint(5, 80)
    question = rng.choice(
        (
            f"{who} has {thing.of(first)}. {other} gives {who} {second} more {thing.many}. "
            f"How many {thing.many} does {who} have now?",
            f"{who} counted {thing.of(first)} in the morning and {thing.of(second)} in the afternoon. "
            f"How many {thing.many} did {who} count in all?",
            f"{who} keeps {thing.of(first)} in one {box.one} and {thing.of(second)} in another {box.one}. "
            f"How many {thing.many} does {who} keep in the two {box.many}?",
            f"{who} has {thing.of(first)} and {other} has {thing.of(second)}. "
            f"How many {thing.many} do {who} and {other} have together?",
        )
    )
    total = calculate("total", first, "+", second)
    return Story(question, (f"There are {total} {thing.many} in all.",), total, who.name)


def _left_over(rng: Random) -> Story:
    who, other = two_people(rng)
    thing, box = rng.choice(THINGS), rng.choice(BOXES)
    start = rng.randint(20, 99)
    gone = rng.randint(5, start - 5)
    question = rng.choice(
        (
            f"{who} had {thing.of(start)}. {who.He} gave {thing.of(gone)} to {other}. "
            f"How many {thing.many} does {who} have left?",
            f"There were {thing.of(start)} in a {box.one}. {who} took {thing.of(gone)} out of the {box.one}. "
            f"How many {thing.many} are still there?",
            f"{who} had {thing.of(start)} and lost {gone} of them. How many {thing.many} does {who} still have?",
            f"{who} wants to sell {thing.of(start)}. So far, {who.he} has sold {thing.of(gone)}. "
            f"How many {thing.many} are left?",
        )
    )
    left = calculate("left", start, "-", gone)
    return Story(question, (f"There are {left} {thing.many} left.",), left, who.name)


def _equal_groups(rng: Random) -> Story:
    who = person(rng)
    thing, box = rng.choice(THINGS), rng.choice(BOXES)
    boxes, each = rng.randint(3, 15), rng.randint(4, 30)
    question = rng.choice(
        (
            f"{who} has {box.of(boxes)}. There are {thing.of(each)} in each {box.one}. "
            f"How many {thing.many} does {who} have?",
            f"Each {box.one} holds {thing.of(each)}. {who} fills {box.of(boxes)}. "
            f"How many {thing.many} does {who} need?",
            f"{who} puts {thing.of(each)} into every {box.one}. How many {thing.many} are in {box.of(boxes)}?",
            f"How many {thing.many} are in {box.of(boxes)} if {who} puts {thing.of(each)} into each {box.one}?",
        )
    )
    total = calculate("total", boxes, "*", each)
    return Story(question, (f"There are {total} {thing.many}.",), total, who.name)


def _share_equally(rng: Random) -> Story:
    who = person(rng)
    thing, box = rng.choice(THINGS), rng.choice(BOXES)
    groups, each = rng.randint(3, 12), rng.randint(3, 30)
    things = thing.of(groups * each)
    group, question = rng.choice(
        (
            (
                "friend",
                f"{who} shares {things} equally among {groups} friends. How many {thing.many} does each friend get?",
            ),
            (
                box.one,
                f"{who} puts the same number of {thing.many} into each of {box.of(groups)}, {things} in all. "
                f"How many {thing.many} are in one {box.one}?",
            ),
            (
                "child",
                f"{who} has {things}. {groups} children get the same number of {thing.many} from {who}. "
                f"How many {thing.many} does each child get if none are left?",
            ),
        )
    )
    part = calculate("each", groups * each, "/", groups)
    return Story(question, (f"For each {group} there are {part} {thing.many}.",), part, who.name)


def _more_than(rng: Random) -> Story:
    who, other = two_people(rng)
    thing = rng.choice(THINGS)
    first = rng.randint(15, 70)
    more = rng.random() < 0.5
    difference = rng.randint(3, 40 if more else first - 8)
    than = "more" if more else "fewer"
    has, have, noun, question = rng.choice(
        (
            (
                "has",
                "have",
                thing.many,
                f"{who} has {thing.of(first)}. {other} has {difference} {than} {thing.many} than {who}. "
                f"How many {thing.many} do {who} and {other} have together?",
            ),
            (
                "has",
                "have",
                thing.many,
                f"{other} has {difference} {than} {thing.many} than {who}. {who} has {thing.of(first)}. "
                f"How many {thing.many} do {who} and {other} have in all?",
            ),
            (
                "scored",
                "scored",
                "points",
                f"In a game, {who} scored {first} points. {other} scored {difference} {than} points than {who}. "
                f"How many points did {who} and {other} score together?",
            ),
        )
    )
    second = calculate("second", first, "+" if more else "-", difference)
    together = calculate("together", first, "+", second)
    solution = (f"{other} {has} {second} {noun}.", f"Together they {have} {together} {noun}.")
    return Story(question, solution, together, who.name)


def _times_as_many(rng: Random) -> Story:
    who, other = two_people(rng)
    thing = rng.choice(THINGS)
    first, factor = rng.randint(6, 40), rng.randint(2, 6)
    fact = rng.choice(
        (
            f"{who} has {thing.of(first)}. {other} has {times(factor)} as many {thing.many} as {who}.",
            f"{other} has {times(factor)} as many {thing.many} as {who}. {who} has {thing.of(first)}.",
            f"{who} has {thing.of(first)} and {other} has {times(factor)} as many {thing.many}.",
        )
    )
    second = calculate("second", factor, "*", first)
    if rng.random() < 0.5:
        answer = calculate("together", first, "+", second)
        ask = f"How many {thing.many} do {who} and {other} have together?"
        last = f"Together they have {answer} {thing.many}."
    else:
        answer = calculate("difference", second, "-", first)
        ask = f"How many more {thing.many} does {other} have than {who}?"
        last = f"{other} has {answer} more {thing.many}."
    return Story(f"{fact} {ask}", (f"{other} has {second} {thing.many}.", last), answer, who.name)


def _boxes_and_loose(rng: Random) -> Story:
    who = person(rng)
    thing, box = rng.choice(THINGS), rng.choice(BOXES)
    boxes, each, loose = rng.randint(2, 9), rng.randint(4, 25), rng.randint(2, 19)
    question = rng.choice(
        (
            f"{who} buys {box.of(boxes)} of {thing.many} and {thing.of(loose, 'loose')}. "
            f"Each {box.one} holds {thing.of(each)}. How many {thing.many} does {who} buy?",
            f"There are {thing.of(each)} in a {box.one}. {who} has {box.of(boxes)} and {loose} more {thing.many}. "
            f"How many {thing.many} does {who} have?",
            f"{who} fills {box.of(boxes)} with {thing.of(each)} each. After that, {thing.of(loose)} are left over. "
            f"How many {thing.many} did {who} have at first?",
        )
    )
    inside = calculate(f"in_{box.many}", boxes, "*", each)
    total = calculate("total", inside, "+", loose)
    solution = (f"The {box.many} hold {inside} {thing.many}.", f"In all there are {total} {thing.many}.")
    return Story(question, solution, total, who.name)


FAMILIES = (
    Family(name="in_all", steps=1, make=_in_all, asides=CHILD),
    Family(name="left_over", steps=1, make=_left_over, asides=CHILD),
    Family(name="equal_groups", steps=1, make=_equal_groups, asides=CHILD),
    Family(name="share_equally", steps=1, make=_share_equally, asides=CHILD),
    Family(name="more_than", steps=2, make=_more_than, asides=CHILD),
    Family(name="times_as_many", steps=2, make=_times_as_many, asides=CHILD),
    Family(name="boxes_and_loose", steps=2, make=_boxes_and_loose, asides=CHILD),
)
