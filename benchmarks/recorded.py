"""Recorded completions through the judge, and each once more in the obvious unsafe way.

    python benchmarks/recorded.py                 accuracy per file, and each flag's count
    python benchmarks/recorded.py --disagreements every completion on which the two ways differ

The unsafe way is what a script would do: ``exec`` for programs, the last number of the text for CoT, ``sympy.solve``
on ``sympify``'d lines for EoT, abs(a - b) < 1e-3. It runs what a model wrote without protection, here only on these
files, in a child process with a time limit. It reads the data sets' folder from ``THOUGHT_DISTILL_DATA``.
"""

import argparse
import contextlib
import io
import json
import multiprocessing
import os
import re
import signal
from collections import Counter
from pathlib import Path

from pipelines.solvers import Sandbox
from pipelines.thoughts import THOUGHTS, judge

_ROOT = Path(__file__).parent.parent
_LIMIT_S = 10


def unsafe_program(text):
    """``exec``, then ``ans``, ``result`` or ``solution()``."""
    namespace = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(text, namespace)
        value = namespace.get("ans", namespace.get("result"))
        return float(namespace["solution"]() if value is None and "solution" in namespace else value)


def unsafe_prose(text):
    """The last number."""
    return float(re.findall(r"-?\d+(?:\.\d+)?", text.replace(",", ""))[-1])


def unsafe_equations(text):
    """``sympy.solve`` on every line that has one "=", and the first solution's ``ans``."""
    import sympy

    sides = [line.split("=") for line in text.splitlines() if line.count("=") == 1]
    system = [sympy.Eq(sympy.sympify(left), sympy.sympify(right)) for left, right in sides]
    solution = sympy.solve([each for each in system if each is not sympy.true], dict=True)[0]
    return float(solution[sympy.Symbol("ans")])


_UNSAFE = {"pot": unsafe_program, "cot": unsafe_prose, "eot": unsafe_equations}


def _unsafely(row):
    signal.alarm(_LIMIT_S)
    try:
        value = _UNSAFE[row["thought"]](row["completion"])
    except BaseException as error:
        return f"{type(error).__name__}", False
    finally:
        signal.alarm(0)
    return f"{value:g}", abs(value - float(row["answer"])) < 1e-3


def _give_up(*_):
    raise TimeoutError


def compared(rows):
    """For each row: our verdict, and the unsafe way's answer with whether it is right."""
    with Sandbox(timeout_s=5, memory_mb=512) as sandbox:
        ours = [
            judge(
                THOUGHTS[row["thought"]],
                *(row["completion"], row["finish_reason"], row["answer"], "number"),
                *(sandbox, row["question"]),
            )
            for row in rows
        ]
    with multiprocessing.get_context("spawn").Pool(
        1, initializer=signal.signal, initargs=(signal.SIGALRM, _give_up)
    ) as pool:
        theirs = pool.map(_unsafely, rows)
    return list(zip(rows, ours, theirs, strict=True))


def main():
    """The table, or the list of disagreements."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--disagreements", action="store_true")
    listed = parser.parse_args().disagreements
    folder = Path(os.environ.get("THOUGHT_DISTILL_DATA", _ROOT.parent / "shared" / "data")) / "recorded"
    for path in sorted(folder.glob("*.jsonl")):
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").rstrip("\n").split("\n")]
        results = compared(rows)
        solved = [verdict for _, verdict, _ in results if verdict.status == "solved"]
        right, unsafe = (sum(each) for each in zip(*((bool(v.correct), ok) for _, v, (_, ok) in results), strict=True))
        solved_right = sum(bool(verdict.correct) for verdict in solved)
        print(f"{path.name}: {len(rows)} completions")
        print(f"    right: ours {right} ({right / len(rows):.1%}), the unsafe way {unsafe} ({unsafe / len(rows):.1%})")
        print(f"    when solved: {solved_right} of {len(solved)} ({solved_right / len(solved):.1%})")
        print("   ", dict(Counter(verdict.status for _, verdict, _ in results).most_common()))
        flags = Counter((flag, bool(verdict.correct)) for _, verdict, _ in results for flag in verdict.flags)
        for flag in sorted({name for name, _ in flags}):
            print(f"    {flag}: {flags[flag, True]} right, {flags[flag, False]} wrong")
        for row, verdict, (answer, is_right) in results:
            if listed and bool(verdict.correct) != is_right:
                print(f"--- {row['problem_id']} draw {row['draw']}, gold {row['answer']}")
                print(f"    ours: {verdict.status} {verdict.answer} {verdict.detail}; the unsafe way: {answer}")
                print(row["completion"])


if __name__ == "__main__":
    main()
