"""Families with a true unknown: the story is an equation, and the steps undo it.

    Ana has 6 boxes of pens and 4 loose pens. Each box holds the same number. In all, Ana has 52 pens. ...
    6 boxes and 4 pens make 52 pens.<<?6 * per_box + 4 = 52>>
    The boxes hold 52 - 4 = <<in_boxes=52-4=48>>48 pens.
    Each box holds 48 / 6 = <<per_box=48/6=8>>8 pens.
    #### 8

The name in an equation is the name of the step that finds it. No system here has more than two unknowns.
"""

from random import Random

from pipelines.problems.generated.story import Family, Story, calculate, equation
from pipelines.problems.generated.vocabulary import (
    ADULT,
    BOXES,
    CHILD,
    DEAR_WARES,
    DOLLARS,
    IMPERSONAL,
    SOMEONE,
    THINGS,
    YEARS,
    person,
    times,
    two_people,
)

_GROWING = (("a club", "members"), ("a school", "students"), ("a town", "houses"), ("a library", "books"))


def _per_box(rng: Random) -> Story:
    who = person(rng)
    thing, box = rng.choice(THINGS), rng.choice(BOXES)
    boxes, each, loose = rng.randint(3, 12), rng.randint(3, 25), rng.randint(2, 15)
    all_things, rest = thing.of(boxes * each + loose), thing.of(loose, "loose")
    question = rng.choice(
        (
            f"{who} has {box.of(boxes)} of {thing.many} and {rest}. Every {box.one} holds the same number. "
            f"In all, {who} has {all_things}. How many {thing.many} are in each {box.one}?",
            f"{who} has {all_things}. {who.He} fills {box.of(boxes)} equally and has {rest} left over. "
            f"How many {thing.many} does one {box.one} hold?",
            f"{who} packs {all_things}. When {box.of(boxes)} are full, {thing.of(loose)} are left over. "
            f"How many {thing.many} fit into one {box.one}?",
        )
    )
    inside = calculate(f"in_{box.many}", boxes * each + loose, "-", loose)
    unknown = f"per_{box.one}"
    per_box = calculate(unknown, inside, "/", boxes)
    solution = (
        f"{box.of(boxes)} and {thing.of(loose)} make {all_things}."
        + equation(f"{boxes} * {unknown} + {loose} = {boxes * each + loose}"),
        f"The {box.many} hold {inside} {thing.many}.",
        f"Each {box.one} holds {per_box} {thing.many}.",
    )
    return Story(question, solution, per_box, who.name)


def _sum_and_difference(rng: Random) -> Story:
    larger_one, smaller_one = two_people(rng)
    thing = rng.choice(THINGS).many
    smaller, difference = rng.randint(6, 45), rng.randint(2, 30)
    total = 2 * smaller + difference
    asked = rng.choice((larger_one, smaller_one))
    question = rng.choice(
        (
            f"The two friends {larger_one} and {smaller_one} have {total} {thing} together. {larger_one} has "
            f"{difference} {thing} more than {smaller_one}. How many {thing} does {asked} have?",
            f"{larger_one} has {difference} more {thing} than {smaller_one}. The two friends {smaller_one} and "
            f"{larger_one} have {total} {thing} in all. How many {thing} does {asked} have?",
            f"The two children {smaller_one} and {larger_one} share {total} {thing}. {smaller_one} gets {difference} "
            f"fewer {thing} than {larger_one}. How many {thing} does {asked} get?",
        )
    )
    stated = (
        f"Together they have {total} {thing}.{equation(f'larger + smaller = {total}')}",
        f"{larger_one} has {difference} more.{equation(f'larger - smaller = {difference}')}",
    )
    if asked is larger_one:
        twice = calculate("twice_smaller", total, "-", difference)
        found = calculate("smaller", twice, "/", 2)
        answer = calculate("larger", found, "+", difference)
        other = smaller_one
    else:
        twice = calculate("twice_larger", total, "+", difference)
        found = calculate("larger", twice, "/", 2)
        answer = calculate("smaller", found, "-", difference)
        other = larger_one
    solution = (
        *stated,
        f"Twice what {other} has is {twice}.",
        f"{other} has {found} {thing}.",
        f"{asked} has {answer} {thing}.",
    )
    return Story(question, solution, answer, larger_one.name)


def _before_percent(rng: Random) -> Story:
    ware = rng.choice(DEAR_WARES)
    place, noun = rng.choice(_GROWING)
    percent = rng.choice((10, 20, 25, 30, 40, 50, 60, 75))
    grows = rng.random() < 0.5
    before = 20 * rng.randint(2, 40)
    after = before * (100 + percent if grows else 100 - percent) // 100
    sign = "+" if grows else "-"
    subject, unit, question = rng.choice(
        (
            (
                "old price",
                "dollars",
                f"The price of a {ware} {'rose' if grows else 'fell'} by {percent}%. The price is now "
                f"{DOLLARS.of(after)}. What was the old price?",
            ),
            (
                "old number",
                noun,
                f"After {'an increase' if grows else 'a drop'} of {percent}%, {place} has {after} {noun}. "
                f"How many {noun} did {place.replace('a ', 'the ', 1)} have before?",
            ),
            (
                "old number",
                noun,
                f"This year, {place} has {after} {noun}, {percent}% {'more' if grows else 'fewer'} "
                f"than last year. How many {noun} were there last year?",
            ),
        )
    )
    share = calculate("percent", 100, sign, percent)
    old = calculate("old", after, "*", 100, "/", share)
    solution = (
        f"The {subject} {'plus' if grows else 'minus'} {percent} percent is {after} {unit}."
        + equation(f"old {sign} old * {percent} / 100 = {after}"),
        f"Now it is {share} percent.",
        f"The {subject} is {old} {unit}.",
    )
    return Story(question, solution, old, None)


def _ages(rng: Random) -> Story:
    older, younger = two_people(rng)
    age, factor = rng.randint(4, 12), rng.randint(2, 5)
    years = rng.randint(2, min(12, age * (factor - 1) - 1))
    future = rng.random() < 0.5
    older_age = age * factor - years if future else age * factor + years
    will_be = f"In {YEARS.of(years)}, {older} will be" if future else f"{YEARS.of(years)} ago, {older} was"
    relation = f"{will_be} {times(factor)} as old as {younger} is now."
    then = "Then" if future else "At that time"
    sign, back = ("+", "-") if future else ("-", "+")
    if rng.random() < 0.5:
        known, unknown = f"{younger} is {YEARS.of(age)} old.", older
        stated = equation(f"age {sign} {years} = {factor} * {age}")
        other = calculate("other_age", factor, "*", age)
        answer = calculate("age", other, back, years)
        steps = (f"{then} {older} {'is' if future else 'was'} {other}.", f"Now {older} is {answer} years old.")
    else:
        known, unknown = f"{older} is {YEARS.of(older_age)} old.", younger
        stated = equation(f"{factor} * age = {older_age} {sign} {years}")
        other = calculate("other_age", older_age, sign, years)
        answer = calculate("age", other, "/", factor)
        steps = (f"{then} {older} {'is' if future else 'was'} {other}.", f"Now {younger} is {answer} years old.")
    question = rng.choice(
        (
            f"{relation} {known} How old is {unknown} now?",
            f"{known} {relation} How old is {unknown} now?",
            f"How old is {unknown} if {known[:-1]} and, {relation[0].lower()}{relation[1:-1]}?",
        )
    )
    return Story(question, (f"{relation}{stated}", *steps), answer, older.name)


def _before_sharing(rng: Random) -> Story:
    who, other = two_people(rng)
    thing = rng.choice(THINGS)
    friends, each, given = rng.randint(3, 9), rng.randint(3, 15), rng.randint(4, 30)
    question = rng.choice(
        (
            f"{who} gave {thing.of(given)} to {other} and shared the rest among {friends} friends, "
            f"{thing.of(each)} for each friend. How many {thing.many} did {who} have at first?",
            f"{who} lost {thing.of(given)}. {who.He} shared the {thing.many} that were left among {friends} children, "
            f"{each} for each child. How many {thing.many} did {who} start with?",
            f"{friends} friends got {thing.of(each)} each from {who}. Before that, {who} had given {thing.of(given)} "
            f"to {other}, and now none are left. How many {thing.many} did {who} have at first?",
        )
    )
    shared = calculate("shared", friends, "*", each)
    start = calculate("start", shared, "+", given)
    solution = (
        f"Without {thing.of(given)}, each of {friends} gets {thing.of(each)}."
        + equation(f"(start - {given}) / {friends} = {each}"),
        f"{who} shared {shared} {thing.many}.",
        f"At first {who} had {start} {thing.many}.",
    )
    return Story(question, solution, start, who.name)


def _saving(rng: Random) -> Story:
    who = person(rng)
    start, saved, count = rng.randint(5, 90), rng.randint(3, 25), rng.randint(3, 20)
    period = rng.choice(("week", "month"))
    goal = start + saved * count
    question = rng.choice(
        (
            f"{who} has {DOLLARS.of(start)} and saves {DOLLARS.of(saved)} every {period}. "
            f"After how many {period}s does {who} have {DOLLARS.of(goal)}?",
            f"{who} wants to buy a bike for {DOLLARS.of(goal)}. {who.He} has {DOLLARS.of(start)} and can save "
            f"{DOLLARS.of(saved)} a {period}. How many {period}s must {who} save?",
            f"A trip costs {DOLLARS.of(goal)}. {who} already has {DOLLARS.of(start)} and puts aside "
            f"{DOLLARS.of(saved)} each {period}. How many {period}s must {who} wait?",
        )
    )
    unknown = f"{period}s"
    missing = calculate("missing", goal, "-", start)
    periods = calculate(unknown, missing, "/", saved)
    solution = (
        f"{start} dollars and {saved} dollars a {period} make {goal} dollars."
        + equation(f"{start} + {saved} * {unknown} = {goal}"),
        f"{who} needs {missing} more dollars.",
        f"It takes {periods} {period}s.",
    )
    return Story(question, solution, periods, who.name)


FAMILIES = (
    Family(name="per_box", steps=2, make=_per_box, asides=CHILD, unknown=True),
    Family(name="sum_and_difference", steps=3, make=_sum_and_difference, asides=CHILD, unknown=True),
    Family(name="before_percent", steps=2, make=_before_percent, asides=IMPERSONAL, unknown=True),
    Family(name="ages", steps=2, make=_ages, asides=SOMEONE, unknown=True),
    Family(name="before_sharing", steps=2, make=_before_sharing, asides=CHILD, unknown=True),
    Family(name="saving", steps=2, make=_saving, asides=ADULT, unknown=True),
)
