"""What models put around and into a program: wrappers, prose, prompts and characters that Python refuses."""

import ast

import pytest

from pipelines.solvers.ending import ending
from pipelines.solvers.source import parsed

CODE = "x = 3\nans = x * 5"
CRLF = CODE.replace("\n", "\r\n")
OF_FUNCTION = "def solution():\n    return 15"


def answer(text: str) -> object:
    """What the program leaves; these programs are ours, so they may run here."""
    namespace: dict[str, object] = {"__name__": "__main__"}
    exec(compile(parsed(text), "<test>", "exec"), namespace)
    solution = namespace.get("solution")
    return namespace["ans"] if "ans" in namespace else solution() if callable(solution) else None


@pytest.mark.parametrize(
    "text",
    [
        # fences
        f"```python\n{CODE}\n```",
        f"```python\r\n{CRLF}\r\n```\r\n",
        f"```python\r\n{OF_FUNCTION}\r\n```\r\nUse:\r\n```python\r\nprint(solution())\r\n```",
        f"````python\n{CODE}\n````",
        f"````\n```python\n{CODE}\n```\n````",
        f"~~~python\n{CODE}\n~~~",
        f"~~~~\n{CODE}\n~~~~",
        f"```Python\n{CODE}\n```",
        f"``` python\n{CODE}\n```",
        f"```{{python}}\n{CODE}\n```",
        f"```python3\n{CODE}\n```",
        f"```python title='sum.py'\n{CODE}\n```",
        f"```python\n{CODE}```",
        f"```python\n{CODE}",
        f"Here is the code: ```python\n{CODE}\n```",
        "```python ans = 3 * 5```",
        "```ans = 3 * 5```",
        "So: ```py ans = 3 * 5``` as asked.",
        "```python ans = 3 * 5\n```",
        "  ```python\n  x = 3\n  ans = x * 5\n  ```",
        "1. Compute:\n   ```python\n   x = 3\n   ans = x * 5\n   ```",
        "> ```python\n> x = 3\n> ans = x * 5\n> ```",
        "Sure:\n> ```python\n> x = 3\n> ans = x * 5\n> ```\nDone.",
        "> x = 3\n> ans = x * 5",
        # fences of which a part is missing
        f"{CODE}\n```",
        f"{CODE}\n```\nThis gives 15.",
        f"{CODE}\n```\n\nOutput:\n```\n14\n```",
        f"py\n{CODE}\n```",
        f"python\n{CODE}",
        f"Python\n{CODE}",
        f"python3\n{CODE}\n```\n",
        "```python\nx = 3\n\n```python\nans = x * 5\n```",
        # several blocks
        "```python\nx = 3\n```\nThen:\n```python\nans = x * 5\n```",
        f"```python\n{CODE}\n```\nOutput:\n```\n14\n```",
        f"```\n{CODE}\n```\nOutput:\n```\n14\n```",
        f"```bash\npip install numpy\n```\n```python\n{CODE}\n```",
        f"```\n3 pens a box\n```\n```\n{CODE}\n```",
        f"```python\n{CODE}\n```\n```text\nans = 14\n```",
        f"{CODE}\n\nOutput:\n\n```\n15\n```",
        # tags
        f"[PYTHON]\n{CODE}\n[/PYTHON]",
        f"[PYTHON]\n{CODE}",
        f"<code>\n{CODE}\n</code>",
        "<code>ans = 3 * 5</code>",
        f"<python>\n{CODE}\n</python>\nDone.",
        f"<program>{CODE}</program>",
        f"<pre><code>{CODE}</code></pre>",
        f"<answer>\n```python\n{CODE}\n```\n</answer>",
        f"Compute.\n<llm-code>\n{CODE}\nans\n</llm-code>\n<llm-code-output>\n14\n</llm-code-output>\nSo it is 15.",
        # quotation marks
        "`ans = 3 * 5`",
        "`x = 3`\n`ans = x * 5`",
        f"``{CODE}``",
        '"ans = 3 * 5"',
        "'ans = 3 * 5'",
        f'"""\n{CODE}\n"""',
        '"x = 3\\nans = x * 5"',
        "x = 3\\nans = x * 5",
        f'"{CODE}"',
        # prompts of a shell
        ">>> x = 3\n>>> ans = x * 5\n>>> ans\n15",
        ">>> def solution():\n...     return 15\n...\n>>> solution()\n14",
        "```python\n>>> x = 3\n>>> ans = x * 5\n```",
        "```pycon\n>>> ans = 3 * 5\n>>> ans\n15\n```",
        "In [1]: x = 3\nIn [2]: ans = x * 5\nOut[2]: 14",
        f"!pip install sympy\n{CODE}",
        f"pip install numpy\n{CODE}",
        f"$ pip3 install numpy\n{CODE}",
        f"%matplotlib inline\n{CODE}",
        # prose
        "Step 1: there are 3 boxes.\nx = 3\nStep 2: each holds 5 pens.\nans = x * 5",
        "First, the boxes:\nx = 3\n\nNext, we multiply by the pens in each box.\nans = x * 5\n\nThat's 15 pens.",
        "**Step 1:** Count the boxes.\nx = 3\n**Step 2:** Multiply.\nans = x * 5",
        "1. Count the boxes.\nx = 3\n2. Multiply.\nans = x * 5",
        "x = 3\nTherefore:\nans = x * 5",
        "def solution():\n    First the boxes.\n    x = 3\n    Then we multiply by 5.\n    return x * 5",
        # indents
        "x = 3\n  ans = x * 5",
        "x = 3\n    y = 5\n    ans = x * y",
        "x = 3\n  y = 5\nans = x * y",
        "if True:\n    x = 3\n      ans = x * 5",
        "  x = 3\n  ans = x * 5",
        "x = 3\n   y = 5\n ans = x * y",
        # characters
        "\ufeffans = 3 * 5",
        "```python\n\ufeffans = 3 * 5\n```",
        "x\u00a0=\u00a03\nans = x\u202f*\u20095",
        "\u00a0\u00a0\u00a0\u00a0x = 3\n\u00a0\u00a0\u00a0\u00a0ans = x * 5",
        "def solution():\n\u00a0\u00a0\u00a0\u00a0x = 3\n\u00a0\u00a0\u00a0\u00a0return x * 5",
        "x = 3\u200b\nans = x * 5",
        "x = 3\u2028ans = x * 5",
        "ans = 20 − 5",
        "ans = 20 – 5",
        "ans = 20 ‐ 5",
        "ans = 20 － 5",
        "ans = 3 × 5",
        "ans = 3 · 5",
        "ans = 30 ÷ 2",
        "ans = 4² − 1",
        "ans ＝ （3 ＋ 2） ＊ 3",
        "x = 3\nans = x * 5 if x ≤ 3 else 0",
        "name = “Tom”\nans = 3 * 5",
        "name = ‘Tom’\nans = 3 * 5",
        "name = “Tom’s pens”\nans = 3 * 5",
        "name = 'Tom’s – pens'\nans = 20 − 5",
        "print(“a × b =”, 3 * 5)\nans = 3 × 5",
        "price = $3\nans = price * 5",
        f"{CODE}\r",
        CODE.replace("\n", "\r"),
    ],
)
def test_what_is_around_a_program_is_left_out(text):
    """The code is found, and an output that the text claims is not taken for it."""
    assert 15 == answer(text)


@pytest.mark.parametrize(
    "text",
    [
        "ans = 48  # ‘quotes’ – and dashes",
        "ans = 'a − b'",
        'ans = """\n> quoted\n!pip install x\n"""',
        "ans = '''\n>>> 1\n'''",
        "ans = '```'",
        "ans = [answer for answer in (1, 2)]",
        "def solution():\n    '''\n    How many pens are there?\n    '''\n    return 15",
    ],
)
def test_what_python_reads_is_left_alone(text):
    """Signs in strings and comments, and strings that look like wrappers."""
    assert ast.dump(ast.parse(text)) == ast.dump(parsed(text))


@pytest.mark.parametrize(
    "text",
    [
        "ans = 4 8",
        "ans = 3 *",
        "ans = (3 * 5",
        "ans = 15 pens",
        "for pen in pens\n    ans = 15",
        "if x > 3 then ans = 15",
        "def solution():\nreturn 15",
        "ans = 2½",
        "ans = √225",
        "ans := 15",
        "x = 3\nStep 2: x = 5\nans = x * 3",
        "x = 3\nthen x = 5 pens\nans = x * 3",
    ],
)
def test_what_is_broken_stays_refused(text):
    """No line is dropped that could have been a statement, and no sign is guessed."""
    with pytest.raises(SyntaxError):
        parsed(text)


def test_prose_alone_is_no_program():
    """Nothing is left of it."""
    tree = parsed("The answer is 48.")
    assert [] == tree.body and ending(tree).last is None
