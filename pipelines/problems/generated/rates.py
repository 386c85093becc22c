"""Families about prices, speeds, work per hour, fractions and percentages.

    A machine makes 12 toys per hour. Ana runs the machine 5 hours a day for 3 days. How many toys are made?
    In one day it is 12 * 5 = <<per_day=12*5=60>>60 toys.
    In all it is 60 * 3 = <<total=60*3=180>>180 toys.
    #### 180

Everything is told forwards, in whole numbers; what must be found backwards is in ``unknowns``.
"""

from random import Random

from pipelines.problems.generated.story import Calculation, Family, Story, calculate
from pipelines.problems.generated.vocabulary import (
    ADULT,
    CHILD,
    DAYS,
    DOLLARS,
    HOURS,
    IMPERSONAL,
    THINGS,
    WARES,
    Noun,
    person,
    two_people,
)

_RIDES = (("drives a car", 50, 95), ("drives a bus", 35, 70), ("rides a bike", 11, 24), ("rides a horse", 8, 19))
_MADE = (Noun("box", "boxes"), *(Noun(word, f"{word}s") for word in ("toy", "chair", "lamp", "door", "bowl", "plate")))
_GROUPS = (
    ("students", "a school", "walk to school"),
    ("members", "a club", "play chess"),
    ("guests", "a hotel", "drink tea"),
    ("trees", "a park", "are oaks"),
    ("books", "a library", "are new"),
    ("seats", "a theater", "are taken"),
    ("houses", "a village", "have a garden"),
)
_FRACTIONS = (("half", 1, 2), ("a third", 1, 3), ("a quarter", 1, 4), ("2/3", 2, 3), ("3/4", 3, 4), ("2/5", 2, 5))


def _change(rng: Random) -> Story:
    who, ware = person(rng), rng.choice(WARES)
    number, price = rng.randint(2, 9), ware.price(rng)
    paid = next(bill for bill in (20, 50, 100, 200) if bill > number * price + 1)
    question = rng.choice(
        (
            f"{who} buys {ware.noun.of(number)} for {DOLLARS.of(price)} each and pays with {DOLLARS.of(paid)}. "
            f"How much change does {who} get?",
            f"A {ware.noun.one} costs {DOLLARS.of(price)}. {who} has {DOLLARS.of(paid)} and "
            f"buys {ware.noun.of(number)}. How many dollars does {who} have left?",
            f"{who} goes to a shop with {DOLLARS.of(paid)}. {who.He} buys {ware.noun.of(number)} at "
            f"{DOLLARS.of(price)} each. How many dollars are left?",
        )
    )
    cost = calculate("cost", number, "*", price)
    change = calculate("change", paid, "-", cost)
    solution = (f"The {ware.noun.many} cost {cost} dollars.", f"Then {change} dollars are left.")
    return Story(question, solution, change, who.name)


def _two_purchases(rng: Random) -> Story:
    who = person(rng)
    first, second = rng.sample(WARES, 2)
    one, two = rng.randint(2, 9), rng.randint(2, 9)
    price, other = first.price(rng), second.price(rng)
    question = rng.choice(
        (
            f"{who} buys {first.noun.of(one)} for {DOLLARS.of(price)} each and {second.noun.of(two)} for "
            f"{DOLLARS.of(other)} each. How much does {who} pay in all?",
            f"A {first.noun.one} costs {DOLLARS.of(price)} and a {second.noun.one} costs {DOLLARS.of(other)}. "
            f"{who} buys {first.noun.of(one)} and {second.noun.of(two)}. How much does {who} pay?",
            f"A shop sells {first.noun.many} at {DOLLARS.of(price)} each and {second.noun.many} at "
            f"{DOLLARS.of(other)} each. How much do {first.noun.of(one)} and {second.noun.of(two)} cost {who}?",
        )
    )
    first_cost = calculate("first_cost", one, "*", price)
    second_cost = calculate("second_cost", two, "*", other)
    total = calculate("total", first_cost, "+", second_cost)
    solution = (
        f"The {first.noun.many} cost {first_cost} dollars.",
        f"The {second.noun.many} cost {second_cost} dollars.",
        f"{who} pays {total} dollars.",
    )
    return Story(question, solution, total, who.name)


def _same_price(rng: Random) -> Story:
    who, ware = person(rng), rng.choice(WARES)
    price = max(2, ware.price(rng))
    bought, wanted = rng.sample(range(2, 13), 2)
    paid = DOLLARS.of(bought * price)
    noun = ware.noun
    question = rng.choice(
        (
            f"{noun.of(bought)} cost {paid}. {who} wants {noun.of(wanted)}. How much must {who} pay?",
            f"{who} paid {paid} for {noun.of(bought)}. How much would {noun.of(wanted)} cost at the same price?",
            f"A shop sells {noun.of(bought)} for {paid}. {who} buys {noun.of(wanted)} at the same price. "
            f"How many dollars does {who} spend?",
        )
    )
    each = calculate("price", bought * price, "/", bought)
    cost = calculate("cost", each, "*", wanted)
    solution = (f"One {noun.one} costs {each} dollars.", f"{noun.of(wanted)} cost {cost} dollars.")
    return Story(question, solution, cost, who.name)


def _trip(rng: Random) -> Story:
    who = person(rng)
    ride, slow, fast = rng.choice(_RIDES)
    first_hours, second_hours = rng.randint(2, 6), rng.randint(2, 6)
    first_speed, second_speed = rng.sample(range(slow, fast + 1), 2)
    hours, more = HOURS.of(first_hours), HOURS.of(second_hours)
    question = rng.choice(
        (
            f"{who} {ride} for {hours} at {first_speed} kilometers per hour and then for {more} at "
            f"{second_speed} kilometers per hour. How many kilometers is that?",
            f"{who} {ride} at {first_speed} kilometers per hour for {hours}. After lunch, {who.he} goes on at "
            f"{second_speed} kilometers per hour for {more}. How far does {who} go in all?",
            f"On Monday, {who} {ride} for {hours} at {first_speed} kilometers per hour. On Tuesday, {who.he} goes "
            f"{second_speed} kilometers per hour for {more}. How far does {who} go in all?",
        )
    )
    first = calculate("first_part", first_speed, "*", first_hours)
    second = calculate("second_part", second_speed, "*", second_hours)
    total = calculate("distance", first, "+", second)
    solution = (
        f"The first part is {first} kilometers.",
        f"The second part is {second} kilometers.",
        f"In all it is {total} kilometers.",
    )
    return Story(question, solution, total, who.name)


def _output(rng: Random) -> Story:
    who, noun = person(rng), rng.choice(_MADE)
    rate, hours, days = rng.randint(4, 40), rng.randint(2, 9), rng.randint(2, 9)
    question = rng.choice(
        (
            f"In one hour, {who} paints {noun.of(rate)}. {who} works {HOURS.of(hours)} a day. "
            f"How many {noun.many} does {who} paint in {DAYS.of(days)}?",
            f"{who} works for {DAYS.of(days)}, {HOURS.of(hours)} each day. {who.He} packs {noun.of(rate)} per hour. "
            f"How many {noun.many} does {who} pack in all?",
            f"A machine makes {noun.of(rate)} per hour. {who} runs the machine {HOURS.of(hours)} a day for "
            f"{DAYS.of(days)}. How many {noun.many} are made?",
        )
    )
    per_day = calculate("per_day", rate, "*", hours)
    total = calculate("total", per_day, "*", days)
    solution = (f"In one day it is {per_day} {noun.many}.", f"In all it is {total} {noun.many}.")
    return Story(question, solution, total, who.name)


def _fraction_left(rng: Random) -> Story:
    who, other = two_people(rng)
    words, top, bottom = rng.choice(_FRACTIONS)
    whole = bottom * rng.randint(4, 120 // bottom)
    thing = rng.choice(THINGS).many
    noun, question = rng.choice(
        (
            (
                thing,
                f"{who} had {whole} {thing} and gave {words} of them to {other}. "
                f"How many {thing} does {who} have left?",
            ),
            (
                thing,
                f"A shop has {whole} {thing}. {who} buys {words} of the {thing}. "
                f"How many {thing} does the shop have left?",
            ),
            (
                "pages",
                f"On Monday, {who} reads {words} of the {whole} pages of a book. How many pages are left to read?",
            ),
        )
    )
    part = _fraction("part", whole, top, bottom)
    left = calculate("left", whole, "-", part)
    return Story(
        question, (f"{words.capitalize()} of {whole} is {part}.", f"There are {left} {noun} left."), left, who.name
    )


def _fraction(name: str, whole: int, top: int, bottom: int) -> Calculation:
    return calculate(name, whole, "/", bottom) if top == 1 else calculate(name, whole, "*", top, "/", bottom)


def _percent_rest(rng: Random) -> Story:
    noun, place, do = rng.choice(_GROUPS)
    percent = rng.choice((5, 10, 15, 20, 25, 30, 35, 40, 45, 55, 60, 65, 70, 75, 80, 85, 90))
    whole = 20 * rng.randint(2, 40)
    do_not = do.replace("are ", "are not ") if do.startswith("are ") else "do not"
    question = rng.choice(
        (
            f"{place.capitalize()} has {whole} {noun}. If {percent}% of the {noun} {do}, how many {do_not}?",
            f"In {place}, {percent} percent of the {whole} {noun} {do}. How many {noun} {do_not}?",
            f"{percent}% of the {whole} {noun} in {place} {do}. How many {noun} {do_not}?",
        )
    )
    part = calculate("part", whole, "*", percent, "/", 100)
    rest = calculate("rest", whole, "-", part)
    return Story(question, (f"{part} {noun} {do}.", f"{rest} {noun} {do_not}."), rest, None)


FAMILIES = (
    Family(name="change", steps=2, make=_change, asides=ADULT),
    Family(name="two_purchases", steps=3, make=_two_purchases, asides=ADULT),
    Family(name="same_price", steps=2, make=_same_price, asides=ADULT),
    Family(name="trip", steps=3, make=_trip, asides=ADULT),
    Family(name="output", steps=2, make=_output, asides=ADULT),
    Family(name="fraction_left", steps=2, make=_fraction_left, asides=CHILD),
    Family(name="percent_rest", steps=2, make=_percent_rest, asides=IMPERSONAL),
)
