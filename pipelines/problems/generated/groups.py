"""More families about counts: remainders, ratios, chains, parts of parts, and numbers to be found backwards.

    Ana has 47 pens and packs them into bags of 6. How many pens are left over when no further bag can be filled?
    47 // 6 = <<full=47//6=7>>7 bags are full.
    They hold 7 * 6 = <<packed=7*6=42>>42 pens.
    47 - 42 = <<left=47-42=5>>5 pens are left over.
    #### 5

All are part of "wide", none of "known".
"""

from math import gcd
from random import Random

from pipelines.problems.generated.story import Family, Story, calculate, equation
from pipelines.problems.generated.vocabulary import (
    ADULT,
    BOXES,
    CHILD,
    IMPERSONAL,
    PEOPLE,
    THINGS,
    Noun,
    person,
    two_people,
)

_RIDERS = (Noun("student", "students"), Noun("guest", "guests"), Noun("player", "players"), Noun("child", "children"))
_CARRIERS = (Noun("bus", "buses"), Noun("boat", "boats"), Noun("van", "vans"), Noun("table", "tables"))
_BAKED = (Noun("egg", "eggs"), Noun("roll", "rolls"), Noun("muffin", "muffins"), Noun("bun", "buns"))
_PARTS = (("half", 2), ("a third", 3), ("a quarter", 4))
_RATIOS = tuple((one, two) for one in range(2, 9) for two in range(2, 9) if gcd(one, two) == 1)
_IN_A_ROW = ("house", "page", "ticket", "seat")


def _leftovers(rng: Random) -> Story:
    who = person(rng)
    thing, box = rng.choice(THINGS), rng.choice(BOXES)
    each = rng.randint(4, 12)
    count = each * rng.randint(3, 12) + rng.randint(2, each - 1)
    question = rng.choice(
        (
            f"{who} has {thing.of(count)} and packs {each} into each {box.one}. How many {thing.many} are left over "
            f"when no further {box.one} can be filled?",
            f"{who} starts with {thing.of(count)}. {who.He} fills as many {box.many} as possible, {each} {thing.many} "
            f"to a {box.one}. How many {thing.many} remain?",
            f"A full {box.one} holds {thing.of(each)}. {who} puts {thing.of(count)} into {box.many} and wants only "
            f"full ones. How many {thing.many} does {who} have to leave out?",
        )
    )
    full = calculate("full", count, "//", each)
    packed = calculate("packed", full, "*", each)
    left = calculate("left", count, "-", packed)
    solution = (f"{full} {box.many} are full.", f"They hold {packed} {thing.many}.", f"{left} {thing.many} are left.")
    return Story(question, solution, left, who.name)


def _buses(rng: Random) -> Story:
    rider, carrier = rng.choice(_RIDERS), rng.choice(_CARRIERS)
    seats = rng.randint(4, 40)
    riders = seats * rng.randint(2, 9) + rng.randint(1, seats - 1)
    question = rng.choice(
        (
            f"Each {carrier.one} has {seats} seats. How many {carrier.many} are needed for {rider.of(riders)}?",
            f"A club plans a feast for {rider.of(riders)}. There are {carrier.many} with {seats} seats each. "
            f"How many {carrier.many} must the club pay for, so that all {rider.many} have a seat?",
            f"{rider.of(riders)} want to sit down, and every {carrier.one} seats {seats} people. What is the smallest "
            f"number of {carrier.many} that is enough?",
        )
    )
    full = calculate("full", riders, "//", seats)
    needed = calculate("needed", full, "+", 1)
    solution = (f"{full} {carrier.many} are full.", f"The rest need one more, so it takes {needed} {carrier.many}.")
    return Story(question, solution, needed, None)


def _dozens(rng: Random) -> Story:
    who, other = two_people(rng)
    thing = rng.choice(_BAKED)
    dozens = rng.randint(2, 9)
    gone = rng.randint(3, 12 * dozens - 6)
    question = rng.choice(
        (
            f"{who} buys {dozens} dozen {thing.many} and eats {gone} of the {thing.many} with friends. "
            f"How many {thing.many} does {who} have left?",
            f"A shop has {dozens} dozen {thing.many}. {who} buys {thing.of(gone)}. How many {thing.many} are left in "
            f"the shop?",
            f"{who} made {dozens} dozen {thing.many} and gave {gone} to {other}. How many {thing.many} did {who} keep?",
        )
    )
    start = calculate("start", dozens, "*", 12)
    left = calculate("left", start, "-", gone)
    solution = (f"{dozens} dozen are {start} {thing.many}.", f"{left} {thing.many} are left.")
    return Story(question, solution, left, who.name)


def _ratio_share(rng: Random) -> Story:
    who, other = two_people(rng)
    thing = rng.choice(THINGS).many
    one, two = rng.choice(_RATIOS)
    total = (one + two) * rng.randint(3, 15)
    question = rng.choice(
        (
            f"{who} and {other} share {total} {thing} in the ratio {one} to {two}. How many {thing} does {who} get?",
            f"For every {one} {thing} that {who} gets, {other} gets {two}. The two get {total} {thing} in all. "
            f"How many {thing} does {who} get?",
            f"{who} and {other} split {total} {thing}. Each time {who} takes {one}, {other} takes {two}, until no "
            f"{thing} are left. How many {thing} does {who} have then?",
        )
    )
    parts = calculate("parts", one, "+", two)
    part = calculate("part", total, "/", parts)
    share = calculate("share", part, "*", one)
    solution = (f"There are {parts} parts.", f"A part is {part} {thing}.", f"{who} gets {share} {thing}.")
    return Story(question, solution, share, who.name)


def _chain(rng: Random) -> Story:
    who, second, third = rng.sample(PEOPLE, 3)
    thing = rng.choice(THINGS)
    start, more = rng.randint(12, 60), rng.randint(5, 40)
    fewer = rng.randint(3, start + more - 4)
    first_fact = f"{second} has {more} more {thing.many} than {who}."
    second_fact = f"{third} has {fewer} fewer {thing.many} than {second}."
    known, ask = f"{who} has {thing.of(start)}.", f"How many {thing.many} does {third} have?"
    question = rng.choice(
        (
            f"{known} {first_fact} {second_fact} {ask}",
            f"{second_fact} {first_fact} {known} {ask}",
            f"{known[:-1]}, {second} has {more} more than {who}, and {third} has {fewer} fewer than {second}. {ask}",
        )
    )
    middle = calculate("middle", start, "+", more)
    last = calculate("last", middle, "-", fewer)
    return Story(question, (f"{second} has {middle}.", f"{third} has {last} {thing.many}."), last, who.name)


def _fraction_twice(rng: Random) -> Story:
    who, other = two_people(rng)
    thing = rng.choice(THINGS).many
    (first_words, first), (second_words, second) = rng.sample(_PARTS, 2)
    whole = first * second * rng.randint(3, 15)
    question = rng.choice(
        (
            f"{who} has {whole} {thing} and gives {first_words} of the {thing} to {other}. Then {who} sells "
            f"{second_words} of the remaining {thing}. How many {thing} does {who} have now?",
            f"Of {whole} {thing}, {who} uses {first_words} on Monday and {second_words} of the rest on Tuesday. "
            f"How many {thing} are left after Tuesday?",
            f"{who} loses {first_words} of {whole} {thing}. After that, {other} gets {second_words} of the {thing} "
            f"that {who} still has. How many {thing} stay with {who}?",
        )
    )
    gone = calculate("gone", whole, "/", first)
    rest = calculate("rest", whole, "-", gone)
    gone_too = calculate("gone_too", rest, "/", second)
    left = calculate("left", rest, "-", gone_too)
    solution = (
        f"{first_words.capitalize()} of {whole} is {gone}.",
        f"Then {rest} {thing} remain.",
        f"{second_words.capitalize()} of the rest is {gone_too}.",
        f"In the end {left} {thing} are left.",
    )
    return Story(question, solution, left, who.name)


def _times_total(rng: Random) -> Story:
    who, other = two_people(rng)
    thing = rng.choice(THINGS).many
    fewer, factor = rng.randint(4, 40), rng.randint(3, 8)
    total = fewer * (factor + 1)
    question = rng.choice(
        (
            f"{other} has {factor} times as many {thing} as {who}. The two friends have {total} {thing} together. "
            f"How many {thing} does {who} have?",
            f"Together, {who} and {other} collect {total} {thing}. {other} collects {factor} times as many {thing} as "
            f"{who}. How many {thing} does {who} collect?",
            f"How many {thing} does {who} have if {other} has {factor} times as many and the two have {total} {thing} "
            f"in all?",
        )
    )
    parts = calculate("parts", factor, "+", 1)
    fewest = calculate("fewer", total, "/", parts)
    solution = (
        f"{other} has {factor} times what {who} has, and together it is {total}."
        + equation(f"{factor} * fewer + fewer = {total}"),
        f"That is {parts} times what {who} has.",
        f"{who} has {fewest} {thing}.",
    )
    return Story(question, solution, fewest, who.name)


def _consecutive(rng: Random) -> Story:
    who, noun = person(rng), rng.choice(_IN_A_ROW)
    first = rng.randint(5, 150)
    total = 3 * first + 3
    question = rng.choice(
        (
            f"The numbers of three {noun}s in a row add up to {total}. What is the smallest of the three numbers?",
            f"{who} adds the numbers of three {noun}s that come one after the other and gets {total}. "
            f"What is the first {noun}'s number?",
            f"Three {noun}s have three numbers that follow each other, and {who} finds that their sum is {total}. "
            f"What is the lowest {noun} number?",
        )
    )
    without = calculate("without", total, "-", 3)
    number = calculate("number", without, "/", 3)
    solution = (
        f"The numbers add up to {total}.{equation(f'number + number + 1 + number + 2 = {total}')}",
        f"The second is 1 more and the third is 2 more; without these it is {without}.",
        f"The first number is {number}.",
    )
    return Story(question, solution, number, who.name)


def _equalize(rng: Random) -> Story:
    who, other = two_people(rng)
    thing = rng.choice(THINGS)
    fewer, given = rng.randint(8, 60), rng.randint(3, 25)
    more = fewer + 2 * given
    question = rng.choice(
        (
            f"{who} has {thing.of(more)} and {other} has {thing.of(fewer)}. How many {thing.many} must {who} give to "
            f"{other}, so that both have the same number?",
            f"{other} has {thing.of(fewer)}, and {who} has {thing.of(more)}. {who} gives some {thing.many} to {other}, "
            f"and now both have equally many. How many {thing.many} did {who} give away?",
            f"There are {thing.of(more)} in a red jar and {thing.of(fewer)} in a blue jar. {who} makes the numbers "
            f"equal. How many {thing.many} does {who} move to the blue jar?",
        )
    )
    difference = calculate("difference", more, "-", fewer)
    moved = calculate("given", difference, "/", 2)
    solution = (
        f"After that both numbers are the same.{equation(f'{more} - given = {fewer} + given')}",
        f"The difference is {difference} {thing.many}.",
        f"Half of the difference changes place: {moved} {thing.many}.",
    )
    return Story(question, solution, moved, who.name)


def _think_of_number(rng: Random) -> Story:
    who, other = two_people(rng)
    number, factor, taken = rng.randint(3, 40), rng.randint(3, 9), rng.randint(2, 30)
    result = number * factor - taken
    if result <= 0:
        number, result = number + taken, (number + taken) * factor - taken
    question = rng.choice(
        (
            f"{who} thinks of a number, multiplies the number by {factor}, and takes {taken} away. The result is "
            f"{result}. What number did {who} think of?",
            f"{who} asks {other} to guess a number. If {other} multiplies the number by {factor} and subtracts "
            f"{taken}, the result is {result}. What is the number?",
            f"Which number gives {result} when {who} multiplies the number by {factor} and then subtracts {taken}?",
        )
    )
    before = calculate("before", result, "+", taken)
    thought = calculate("number", before, "/", factor)
    solution = (
        f"The number times {factor}, minus {taken}, is {result}.{equation(f'{factor} * number - {taken} = {result}')}",
        f"Before the subtraction it was {before}.",
        f"The number is {thought}.",
    )
    return Story(question, solution, thought, who.name)


FAMILIES = (
    Family(name="leftovers", steps=3, make=_leftovers, asides=CHILD, group="wide"),
    Family(name="buses", steps=2, make=_buses, asides=IMPERSONAL, group="wide", constants=(1,)),
    Family(name="dozens", steps=2, make=_dozens, asides=ADULT, group="wide", constants=(12,)),
    Family(name="ratio_share", steps=3, make=_ratio_share, asides=CHILD, group="wide"),
    Family(name="chain", steps=2, make=_chain, asides=CHILD, group="wide"),
    Family(name="fraction_twice", steps=4, make=_fraction_twice, asides=CHILD, group="wide"),
    Family(name="times_total", steps=2, make=_times_total, asides=CHILD, unknown=True, group="wide", constants=(1,)),
    Family(name="consecutive", steps=2, make=_consecutive, asides=ADULT, unknown=True, group="wide", constants=(3,)),
    Family(name="equalize", steps=2, make=_equalize, asides=CHILD, unknown=True, group="wide", constants=(2,)),
    Family(name="think_of_number", steps=2, make=_think_of_number, asides=CHILD, unknown=True, group="wide"),
)
