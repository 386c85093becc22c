"""Families about buying and selling: profit, blends, interest, cents, shared bills.

    Ana buys 12 mugs for 4 dollars each and sells each for 7 dollars. How much profit does Ana make?
    On each mug it is 7 - 4 = <<gain=7-4=3>>3 dollars.
    In all it is 3 * 12 = <<profit=3*12=36>>36 dollars.
    #### 36

Only ``cents`` has decimals. All are part of "wide", none of "known".
"""

from fractions import Fraction
from random import Random

from pipelines.problems.generated.story import Family, Story, calculate, number_text
from pipelines.problems.generated.vocabulary import ADULT, DOLLARS, WARES, YEARS, Noun, person

_BLENDS = ("tea", "coffee", "rice", "nuts", "candy")
_SMALL = (Noun("stamp", "stamps"), Noun("roll", "rolls"), Noun("pencil", "pencils"), Noun("card", "cards"))
_KILOS = Noun("kilogram", "kilograms")


def _profit(rng: Random) -> Story:
    who, ware = person(rng), rng.choice(WARES)
    count, price = rng.randint(8, 60), max(2, ware.price(rng))
    sold = price + rng.randint(2, 15)
    question = rng.choice(
        (
            f"{who} buys {ware.noun.of(count)} for {DOLLARS.of(price)} each and sells every {ware.noun.one} for "
            f"{DOLLARS.of(sold)}. How much profit does {who} make?",
            f"A {ware.noun.one} costs {who} {DOLLARS.of(price)}. {who.He} sells {ware.noun.of(count)} at "
            f"{DOLLARS.of(sold)} each. How many dollars does {who} gain?",
            f"At a market, {who} sells {ware.noun.of(count)} for {DOLLARS.of(sold)} each. Before, {who.he} paid "
            f"{DOLLARS.of(price)} for each {ware.noun.one}. How many dollars does {who} earn?",
        )
    )
    gain = calculate("gain", sold, "-", price)
    profit = calculate("profit", gain, "*", count)
    solution = (f"On each {ware.noun.one} it is {gain} dollars.", f"In all it is {profit} dollars.")
    return Story(question, solution, profit, who.name)


def _mixture(rng: Random) -> Story:
    who, blend = person(rng), rng.choice(_BLENDS)
    while True:
        first, second = rng.sample(range(2, 13), 2)
        price, other = rng.sample(range(3, 25), 2)
        if (first * price + second * other) % (first + second) == 0:
            break
    question = rng.choice(
        (
            f"{who} mixes {_KILOS.of(first)} of {blend} at {DOLLARS.of(price)} per kilogram with {_KILOS.of(second)} "
            f"of {blend} at {DOLLARS.of(other)} per kilogram. How many dollars does a kilogram of the mix cost?",
            f"Two kinds of {blend} cost {price} and {DOLLARS.of(other)} per kilogram. {who} blends {first} kilograms "
            f"of the first with {_KILOS.of(second)} of the second. What is the price of one kilogram of the blend?",
            f"A shop blends {_KILOS.of(first)} of {blend} for {DOLLARS.of(price)} a kilogram and {_KILOS.of(second)} "
            f"for {DOLLARS.of(other)} a kilogram. What does one kilogram of the blend cost?",
        )
    )
    first_cost = calculate("first_cost", first, "*", price)
    second_cost = calculate("second_cost", second, "*", other)
    cost = calculate("cost", first_cost, "+", second_cost)
    weight = calculate("weight", first, "+", second)
    each = calculate("each", cost, "/", weight)
    solution = (
        f"The first kind costs {first_cost} dollars.",
        f"The second kind costs {second_cost} dollars.",
        f"Both cost {cost} dollars.",
        f"The weight is {weight} kilograms.",
        f"One kilogram costs {each} dollars.",
    )
    return Story(question, solution, each, who.name)


def _interest(rng: Random) -> Story:
    who = person(rng)
    amount, percent, years = 100 * rng.randint(3, 60), rng.randint(2, 9), rng.randint(2, 9)
    question = rng.choice(
        (
            f"{who} puts {DOLLARS.of(amount)} into a bank that pays {percent}% a year. Each year, {who.he} takes out "
            f"the interest. How many dollars of interest does {who} get in {YEARS.of(years)}?",
            f"A bank pays {percent} percent simple interest a year. How much interest do {DOLLARS.of(amount)} bring "
            f"{who} in {YEARS.of(years)}?",
            f"{who} lends {DOLLARS.of(amount)} for {YEARS.of(years)} at {percent}% simple interest per year. "
            f"How many dollars of interest is {who} paid in all?",
        )
    )
    yearly = calculate("yearly", amount, "*", percent, "/", 100)
    total = calculate("total", yearly, "*", years)
    solution = (f"In one year it is {yearly} dollars.", f"In all it is {total} dollars.")
    return Story(question, solution, total, who.name)


def _cents(rng: Random) -> Story:
    who, noun = person(rng), rng.choice(_SMALL)
    count, price = rng.randint(3, 12), Fraction(rng.randint(5, 59), 20)
    while price.denominator == 1:
        price = Fraction(rng.randint(5, 59), 20)
    paid = next(bill for bill in (5, 10, 20, 50) if bill > count * price + 1)
    each = f"{float(price):.2f} dollars"
    question = rng.choice(
        (
            f"A {noun.one} costs {each}. {who} buys {noun.of(count)} and pays with {DOLLARS.of(paid)}. "
            f"How much change does {who} get?",
            f"{who} has {DOLLARS.of(paid)} and buys {noun.of(count)} at {each} each. How many dollars does {who} have "
            f"left?",
            f"How much is left of {DOLLARS.of(paid)} when {who} has bought {noun.of(count)} for {each} each?",
        )
    )
    cost = calculate("cost", count, "*", price)
    change = calculate("change", paid, "-", cost)
    solution = (f"At {number_text(price)} dollars each it costs {cost} dollars.", f"{change} dollars are left.")
    return Story(question, solution, change, who.name)


def _split_bill(rng: Random) -> Story:
    who = person(rng)
    friends = rng.randint(3, 8)
    prices = rng.sample(range(8, 60), 3)
    prices[-1] += -sum(prices) % friends
    first, second, third = prices
    question = rng.choice(
        (
            f"{friends} friends eat a soup for {DOLLARS.of(first)}, a fish for {DOLLARS.of(second)} and a cake for "
            f"{DOLLARS.of(third)}. How many dollars does each friend pay if all friends pay the same?",
            f"{who} and some friends, {friends} people in all, buy a present, a card and a cake for {first}, {second} "
            f"and {DOLLARS.of(third)}. How many dollars does each person pay?",
            f"The costs of a trip are {DOLLARS.of(first)} for food, {DOLLARS.of(second)} for tickets and "
            f"{DOLLARS.of(third)} for a boat. {friends} people share the costs equally. How much does each one pay?",
        )
    )
    total = calculate("total", first, "+", second, "+", third)
    each = calculate("each", total, "/", friends)
    return Story(question, (f"In all it costs {total} dollars.", f"Each pays {each} dollars."), each, who.name)


FAMILIES = (
    Family(name="profit", steps=2, make=_profit, asides=ADULT, group="wide"),
    Family(name="mixture", steps=5, make=_mixture, asides=ADULT, group="wide"),
    Family(name="interest", steps=2, make=_interest, asides=ADULT, group="wide"),
    Family(name="cents", steps=2, make=_cents, asides=ADULT, group="wide"),
    Family(name="split_bill", steps=2, make=_split_bill, asides=ADULT, group="wide"),
)
