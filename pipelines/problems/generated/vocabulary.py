"""The words of generated problems: people, things, things with a price, and sentences nobody needs.

    PENS = Noun("pen", "pens");  PENS.of(1) -> "1 pen";  PENS.of(6) -> "6 pens"

A few hundred words over all families: a student of about a million parameters learns them from scratch.
"""

from dataclasses import dataclass
from random import Random

from pipelines.problems.generated.story import Aside


@dataclass(frozen=True)
class Noun:
    """A thing that is counted."""

    one: str
    many: str

    def of(self, number: int, adjective: str = "") -> str:
        """``6 pens``, ``1 pen``, ``4 loose pens``."""
        return " ".join(filter(None, (str(number), adjective, self.one if number == 1 else self.many)))


@dataclass(frozen=True)
class Person:
    """A person, printed as the name; ``he`` and ``his`` are the right pronouns, ``He`` opens a sentence."""

    name: str
    he: str
    his: str

    def __str__(self) -> str:
        return self.name

    @property
    def He(self) -> str:  # noqa: N802 - read aloud in a template: "{who.He} buys ..."
        """The pronoun as the first word of a sentence."""
        return self.he.capitalize()


@dataclass(frozen=True)
class Ware:
    """A thing with a usual price in whole dollars."""

    noun: Noun
    low: int
    high: int

    def price(self, rng: Random) -> int:
        """A price from the usual range."""
        return rng.randint(self.low, self.high)


_SHE = [
    "Ana",
    "Ella",
    "Emma",
    "Grace",
    "Ivy",
    "Julia",
    "Kate",
    "Lily",
    "Lucy",
    "Maria",
    "Mia",
    "Nina",
    "Nora",
    "Rosa",
    "Sara",
    "Zoe",
]
_HE = [
    "Adam",
    "Ben",
    "Carl",
    "David",
    "Finn",
    "Hugo",
    "Jack",
    "Leo",
    "Luke",
    "Mark",
    "Noah",
    "Omar",
    "Paul",
    "Sam",
    "Theo",
    "Tom",
]
PEOPLE = tuple([Person(name, "she", "her") for name in _SHE] + [Person(name, "he", "his") for name in _HE])

THINGS = tuple(
    Noun(word, f"{word}s")
    for word in [
        "pen",
        "pencil",
        "marble",
        "sticker",
        "apple",
        "orange",
        "cookie",
        "shell",
        "stamp",
        "card",
        "bead",
        "button",
        "balloon",
        "coin",
        "pear",
        "plum",
        "eraser",
        "nut",
    ]
)
BOXES = (Noun("box", "boxes"), Noun("bag", "bags"), Noun("basket", "baskets"), Noun("jar", "jars"))
WARES = (
    Ware(Noun("pen", "pens"), 1, 4),
    Ware(Noun("notebook", "notebooks"), 2, 6),
    Ware(Noun("book", "books"), 6, 18),
    Ware(Noun("cap", "caps"), 7, 15),
    Ware(Noun("ball", "balls"), 3, 12),
    Ware(Noun("mug", "mugs"), 4, 9),
    Ware(Noun("poster", "posters"), 3, 9),
    Ware(Noun("puzzle", "puzzles"), 5, 16),
    Ware(Noun("shirt", "shirts"), 9, 20),
    Ware(Noun("plant", "plants"), 4, 14),
    Ware(Noun("cake", "cakes"), 8, 18),
    Ware(Noun("brush", "brushes"), 2, 7),
)
DEAR_WARES = ("camera", "computer", "sofa", "phone", "bike", "table", "watch", "piano", "carpet")
YEARS = Noun("year", "years")
HOURS = Noun("hour", "hours")
DAYS = Noun("day", "days")
DOLLARS = Noun("dollar", "dollars")
KILOMETERS = Noun("kilometer", "kilometers")

IMPERSONAL: tuple[Aside, ...] = (
    ("It is {n} degrees outside.", 5, 30),
    ("Bus number {n} stops in front of the house.", 2, 60),
    ("There are {n} cars in the street.", 4, 25),
)
SOMEONE: tuple[Aside, ...] = (
    ("{who} has {n} cousins.", 3, 9),
    ("{who} lives in house number {n}.", 2, 90),
    ("{who} got up at {n} o'clock.", 5, 9),
    ("{who} knows {n} songs.", 5, 40),
    ("{who} lives {n} kilometers from the sea.", 3, 90),
    ("{who} owns {n} hats.", 3, 9),
)
CHILD: tuple[Aside, ...] = (*SOMEONE, ("{who} is {n} years old.", 8, 14))
ADULT: tuple[Aside, ...] = (*SOMEONE, ("{who} is {n} years old.", 22, 60))


def person(rng: Random) -> Person:
    """Somebody."""
    return rng.choice(PEOPLE)


def two_people(rng: Random) -> tuple[Person, Person]:
    """Two people with different names."""
    first, second = rng.sample(PEOPLE, 2)
    return first, second


def times(factor: int) -> str:
    """``twice`` or ``3 times``."""
    return "twice" if factor == 2 else f"{factor} times"
