"""What a text states is read whole or not at all: a table for each kind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.solvers import equal, extract
from pipelines.solvers.numerals import IN_WORDS, value_in_words
from pipelines.solvers.stated import last_number, stated_number

NOTHING = None
CHOICES = [
    ("5 or 6", NOTHING),
    ("five or six", NOTHING),
    ("either 12 or 15", NOTHING),
    ("between 5 and 6", NOTHING),
    ("between five and six", NOTHING),
    ("5 to 6 hours", NOTHING),
    ("5 hours to 6 hours", NOTHING),
    ("5-6", NOTHING),
    ("5–6 hours", NOTHING),
    ("6 and 4", NOTHING),
    ("two and three", NOTHING),
    ("12 pens and 3 pencils", NOTHING),
    ("50, 100", NOTHING),
    ("3, 4 and 5", NOTHING),
    ("neither 5 nor 6", NOTHING),
    ("not 7", NOTHING),
    ("not 5 but 6", "6"),
    ("not 5, but rather 6", "6"),
    ("90 minutes or 1.5 hours", "90"),
    ("1/2 or 0.5", "0.5"),
    ("12 or a dozen", "12"),
    ("5 arms and 3 legs, or 8 limbs in total", "8"),
    ("5 pens and 3 caps, for a total of 8", "8"),
    ("unknown, because 5 is missing", NOTHING),
    ("impossible to find with 5 pens", NOTHING),
    ("none of the 5", NOTHING),
    ("12 pens in 3 boxes", "12"),
    ("12 pens, 3 in each box", "12"),
    ("2 boxes of 5", "2"),
    ("20% of the pens", "20"),
    ("18, and she is happy", "18"),
    ("more than 5", NOTHING),
    ("at least 5", NOTHING),
    ("less than $20", NOTHING),
    ("over 9000", NOTHING),
    ("x > 5", NOTHING),
    ("x ≤ 5", NOTHING),
    ("> 5", NOTHING),
    ("±12", NOTHING),
    ("+/- 12", NOTHING),
    ("x = ±12", NOTHING),
    ("5 ± 1", NOTHING),
]
EQUATIONS = [
    ("2x = 8", NOTHING),
    ("3*x-1*y+13=0", NOTHING),
    ("x + 3 = 8", NOTHING),
    ("y = 2x + 3", NOTHING),
    ("x^2 = 49", NOTHING),
    ("x = 5, y = 3", NOTHING),
    ("x = 5 and y = 3", NOTHING),
    ("x = 5 or x = 6", NOTHING),
    ("2d / 3", NOTHING),
    ("x = 8", "8"),
    ("ans = 8", "8"),
    ("the number of pens = 8", "8"),
    ("3 boxes x 8 = 24 pens", "24"),
    ("2 * 4 = 8", "8"),
    ("x = 2 * 4 = 8", "8"),
    ("5 = x", "5"),
]
UNITS = [
    ("1 hour and 30 minutes", "1.5"),
    ("2 hours 15 minutes", "2.25"),
    ("2 hours, 15 minutes", "2.25"),
    ("1 hour, 30 minutes and 36 seconds", "1.51"),
    ("2 hrs 30 mins", "2.5"),
    ("3 dollars and 50 cents", "3.5"),
    ("$3 and 50 cents", "3.5"),
    ("5 feet 6 inches", "5.5"),
    ("6 feet and 3 inches", "6.25"),
    ("2 pounds and 8 ounces", "2.5"),
    ("1 km 500 m", "1.5"),
    ("2 years and 6 months", "2.5"),
    ("1 kg and 250 g", "1.25"),
    ("1 month and 5 days", NOTHING),
    ("3 quarters and 2 dimes", NOTHING),
    ("2 hours and 5 dollars", NOTHING),
    ("1 hour and 30 minutes, which is 90 minutes", "90"),
    ("30 minutes", "30"),
    ("10 hours", "10"),
    ("60 km/h", "60"),
]
WORDS = [
    ("half", "0.5"),
    ("one half", "0.5"),
    ("half of 30", NOTHING),
    ("half of the pens", "0.5"),
    ("a quarter", "0.25"),
    ("three quarters", "0.75"),
    ("three-quarters", "0.75"),
    ("two thirds", "2/3"),
    ("one third of the cake", "1/3"),
    ("two and a half hours", "2.5"),
    ("three and a quarter", "3.25"),
    ("2 and a half", "2.5"),
    ("2 and 1/2 cups", "2.5"),
    ("2 and three quarters", "2.75"),
    ("one and a half million", "1500000"),
    ("a dozen", "12"),
    ("two dozen eggs", "24"),
    ("half a dozen", "6"),
    ("3 dozen", "36"),
    ("minus five", "-5"),
    ("negative twelve", "-12"),
    ("minus 5", "-5"),
    ("negative $5", "-5"),
    ("a hundred and twenty", "120"),
    ("two million five hundred thousand", "2500000"),
    ("the third box", NOTHING),
    ("the twenty-third day", NOTHING),
]
SIGNS = [
    ("-5", "-5"),
    ("\u20105", "-5"),
    ("\u20115", "-5"),
    ("\uff0d5", "-5"),
    ("\u22125", "-5"),
    ("\u20135", "-5"),
    ("\u20145", "-5"),
    ("- 5", "-5"),
    ("\u2212 5", "-5"),
    ("- $5", "-5"),
    ("-$ 5", "-5"),
    ("x = - 5", "-5"),
    ("5 - 3", NOTHING),
    ("5 \u2014 a good price", "5"),
]
SCALES = [
    ("$5k", "5000"),
    ("5K", "5000"),
    ("2.5k", "2500"),
    ("$1.2M", "1200000"),
    ("$1.2m", "1200000"),
    ("$3B", "3000000000"),
    ("$2 bn", "2000000000"),
    ("5 m", "5"),
    ("5m", "5"),
    ("5 km", "5"),
    ("300 K", "300"),
    ("2 lakh rupees", "200000"),
    ("2 lakhs", "200000"),
    ("1.5 crore", "15000000"),
    ("5 million", "5000000"),
]
THOUSANDS = [
    ("9 500", "9500"),
    ("1 250 000", "1250000"),
    ("1\u202f250", "1250"),
    ("1\u00a0250.50", "1250.5"),
    (r"10\ 000", "10000"),
    ("1'250", "1250"),
    ("1\u2019250", "1250"),
    ("1_250", "1250"),
    ("1,00,000", "100000"),
    ("Rs. 1,00,000", "100000"),
    ("12,34,567", "1234567"),
    ("1,23", NOTHING),
    ("1.250,00", NOTHING),
    ("12 3456", NOTHING),
    ("12 34", NOTHING),
]
CALCULATIONS = [
    ("2/3 of 90, which is 60", "60"),
    ("2/3 of 90", NOTHING),
    ("20% of 50", NOTHING),
    ("20 percent of 50", NOTHING),
    ("20% of 50, that is 10", "10"),
    ("3 times 5", NOTHING),
    ("3 times 5, i.e. 15", "15"),
    ("3 times as many, i.e. 15", "15"),
    ("3 times as many", "3"),
    ("5 plus 3", NOTHING),
    ("5 minus 3", NOTHING),
    ("5 plus 3, so 8", "8"),
    ("10 divided by 2", NOTHING),
    ("10 divided by 2, which equals 5", "5"),
    ("5 more than 3", NOTHING),
    ("5 more than Tom", "5"),
    ("5 squared", NOTHING),
    ("17 mod 5", NOTHING),
    ("5 R 2", NOTHING),
    ("5 r2", NOTHING),
    ("2 remainder 3", NOTHING),
    ("2 with a remainder of 3", NOTHING),
    ("approximately 12.5, so 13 buses", "13"),
    ("12.5, rounded up to 13", "13"),
    ("12.5, which rounds up to 13", "13"),
    ("12.346, rounded to 2 decimal places", "12.346"),
    ("about 13", "13"),
    ("15, which is 3 times 5", "15"),
    ("15, i.e. 3 boxes", "15"),
    (r"5.\overline{3}", NOTHING),
    ("log 100", NOTHING),
    ("5π", NOTHING),
    ("0x1F", NOTHING),
    ("12_8", NOTHING),
]
TABLES = CHOICES + EQUATIONS + UNITS + WORDS + SIGNS + SCALES + THOUSANDS + CALCULATIONS


@pytest.mark.parametrize(("said", "answer"), TABLES)
@pytest.mark.parametrize("mark", ["There are 7. The answer is {}.", r"7 - \boxed{{{}}}", "7\n<answer>{}</answer>"])
def test_what_is_stated_is_read_whole_or_not_at_all(mark: str, said: str, answer: str | None) -> None:
    """Behind each mark alike; nothing else of the text is taken instead."""
    found = extract(mark.format(said))
    assert answer == (found.answer if found else None)


@pytest.mark.parametrize(
    ("boxed", "answer"),
    [
        ("5!", None),
        ("(3, 4)", None),
        (r"\{3, 4\}", None),
        ("[2, 5)", None),
        ("(2,5)", None),
        ("12_8", None),
        ("12_{8}", None),
        ("0b101", None),
        (r"\log 100", None),
        (r"\log_{10} 100", None),
        (r"\sin 30", None),
        (r"\sin(30)", None),
        (r"\sqrt{5}", None),
        (r"\pm 12", None),
        (r"5 \text{ or } 6", None),
        (r"2 \text{ hours } 30 \text{ minutes}", "2.5"),
        (r"\text{about } 5", "5"),
        (r"\frac{5}{2}", "2.5"),
        (r"\binom{5}{2}", None),
        (r"x > 5", None),
        (r"x \geq 5", None),
        (r"3x + 4y = 12", None),
        (r"- 12", "-12"),
        (r"10\ 000", "10000"),
        (r"5\%", "5"),
        (r"\$5.50", "5.5"),
        (r"12 \text{ m}^2", "12"),
        (r"|{-5}|", None),
        (r"2^{10}", None),
        ("2:00", "2"),
        ("2:30", None),
    ],
)
def test_a_box_holds_a_plain_number_or_no_answer(boxed: str, answer: str | None) -> None:
    """Factorials, pairs, intervals, functions, other bases and relations are no number."""
    found = extract(rf"So 7 - 2 is \boxed{{{boxed}}}.")
    assert answer == (found.answer if found else None)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The answers are 1331 and 1728.", None),
        (r"\boxed{5} or \boxed{6}", None),
        ("The correct answer is 12. (A common slip: the answer is 10.)", "12"),
        ("The answer is 12. The wrong answer is 10.", "12"),
        ("(The answer is 12.)", "12"),
        ("The answer cannot be determined; the answer is not 7.", None),
        ("There are 5. The answer is unknown.", None),
        ("It cannot be determined from 7 pens.", None),
        ("So 12 in all.\nConfidence: 95%", "12"),
        ("The answer is 12.\nConfidence: 0.95", "12"),
        ("<answer>12</answer>\n<confidence>95</confidence>", "12"),
        ("[ANSWER]12[/ANSWER] as I said in step 2", "12"),
        ("She must start at 2:00 pm. The answer is 2:00 pm.", "2"),
        ("The answer is 2:30 pm.", None),
        ("#### 1 hour and 30 minutes", "1.5"),
        ("#### 5 or 6", None),
        ("#### - 5", "-5"),
        ("Answer:\n- 18 eggs", "18"),
        ("5 cars drove through the jam in the first 15 minutes.", "5"),
        ("Three trucks will be needed to transport 80 flagstones in one trip.", "3"),
        ("First, 2 * 4 = 8.\n8 cars pass every 15 minutes.", "8"),
        ("He needs 2 hours and 30 minutes.", "2.5"),
        ("He needs 5 or 6.", None),
        ("It is between 5 and 6.", None),
        ("That makes 5 remainder 2.", None),
        ("He has 12 apples and 13 left", "13"),
        ("10 - 15 = - 5", "-5"),
        ("So she spends $9 500", "9500"),
        ("5 boxes hold 15 pens.", "15"),
        ("5 * 3 = 15 in 2 days", "2"),
    ],
)
def test_the_last_resort_and_other_marks(text: str, answer: str | None) -> None:
    """Remarks, confidences and circumstances are not the answer."""
    found = extract(text)
    assert answer == (found.answer if found else None)


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("0.0009", "0.0002", False),
        ("0", "0.0005", False),
        ("0.0005", "-0.0005", False),
        ("0.05", "0.0504", True),
        ("0.05", "0.051", False),
        ("0.333", "1/3", True),
        ("0.0333", "1/30", True),
        ("0.00000000000000006", "0", True),
        ("0.1", "0.1009", True),
        ("2", "2.0009", True),
    ],
)
def test_small_numbers_are_equal_within_one_per_cent(a: str, b: str, same: bool) -> None:
    """The papers' 0.001 would make every pair of small numbers equal."""
    assert same == equal(a, b, "number") == equal(b, a, "number")


@given(
    st.lists(st.sampled_from([said for said, _ in TABLES] + [" ", ", ", " and ", " = ", "("]), max_size=6).map("".join)
)
def test_any_combination_is_read_without_an_error(text: str) -> None:
    """Reading ends whatever stands beside what."""
    stated_number(text)
    last_number(text)


_SIGNS = [*"0123456789 ,.-+=()$%/'_xkM", "and ", "or ", "half ", "minus ", "hours ", "dozen "]


@given(st.lists(st.sampled_from(_SIGNS), max_size=40).map("".join))
def test_any_signs_are_read_without_an_error(text: str) -> None:
    """Figures, signs and number words in any order."""
    stated_number(text)
    last_number(text)
    for words in IN_WORDS.finditer(text):
        value_in_words(words[0])
