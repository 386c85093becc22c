"""A chain of thought worked out again."""

from fractions import Fraction

import pytest

from pipelines.mixture.perturbation.prose import recomputed

NEW = {Fraction(old): Fraction(new) for old, new in {5: 9, 3: 3, 2: 2, 100: 100}.items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He has 5 and buys 3, 5 + 3 = 8. The answer is 8.", "He has 9 and buys 3, 9 + 3 = 12. The answer is 12."),
        ("Five and 3 make 8 (5 + 3 = 8), 8 * 2 = 16.", "Nine and 3 make 12 (9 + 3 = 12), 12 * 2 = 24."),
        ("The five pens: 5 * 2 = 10. The answer is 10.", "The nine pens: 9 * 2 = 18. The answer is 18."),
        ("Step 1: he has 5.\nStep 5: done. The answer is 5.", "Step 1: he has 9.\nStep 5: done. The answer is 9."),
        ("1. He has 5.\n5. 5 + 3 = 8. The answer is 8.", "1. He has 9.\n5. 9 + 3 = 12. The answer is 12."),
        ("5 * $2 = $10, and $10 - $3 = $7.\nThe answer is 7.", "9 * $2 = $18, and $18 - $3 = $15.\nThe answer is 15."),
    ],
)
def test_what_is_written_out_is_recomputed(text: str, expected: str) -> None:
    """Operands, results, and every later use of a result, in digits and words."""
    assert expected == recomputed(text, NEW)


@pytest.mark.parametrize(
    "text",
    [
        "So he has 8 pens. The answer is 8.",  # from nowhere
        "5 + 3 = 9. The answer is 9.",  # wrong
        "5 - 2 = 3. He gives 3 away. The answer is 3.",  # 3 is the question's and a result
        "3 - 5 = -2. The answer is -2.",
        "5 // 2 = 2 with a remainder of 1. The answer is 2.",
        r"\frac{5}{2} = 2.5. The answer is 2.5.",
    ],
)
def test_what_is_not_explicit_is_left_out(text: str) -> None:
    """Rather than guessed."""
    assert recomputed(text, NEW) is None
