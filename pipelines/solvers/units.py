"""Words behind numbers that change what the numbers mean.

    2 hours + 30 minutes      ->  FAMILY["hours"] is ("time", "hour"), FAMILY["minutes"] is ("time", "minute")
    5 million, 3 dozen        ->  COUNTS

A unit is dropped from an equation, but where two of one family are added the numbers alone would lie, and
"3 dozen" is not 3. Words that are not here (pens, boxes) are units too, of no family.
"""

_TABLE = {
    "time": (
        "second seconds sec secs",
        "minute minutes min mins",
        "hour hours hr hrs h",
        "day days",
        "week weeks",
        "month months",
        "year years yr yrs",
        "decade decades",
    ),
    "money": ("cent cents", "dollar dollars USD", "euro euros EUR", "pence penny pennies", "rupee rupees"),
    "length": (
        "mm millimeter millimeters millimetre millimetres",
        "cm centimeter centimeters centimetre centimetres",
        "m meter meters metre metres",
        "km kilometer kilometers kilometre kilometres",
        "inch inches",
        "foot feet ft",
        "yard yards yd",
        "mile miles mi",
    ),
    "weight": (
        "mg milligram milligrams",
        "g gram grams",
        "kg kilogram kilograms kilos",
        "ounce ounces oz",
        "pound pounds lb lbs",
        "ton tons",
    ),
    "volume": (
        "ml mL milliliter milliliters millilitre millilitres",
        "l L liter liters litre litres",
        "cup cups",
        "pint pints",
        "quart quarts",
        "gallon gallons",
    ),
}

FAMILY = {
    word: (family, words.split()[0]) for family, units in _TABLE.items() for words in units for word in words.split()
}
"""A unit's word to its family and its own name."""

_SIZES = {
    "time": {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800},
    "money": {"cent": 1, "dollar": 100, "euro": 100},
    "length": {"mm": 1, "cm": 10, "m": 1000, "km": 10**6},
    "weight": {"mg": 1, "g": 1000, "kg": 10**6},
    "volume": {"ml": 1, "l": 1000},
}
_SIZES_OF_PAIRS = {
    ("month", "year"): 12,
    ("month", "decade"): 120,
    ("year", "decade"): 10,
    ("inch", "foot"): 12,
    ("inch", "yard"): 36,
    ("foot", "yard"): 3,
    ("foot", "mile"): 5280,
    ("yard", "mile"): 1760,
    ("ounce", "pound"): 16,
    ("cup", "pint"): 2,
    ("cup", "quart"): 4,
    ("cup", "gallon"): 16,
    ("pint", "quart"): 2,
    ("pint", "gallon"): 8,
    ("quart", "gallon"): 4,
    ("pence", "pound"): 100,
}


def per(small: str, large: str) -> int | None:
    """How many of one unit make another, both by their own names; None where that is not certain (days of a month)."""
    if (size := _SIZES_OF_PAIRS.get((small, large))) is not None:
        return size
    for sizes in _SIZES.values():
        if sizes.get(small) and sizes.get(large, 0) > sizes[small]:
            return sizes[large] // sizes[small]
    return None


PER = FAMILY.keys() | {"s"}
"""What may stand behind the "/" of a unit (km/h); "120 miles / speed" is a division."""

COUNTS = frozenset({"dozen", "dozens", "hundred", "hundreds", "thousand", "thousands", "million", "millions"}) | {
    *("billion", "billions", "trillion"),
}
"""Words that multiply the number before them."""
