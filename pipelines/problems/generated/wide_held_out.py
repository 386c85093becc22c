"""Four more families that "known" and "wide" leave out whole, part of "wide_held_out" with those of ``held_out``.

    A mug and a pen cost 9 dollars together. A mug and 3 pens cost 15 dollars. How much is the mug?
    A mug and a pen cost 9 dollars.<<?mug + pen = 9>>
    A mug and 3 pens cost 15 dollars.<<?mug + 3 * pen = 15>>
    ...

Words and single operations are those of the wide families; the combination is new.
"""

from random import Random

from pipelines.problems.generated.story import Family, Story, calculate, equation
from pipelines.problems.generated.vocabulary import ADULT, DEAR_WARES, DOLLARS, HOURS, WARES, person, two_people


def _catch_up(rng: Random) -> Story:
    who, other = two_people(rng)
    slow, gain = rng.randint(4, 30), rng.randint(2, 20)
    lead_hours = rng.randint(2, 6)
    while slow * lead_hours % gain or slow * lead_hours == gain:
        gain = rng.randint(2, 20)
    fast = slow + gain
    question = rng.choice(
        (
            f"{who} starts a tour at {slow} kilometers per hour. {HOURS.of(lead_hours)} later, {other} follows {who} "
            f"at {fast} kilometers per hour. How many hours after that does {other} reach {who}?",
            f"A slow train goes {slow} kilometers per hour. A fast train leaves {HOURS.of(lead_hours)} later on the "
            f"same way at {fast} kilometers per hour. For how many hours does the fast train run until both are level?",
            f"{other} rides after {who} at {fast} kilometers per hour. {who} goes {slow} kilometers per hour and left "
            f"{HOURS.of(lead_hours)} before {other}. After how many hours of riding does {other} catch up?",
        )
    )
    lead = calculate("lead", slow, "*", lead_hours)
    closer = calculate("closer", fast, "-", slow)
    hours = calculate("hours", lead, "/", closer)
    solution = (
        f"At the end both have gone equally far.{equation(f'{fast} * hours = {slow} * (hours + {lead_hours})')}",
        f"The lead is {lead} kilometers.",
        f"Every hour it shrinks by {closer} kilometers.",
        f"It is gone after {hours} hours.",
    )
    return Story(question, solution, hours, who.name)


def _two_prices(rng: Random) -> Story:
    who, other = two_people(rng)
    first, second = rng.sample(WARES, 2)
    price, each = max(2, first.price(rng)), max(2, second.price(rng))
    few, between = rng.randint(2, 6), rng.randint(2, 5)
    many = few + between
    one_bill, other_bill = price + few * each, price + many * each
    one, thing, things = first.noun.one, second.noun.one, second.noun.many
    question = rng.choice(
        (
            f"A {one} and {few} {things} cost {DOLLARS.of(one_bill)}. A {one} and {many} {things} cost "
            f"{DOLLARS.of(other_bill)}. How much does the {one} cost?",
            f"{who} pays {DOLLARS.of(one_bill)} for a {one} and {few} {things}. At the same prices, {other} pays "
            f"{DOLLARS.of(other_bill)} for a {one} and {many} {things}. What is the price of a {one}?",
            f"How many dollars is one {one}, if a {one} with {few} {things} costs {DOLLARS.of(one_bill)} and a {one} "
            f"with {many} {things} costs {DOLLARS.of(other_bill)}?",
        )
    )
    dearer = calculate("dearer", other_bill, "-", one_bill)
    more = calculate("more", many, "-", few)
    part = calculate(thing, dearer, "/", more)
    parts = calculate("parts", few, "*", part)
    answer = calculate(one, one_bill, "-", parts)
    solution = (
        f"One {one} and {few} {things}: {one_bill} dollars.{equation(f'{one} + {few} * {thing} = {one_bill}')}",
        f"One {one} and {many} {things}: {other_bill} dollars.{equation(f'{one} + {many} * {thing} = {other_bill}')}",
        f"The second is dearer by {dearer} dollars.",
        f"It has {more} {things} more.",
        f"So a {thing} costs {part} dollars.",
        f"The {few} {things} of the first cost {parts} dollars.",
        f"The {one} costs {answer} dollars.",
    )
    return Story(question, solution, answer, who.name)


def _percent_twice(rng: Random) -> Story:
    who, ware = person(rng), rng.choice(DEAR_WARES)
    up, down = rng.sample((10, 20, 25, 30, 40, 50), 2)
    price = 200 * rng.randint(1, 12)
    while price * up % 100 or price * (100 + up) * down % 10_000:
        price = 200 * rng.randint(1, 12)
    question = rng.choice(
        (
            f"A shop raises the price of a {ware} by {up}%. Later, the new price falls by {down}%. At first, the "
            f"{ware} cost {DOLLARS.of(price)}. How much does {who} pay for the {ware} now?",
            f"A {ware} costs {DOLLARS.of(price)}. In spring, the price goes up by {up} percent, and in summer {who} "
            f"gets {down} percent off the higher price. How many dollars does {who} pay?",
            f"{who} pays {DOLLARS.of(price)} for a {ware}, sells the {ware} to a shop for {up}% more, and the shop "
            f"sells it for {down}% less than the shop paid. What is the last price in dollars?",
        )
    )
    added = calculate("added", price, "*", up, "/", 100)
    higher = calculate("higher", price, "+", added)
    taken = calculate("taken", higher, "*", down, "/", 100)
    last = calculate("last", higher, "-", taken)
    solution = (
        f"The price rises by {added} dollars.",
        f"The higher price is {higher} dollars.",
        f"It falls by {taken} dollars.",
        f"The last price is {last} dollars.",
    )
    return Story(question, solution, last, who.name)


def _cheaper(rng: Random) -> Story:
    who, ware = person(rng), rng.choice(WARES)
    noun = ware.noun
    low, more = rng.randint(2, 15), rng.randint(2, 9)
    high = low + more
    many, few = rng.sample(range(3, 13), 2)
    question = rng.choice(
        (
            f"One shop sells {noun.of(few)} for {DOLLARS.of(few * high)}. Another shop sells {noun.of(many)} for "
            f"{DOLLARS.of(many * low)}. How many dollars less is one {noun.one} in the second shop?",
            f"{who} can get {noun.of(few)} for {DOLLARS.of(few * high)} in town or {noun.of(many)} for "
            f"{DOLLARS.of(many * low)} at a market. How much does {who} save on each {noun.one} at the market?",
            f"Last year, {noun.of(many)} cost {DOLLARS.of(many * low)}. This year, {noun.of(few)} cost "
            f"{DOLLARS.of(few * high)}. By how many dollars has the price of a single {noun.one} gone up?",
        )
    )
    dear = calculate("dear", few * high, "/", few)
    cheap = calculate("cheap", many * low, "/", many)
    saved = calculate("saved", dear, "-", cheap)
    solution = (
        f"At the higher price a {noun.one} costs {dear} dollars.",
        f"At the lower price it costs {cheap} dollars.",
        f"The difference is {saved} dollars.",
    )
    return Story(question, solution, saved, who.name)


FAMILIES = (
    Family(name="catch_up", steps=3, make=_catch_up, asides=ADULT, unknown=True, group="wide_held_out"),
    Family(name="two_prices", steps=5, make=_two_prices, asides=ADULT, unknown=True, group="wide_held_out"),
    Family(name="percent_twice", steps=4, make=_percent_twice, asides=ADULT, group="wide_held_out"),
    Family(name="cheaper", steps=3, make=_cheaper, asides=ADULT, group="wide_held_out"),
)
