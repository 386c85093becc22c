"""Families that "known" and "wide" leave out whole: kinds of problems a student trained on the others never saw.

    Two cars leave a town in opposite directions, one at 60 and one at 50 kilometers per hour. How far apart ...
    In one hour the distance grows by 60 + 50 = <<together=60+50=110>>110 kilometers.
    The distance is 110 * 3 = <<apart=110*3=330>>330 kilometers.
    #### 330

Words and single operations are those of the known families; the combination is new.
"""

from random import Random

from pipelines.problems.generated.story import Family, Story, calculate, equation
from pipelines.problems.generated.vocabulary import (
    ADULT,
    CHILD,
    DEAR_WARES,
    DOLLARS,
    HOURS,
    IMPERSONAL,
    person,
    two_people,
)

_COUNTED = (("read", "pages", 8, 60), ("sold", "books", 5, 40), ("baked", "cakes", 3, 30), ("picked", "apples", 10, 90))


def _bikes_and_tricycles(rng: Random) -> Story:
    bikes, tricycles = rng.randint(4, 30), rng.randint(3, 30)
    all_of_them, wheels = bikes + tricycles, 2 * bikes + 3 * tricycles
    asked = rng.choice(("bikes", "tricycles"))
    other = "tricycles" if asked == "bikes" else "bikes"
    legend = rng.choice(("A bike has 2 wheels and a tricycle has 3.", "Bikes have 2 wheels and tricycles have 3."))
    question = rng.choice(
        (
            f"There are {all_of_them} bikes and tricycles in a yard with {wheels} wheels in all. {legend} "
            f"How many {asked} are there?",
            f"{legend} A shop has {all_of_them} bikes and tricycles. These bikes and tricycles have {wheels} "
            f"wheels together. How many {asked} does the shop have?",
            f"{legend} A child counts {wheels} wheels on {all_of_them} bikes and tricycles. "
            f"How many {asked} does the child count?",
        )
    )
    if asked == "bikes":
        base = calculate("wheels", 2, "*", all_of_them)
        found = calculate("tricycles", wheels, "-", base)
    else:
        base = calculate("wheels", 3, "*", all_of_them)
        found = calculate("bikes", base, "-", wheels)
    answer = calculate(asked, all_of_them, "-", found)
    solution = (
        f"There are {all_of_them} in all.{equation(f'bikes + tricycles = {all_of_them}')}",
        f"They have {wheels} wheels.{equation(f'2 * bikes + 3 * tricycles = {wheels}')}",
        f"If all were {asked}, they would have {base} wheels.",
        f"One wheel {'more' if asked == 'bikes' else 'less'} for each of the others, so {found} are {other}.",
        f"{answer} are {asked}.",
    )
    return Story(question, solution, answer, None)


def _average(rng: Random) -> Story:
    who = person(rng)
    verb, noun, low, high = rng.choice(_COUNTED)
    days = rng.choice((3, 4))
    numbers = rng.sample(range(low, high + 1), days)
    numbers[-1] += -sum(numbers) % (3 if days == 3 else 2)
    listed = f"{', '.join(map(str, numbers[:-1]))} and {numbers[-1]} {noun}"
    question = rng.choice(
        (
            f"On {days} days, {who} {verb} {listed}. How many {noun} is that per day on average?",
            f"{who} {verb} {listed} on {days} days. What was the average number of {noun} per day?",
            f"What is the average number of {noun} per day if {who} {verb} {listed} on {days} days?",
        )
    )
    first, *rest = numbers
    total = calculate("total", first, *(part for number in rest for part in ("+", number)))
    average = calculate("average", total, "/", days)
    solution = (f"In all it is {total} {noun}.", f"On average it is {average} {noun} per day.")
    return Story(question, solution, average, who.name)


def _discount(rng: Random) -> Story:
    who, ware = person(rng), rng.choice(DEAR_WARES)
    percent, price = rng.choice((5, 10, 15, 20, 25, 30, 35, 40, 60, 70)), 20 * rng.randint(3, 45)
    question = rng.choice(
        (
            f"A {ware} costs {DOLLARS.of(price)}. In a sale, the price of the {ware} is {percent}% lower. "
            f"How much does {who} pay for the {ware} in the sale?",
            f"{who} buys a {ware} with a coupon for {percent}% off. Without the coupon, the {ware} costs "
            f"{DOLLARS.of(price)}. How much does {who} pay?",
            f"A shop takes {percent} percent off the price of a {ware}. {who} buys the {ware}, which cost "
            f"{DOLLARS.of(price)} before. How many dollars does {who} pay?",
        )
    )
    discount = calculate("discount", price, "*", percent, "/", 100)
    paid = calculate("paid", price, "-", discount)
    solution = (f"The discount is {discount} dollars.", f"{who} pays {paid} dollars.")
    return Story(question, solution, paid, who.name)


def _apart(rng: Random) -> Story:
    who, other = two_people(rng)
    slow, fast = rng.choice(((40, 95), (10, 25)))
    goes, rides = ("drives", "driving") if slow == 40 else ("rides a bike", "riding bikes")
    one, two = rng.sample(range(slow, fast + 1), 2)
    hours = rng.randint(2, 9)
    question = rng.choice(
        (
            f"{who} and {other} leave a town in opposite directions. {who} {goes} at {one} kilometers per hour and "
            f"{other} at {two} kilometers per hour. How far apart are {who} and {other} after {HOURS.of(hours)}?",
            f"At noon, {who} leaves home at {one} kilometers per hour to the north and {other} at {two} kilometers "
            f"per hour to the south. How many kilometers lie between {who} and {other} after {HOURS.of(hours)}?",
            f"How far apart are {who} and {other} after {HOURS.of(hours)} of {rides} in opposite directions from the "
            f"same place, {who} at {one} and {other} at {two} kilometers per hour?",
        )
    )
    together = calculate("together", one, "+", two)
    apart = calculate("apart", together, "*", hours)
    solution = (f"In one hour the distance grows by {together} kilometers.", f"They are {apart} kilometers apart.")
    return Story(question, solution, apart, who.name)


FAMILIES = (
    Family(
        name="bikes_and_tricycles",
        steps=3,
        make=_bikes_and_tricycles,
        asides=IMPERSONAL,
        unknown=True,
        group="held_out",
    ),
    Family(name="average", steps=2, make=_average, asides=CHILD, group="held_out"),
    Family(name="discount", steps=2, make=_discount, asides=ADULT, group="held_out"),
    Family(name="apart", steps=2, make=_apart, asides=ADULT, group="held_out"),
)
