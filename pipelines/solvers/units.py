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

PER = FAMILY.keys() | {"s"}
"""What may stand behind the "/" of a unit (km/h); "120 miles / speed" is a division."""

COUNTS = frozenset({"dozen", "dozens", "hundred", "hundreds", "thousand", "thousands", "million", "millions"}) | {
    *("billion", "billions", "trillion"),
}
"""Words that multiply the number before them."""
