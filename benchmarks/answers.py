"""Answers in text and their equality, by us and by Math-Verify, on one table of cases.

    pip install math-verify && python benchmarks/answers.py        prints the cases on which we differ, and why

A case is a model's text, the gold answer, and whether a person would call the text right. Math-Verify is used as its
documentation says: ``verify(parse(gold), parse(text))``.
"""

from pipelines.solvers.answers import equal, extract

CASES = [
    # text, gold, right, what it is about
    ("The answer is 48.", "48", True, "integer"),
    ("The answer is 48.0.", "48", True, "decimal"),
    ("The answer is 2.50.", "2.5", True, "decimal"),
    ("The answer is .5", "0.5", True, "decimal"),
    ("The answer is 1,250.", "1250", True, "thousands"),
    ("The answer is 12,345,678.9.", "12345678.9", True, "thousands"),
    (r"\boxed{1{,}250}", "1250", True, "thousands"),
    (r"\boxed{1\,250}", "1250", True, "thousands"),
    ("The answer is $18.", "18", True, "currency"),
    (r"\boxed{\$18}", "18", True, "currency"),
    ("The answer is US$18.50.", "18.5", True, "currency"),
    ("The answer is £18.", "18", True, "currency"),
    ("The answer is 18€.", "18", True, "currency"),
    ("The answer is Rs. 500.", "500", True, "currency"),
    ("The answer is -$5.", "-5", True, "negative"),
    ("The answer is −5.", "-5", True, "negative"),
    ("The answer is negative 5.", "-5", True, "negative"),
    ("The answer is 5.", "-5", False, "negative"),
    ("The answer is 0.", "0", True, "zero"),
    ("The answer is zero.", "0", True, "words"),
    ("The answer is twelve.", "12", True, "words"),
    ("The answer is 20%.", "20", True, "percent"),
    (r"\boxed{20\%}", "20", True, "percent"),
    ("The answer is 20 percent.", "20", True, "percent"),
    ("The answer is 0.2.", "20", False, "percent"),
    ("The answer is 3/4.", "0.75", True, "fraction"),
    (r"\boxed{\frac{3}{4}}", "0.75", True, "fraction"),
    (r"\boxed{\frac34}", "0.75", True, "fraction"),
    (r"\boxed{-\frac{1}{2}}", "-0.5", True, "fraction"),
    ("The answer is 2/6.", "1/3", True, "fraction"),
    ("The answer is 0.3333.", "1/3", True, "fraction"),
    ("The answer is 0.33.", "1/3", False, "fraction"),
    ("The answer is ½.", "0.5", True, "fraction"),
    ("The answer is 1 1/2 cups.", "1.5", True, "mixed number"),
    (r"\boxed{2\frac{1}{2}}", "2.5", True, "mixed number"),
    ("The answer is 2½ hours.", "2.5", True, "mixed number"),
    ("The answer is 12 apples.", "12", True, "unit"),
    ("The answer is 60 km/h.", "60", True, "unit"),
    (r"\boxed{8 \text{ hours}}", "8", True, "unit"),
    (r"\boxed{10 \text{ cm}^2}", "10", True, "unit"),
    (r"\boxed{30^\circ}", "30", True, "unit"),
    ("The answer is 5 million.", "5000000", True, "scale"),
    ("The answer is $1.2 million.", "1200000", True, "scale"),
    ("The answer is 1e5.", "100000", True, "power of ten"),
    ("The answer is 1.5 × 10^3.", "1500", True, "power of ten"),
    (r"\boxed{3 \times 10^4}", "30000", True, "power of ten"),
    ("So he has 9 * 2 = 18.\n#### 18", "18", True, "####"),
    ("#### Step 2: multiply\n9 * 2 = 18, so she makes $18.", "18", True, "####"),
    ("**Answer: $18**", "18", True, "markdown"),
    ("### Final Answer\n\n**18**", "18", True, "markdown"),
    (r"Therefore \(\boxed{18}\).", "18", True, "boxed"),
    (r"\[ \boxed{x = 5} \]", "5", True, "boxed"),
    ("The answer is 9 * 2 = 18.", "18", True, "calculation"),
    ("The answer is 10 - 3.", "10", False, "calculation"),
    ("The answer is 10 - 3.", "7", False, "calculation left to the reader"),
    ("The answer is 16 + 2, which is 18.", "18", True, "calculation"),
    ("The answer is 4.9x + 8.", "8", False, "calculation"),
    (r"\boxed{5\sqrt{2}}", "5", False, "calculation"),
    (r"\boxed{2x+3}", "3", False, "calculation"),
    ("The answer is 3. Wait, no. The answer is 4.", "4", True, "last mark"),
    ("The answer is 4. That is 2 more than 2.", "4", True, "text behind"),
    ("He has 12 apples and 13 pears left", "13", True, "last number"),
    ("So she makes 18 dollars.", "18", True, "last number"),
    ("The answer is unknown.", "0", False, "no number"),
    ("The answer is inf.", "inf", False, "infinity"),
    ("The answer is nan.", "nan", False, "NaN"),
    ("The answer is 2.0009.", "2", True, "tolerance 1e-3"),
    ("The answer is 2.002.", "2", False, "tolerance 1e-3"),
    ("The answer is 16.67.", "16.6667", False, "tolerance 1e-3"),
    ("The answer is 1000000001.", "1000000000", False, "integers exactly"),
    ("The answer is 2000000.5.", "2000000.501", True, "relative 1e-9"),
]


def main():
    """The counts, and a line for each case on which one of the two is not right."""
    from math_verify import parse, verify

    wrong = {"ours": [], "Math-Verify": []}
    for text, gold, right, about in CASES:
        found = extract(text)
        ours = found is not None and equal(found.answer, gold, "number")
        parsed = parse(text)
        theirs = verify(parse(gold), parsed)
        for name, verdict in (("ours", ours), ("Math-Verify", theirs)):
            if verdict != right:
                shown = (found and found.answer) if name == "ours" else [str(each) for each in parsed]
                wrong[name].append(
                    f"{about:20} {text!r:55} gold {gold:12} {'equal' if verdict else 'not equal'}: {shown}"
                )
    for name, rows in wrong.items():
        print(f"{name}: {len(CASES) - len(rows)} of {len(CASES)} as a person would say")
        print(*(f"    {row}" for row in rows), sep="\n")


if __name__ == "__main__":
    main()
