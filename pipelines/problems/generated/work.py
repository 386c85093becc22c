"""Families about work done together, plans over days, wages and journeys.

    Ana packs 12 boxes per hour and Tom packs 9 boxes per hour. How many hours do they need for 84 boxes together?
    Together they pack 12 + 9 = <<together=12+9=21>>21 boxes per hour.
    They need 84 / 21 = <<hours=84/21=4>>4 hours.
    #### 4

All are part of "wide", none of "known".
"""

from random import Random

from pipelines.problems.generated.story import Family, Story, calculate
from pipelines.problems.generated.vocabulary import ADULT, DAYS, DOLLARS, HOURS, person, two_people

_JOBS = (
    ("packs", "pack", "boxes"),
    ("paints", "paint", "chairs"),
    ("prints", "print", "posters"),
    ("cuts", "cut", "cards"),
)
_TANKS = ("tank", "pool", "barrel", "pond")


def _work_together(rng: Random) -> Story:
    who, other = two_people(rng)
    packs, pack, noun = rng.choice(_JOBS)
    one, two = rng.sample(range(5, 40), 2)
    total = (one + two) * rng.randint(2, 9)
    question = rng.choice(
        (
            f"{who} {packs} {one} {noun} per hour and {other} {packs} {two} {noun} per hour. How many hours do {who} "
            f"and {other} need to {pack} {total} {noun} together?",
            f"{who} and {other} must {pack} {total} {noun}. In one hour, {who} {packs} {one} and {other} {packs} "
            f"{two}. After how many hours are {who} and {other} done?",
            f"A shop needs {total} {noun}. {who} {packs} {one} an hour, {other} {packs} {two} an hour, and both start "
            f"at the same time. How many hours does it take?",
        )
    )
    together = calculate("together", one, "+", two)
    hours = calculate("hours", total, "/", together)
    solution = (f"Together they {pack} {together} {noun} per hour.", f"They need {hours} hours.")
    return Story(question, solution, hours, who.name)


def _tank(rng: Random) -> Story:
    who, tank = person(rng), rng.choice(_TANKS)
    out, net = rng.randint(2, 20), rng.randint(3, 30)
    flow, total = out + net, net * rng.randint(4, 40)
    question = rng.choice(
        (
            f"Every minute, {flow} liters of water flow into an empty {tank} and {out} liters flow out. After how many "
            f"minutes are {total} liters in the {tank}?",
            f"{who} fills a {tank} with {flow} liters of water a minute, but {out} liters a minute are lost through a "
            f"hole. How many minutes does it take until the {tank} holds {total} liters?",
            f"A {tank} loses {out} liters per minute while {who} pours in {flow} liters per minute. How many minutes "
            f"must {who} pour to get {total} liters into the {tank}?",
        )
    )
    gain = calculate("gain", flow, "-", out)
    minutes = calculate("minutes", total, "/", gain)
    solution = (f"Each minute the {tank} gains {gain} liters.", f"It takes {minutes} minutes.")
    return Story(question, solution, minutes, who.name)


def _reading_plan(rng: Random) -> Story:
    who = person(rng)
    first, days, later, more_days = rng.randint(8, 40), rng.randint(2, 7), rng.randint(6, 40), rng.randint(2, 8)
    pages = first * days + later * more_days
    question = rng.choice(
        (
            f"{who} reads a book of {pages} pages. For {DAYS.of(days)}, {who.he} reads {first} pages a day. How many "
            f"pages a day must {who} read to finish in {more_days} more days?",
            f"A book has {pages} pages. {who} reads {first} pages on each of {DAYS.of(days)} and the rest in "
            f"{DAYS.of(more_days)}, the same number every day. How many pages does {who} read on one of the last days?",
            f"{who} has to write {pages} lines. After {DAYS.of(days)} with {first} lines each, {who.he} has "
            f"{more_days} days left. How many lines must {who} write per day?",
        )
    )
    done = calculate("done", first, "*", days)
    rest = calculate("rest", pages, "-", done)
    per_day = calculate("per_day", rest, "/", more_days)
    solution = (f"At first it is {done}.", f"Then {rest} remain.", f"On each of the last days it is {per_day}.")
    return Story(question, solution, per_day, who.name)


def _overtime(rng: Random) -> Story:
    who = person(rng)
    wage, raised = sorted(rng.sample(range(9, 36), 2))
    hours, extra = rng.randint(20, 40), rng.randint(3, 12)
    question = rng.choice(
        (
            f"{who} earns {DOLLARS.of(wage)} an hour, and {DOLLARS.of(raised)} for each hour of overtime. This week "
            f"{who.he} works {hours} normal hours and {HOURS.of(extra)} of overtime. How much does {who} earn?",
            f"A shop pays {who} {DOLLARS.of(wage)} per hour on weekdays and {DOLLARS.of(raised)} per hour on Sundays. "
            f"How many dollars does {who} get for {hours} hours on weekdays and {HOURS.of(extra)} on Sunday?",
            f"{who} works {hours} hours by day for {DOLLARS.of(wage)} an hour and {HOURS.of(extra)} at night for "
            f"{DOLLARS.of(raised)} an hour. How many dollars is that in all?",
        )
    )
    normal = calculate("normal_pay", hours, "*", wage)
    more = calculate("extra_pay", extra, "*", raised)
    total = calculate("total", normal, "+", more)
    solution = (
        f"The normal hours bring {normal} dollars.",
        f"The better paid hours bring {more} dollars.",
        f"In all it is {total} dollars.",
    )
    return Story(question, solution, total, who.name)


def _travel_time(rng: Random) -> Story:
    who = person(rng)
    first_speed, second_speed = rng.sample(range(20, 95), 2)
    first, second = first_speed * rng.randint(2, 6), second_speed * rng.randint(2, 6)
    question = rng.choice(
        (
            f"{who} drives {first} kilometers at {first_speed} kilometers per hour and then {second} kilometers at "
            f"{second_speed} kilometers per hour. How many hours does {who} drive?",
            f"A bus goes {first} kilometers with a speed of {first_speed} kilometers per hour. After a "
            f"break, it goes {second} more kilometers at {second_speed} kilometers per hour. How many hours is that?",
            f"On Friday, {who} rides {first} kilometers at {first_speed} kilometers per hour. On Saturday, {who.he} "
            f"rides {second} kilometers at {second_speed} kilometers per hour. How many hours does {who} ride in all?",
        )
    )
    first_hours = calculate("first_hours", first, "/", first_speed)
    second_hours = calculate("second_hours", second, "/", second_speed)
    hours = calculate("hours", first_hours, "+", second_hours)
    solution = (
        f"The first part takes {first_hours} hours.",
        f"The second part takes {second_hours} hours.",
        f"In all it takes {hours} hours.",
    )
    return Story(question, solution, hours, who.name)


def _timetable(rng: Random) -> Story:
    who = person(rng)
    start = rng.randint(5, 12)
    end, speed = rng.randint(start + 2, 22), rng.randint(30, 120)
    question = rng.choice(
        (
            f"A train leaves at {start}:00 and arrives at {end}:00 on the same day. It travels {speed} kilometers per "
            f"hour. How many kilometers does {who} travel on this train?",
            f"{who} starts a trip at {start}:00 and drives at {speed} kilometers per hour without a stop until "
            f"{end}:00. How far does {who} drive?",
            f"From {start}:00 to {end}:00, a machine makes {speed} toys per hour. How many toys does the machine make "
            f"for {who}?",
        )
    )
    hours = calculate("hours", end, "-", start)
    total = calculate("total", hours, "*", speed)
    return Story(question, (f"It takes {hours} hours.", f"In that time it is {total}."), total, who.name)


FAMILIES = (
    Family(name="work_together", steps=2, make=_work_together, asides=ADULT, group="wide"),
    Family(name="tank", steps=2, make=_tank, asides=ADULT, group="wide"),
    Family(name="reading_plan", steps=3, make=_reading_plan, asides=ADULT, group="wide"),
    Family(name="overtime", steps=3, make=_overtime, asides=ADULT, group="wide"),
    Family(name="travel_time", steps=3, make=_travel_time, asides=ADULT, group="wide"),
    Family(name="timetable", steps=2, make=_timetable, asides=ADULT, group="wide"),
)
