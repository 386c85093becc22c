"""Families about lengths, areas and units of time.

    A garden is 12 meters long and 7 meters wide. How many meters of fence go once around the garden?
    Two sides make 12 + 7 = <<two_sides=12+7=19>>19 meters.
    Once around is 2 * 19 = <<around=2*19=38>>38 meters.
    #### 38

Whole numbers only. All are part of "wide", none of "known".
"""

from random import Random

from pipelines.problems.generated.story import Family, Story, calculate, equation
from pipelines.problems.generated.vocabulary import ADULT, DOLLARS, HOURS, Noun, person

_YARDS = ("garden", "field", "playground", "meadow", "yard")
_ROOMS = ("room", "hall", "kitchen", "office")
_DAILY = (
    ("reads", "pages", 8, 40),
    ("runs", "kilometers", 3, 12),
    ("learns", "words", 5, 30),
    ("bakes", "rolls", 10, 90),
)
_METERS = Noun("meter", "meters")
_WEEKS = Noun("week", "weeks")
_MINUTES = Noun("minute", "minutes")


def _sides(rng: Random, low: int, high: int) -> tuple[int, int]:
    """Length and width in meters, the length the greater."""
    width, length = sorted(rng.sample(range(low, high + 1), 2))
    return length, width


def _perimeter(rng: Random) -> Story:
    who, yard = person(rng), rng.choice(_YARDS)
    length, width = _sides(rng, 5, 60)
    question = rng.choice(
        (
            f"A {yard} is {length} meters long and {width} meters wide. How many meters of fence go once around the "
            f"{yard}?",
            f"{who} walks once around a {yard} with four straight sides. The {yard} is {width} meters wide and "
            f"{length} meters long. How many meters does {who} walk?",
            f"{who} wants to put a rope around a {yard} of {length} by {width} meters. How long must the rope be?",
        )
    )
    two_sides = calculate("two_sides", length, "+", width)
    around = calculate("around", 2, "*", two_sides)
    solution = (f"Two sides make {two_sides} meters.", f"Once around is {around} meters.")
    return Story(question, solution, around, who.name)


def _floor_cost(rng: Random) -> Story:
    who, room = person(rng), rng.choice(_ROOMS)
    length, width = _sides(rng, 3, 20)
    price = rng.randint(4, 20)
    question = rng.choice(
        (
            f"{who} puts a new floor into a {room} of {length} by {width} meters. A square meter costs "
            f"{DOLLARS.of(price)}. How much does the floor cost?",
            f"A {room} is {length} meters long and {width} meters wide. {who} pays {DOLLARS.of(price)} for each square "
            f"meter of carpet. How many dollars does {who} pay for the whole {room}?",
            f"Paint costs {DOLLARS.of(price)} per square meter. How many dollars does {who} need to paint a floor that "
            f"is {length} meters long and {width} meters wide?",
        )
    )
    area = calculate("area", length, "*", width)
    cost = calculate("cost", area, "*", price)
    return Story(question, (f"The floor has {area} square meters.", f"It costs {cost} dollars."), cost, who.name)


def _rectangle_side(rng: Random) -> Story:
    who, yard = person(rng), rng.choice(_YARDS)
    length, width = _sides(rng, 4, 60)
    around = 2 * (length + width)
    question = rng.choice(
        (
            f"{who} needs {around} meters of fence to go once around a {yard}. The {yard} is {length} meters long. "
            f"How many meters wide is the {yard}?",
            f"A path around a {yard} with four straight sides is {around} meters long, and the long side of the {yard} "
            f"is {length} meters. How many meters is the short side?",
            f"The perimeter of a {yard} is {around} meters. If {who} measures a length of {length} meters, what is the "
            f"width in meters?",
        )
    )
    long_sides = calculate("long_sides", 2, "*", length)
    short_sides = calculate("short_sides", around, "-", long_sides)
    answer = calculate("width", short_sides, "/", 2)
    solution = (
        f"Twice the length and twice the width make {around} meters.{equation(f'2 * {length} + 2 * width = {around}')}",
        f"The long sides make {long_sides} meters.",
        f"The short sides make {short_sides} meters.",
        f"The width is {answer} meters.",
    )
    return Story(question, solution, answer, who.name)


def _minutes(rng: Random) -> Story:
    who = person(rng)
    hours, minutes = rng.randint(2, 9), rng.randint(5, 55)
    question = rng.choice(
        (
            f"A film lasts {HOURS.of(hours)} and {_MINUTES.of(minutes)}. How many minutes does {who} need to see the "
            f"whole film?",
            f"{who} works in the garden for {HOURS.of(hours)}. After dinner, {who.he} works {minutes} more minutes. "
            f"How many minutes does {who} work in all?",
            f"How many minutes is a train ride of {HOURS.of(hours)} and {_MINUTES.of(minutes)} that {who} takes?",
        )
    )
    whole = calculate("whole_hours", hours, "*", 60)
    total = calculate("total", whole, "+", minutes)
    solution = (f"The hours are {whole} minutes.", f"In all it is {total} minutes.")
    return Story(question, solution, total, who.name)


def _weeks(rng: Random) -> Story:
    who = person(rng)
    verb, noun, low, high = rng.choice(_DAILY)
    each, weeks = rng.randint(low, high), rng.randint(2, 12)
    plain = verb.removesuffix("s")
    question = rng.choice(
        (
            f"{who} {verb} {each} {noun} every day. How many {noun} does {who} {plain} in {_WEEKS.of(weeks)}?",
            f"For {_WEEKS.of(weeks)}, {who} {verb} {each} {noun} a day without a break. How many {noun} is that?",
            f"{who} {verb} {each} {noun} each day, Sundays as well. How many {noun} does {who} {plain} within "
            f"{_WEEKS.of(weeks)}?",
        )
    )
    days = calculate("days", weeks, "*", 7)
    total = calculate("total", days, "*", each)
    solution = (f"{_WEEKS.of(weeks)} are {days} days.", f"That makes {total} {noun}.")
    return Story(question, solution, total, who.name)


def _area_left(rng: Random) -> Story:
    who, yard = person(rng), rng.choice(_YARDS)
    length, width = _sides(rng, 12, 50)
    inner_length, inner_width = _sides(rng, 2, 9)
    inside = rng.choice(("pond", "house", "stage", "shed"))
    question = rng.choice(
        (
            f"A {yard} is {length} meters long and {width} meters wide. {who} builds a {inside} of {inner_length} by "
            f"{inner_width} meters there. How many square meters are left?",
            f"On a {yard} of {length} by {width} meters stands a {inside} of {inner_length} by {inner_width} meters. "
            f"{who} mows the rest of the {yard}. How many square meters does {who} mow?",
            f"A {inside} covers {inner_length} by {inner_width} meters of a {yard} that is {width} meters wide and "
            f"{length} meters long. How many square meters of the {yard} are free?",
        )
    )
    whole = calculate("whole", length, "*", width)
    covered = calculate("covered", inner_length, "*", inner_width)
    left = calculate("left", whole, "-", covered)
    solution = (
        f"The {yard} has {whole} square meters.",
        f"The {inside} covers {covered} square meters.",
        f"{left} square meters are left.",
    )
    return Story(question, solution, left, who.name)


FAMILIES = (
    Family(name="perimeter", steps=2, make=_perimeter, asides=ADULT, group="wide", constants=(2,)),
    Family(name="floor_cost", steps=2, make=_floor_cost, asides=ADULT, group="wide"),
    Family(
        name="rectangle_side",
        steps=3,
        make=_rectangle_side,
        asides=ADULT,
        unknown=True,
        group="wide",
        constants=(2,),
    ),
    Family(name="minutes", steps=2, make=_minutes, asides=ADULT, group="wide", constants=(60,)),
    Family(name="weeks", steps=2, make=_weeks, asides=ADULT, group="wide", constants=(7,)),
    Family(name="area_left", steps=3, make=_area_left, asides=ADULT, group="wide"),
)
