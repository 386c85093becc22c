"""Recorded CoT completions, scored by us, by lm-evaluation-harness's rules and by Math-Verify.

    pip install math-verify && python benchmarks/scorers.py     agreement, and each kind of disagreement with an example
    python benchmarks/scorers.py --all                          every completion on which two of them differ

The harness's rules are those of its task gsm8k_cot, version 3: two regular expressions and an exact comparison of what
they find with the gold answer's text. Math-Verify is used as its documentation says. Without it its column is left out.
It reads the data sets' folder from ``THOUGHT_DISTILL_DATA``.
"""

import argparse
import contextlib
import json
import os
import re
from collections import Counter, defaultdict
from pathlib import Path

from pipelines.solvers import Sandbox, extract
from pipelines.thoughts import THOUGHTS, judge

_ROOT = Path(__file__).parent.parent
_STRICT = re.compile(r"The answer is (\-?[0-9\.\,]+).")  # strict-match, the first match
_FLEXIBLE = re.compile(r"(-?[$0-9.,]{2,})|(-?[0-9]+)")  # flexible-extract, the last match
_IGNORED = (r",", r"\$", r"(?s).*#### ", r"\.$")  # regexes_to_ignore of exact_match, on both sides
_NOTHING = "[invalid]"


def strict(text):
    """What strict-match extracts."""
    found = _STRICT.findall(text)
    return found[0].strip() if found else _NOTHING


def flexible(text):
    """What flexible-extract extracts."""
    found = _FLEXIBLE.findall(text)
    return next(group for group in found[-1] if group).strip() if found else _NOTHING


def exact_match(found, gold):
    """The harness's metric: the same text, case and the ignored characters apart."""
    for pattern in _IGNORED:
        found, gold = re.sub(pattern, "", found), re.sub(pattern, "", gold)
    return found.lower() == gold.lower()


def math_verify():
    """Math-Verify's scorer, or None where it is not installed."""
    with contextlib.suppress(ImportError):
        from math_verify import parse, verify

        def score(text, gold):
            found = parse(text)
            return str(found[0]) if found else _NOTHING, bool(verify(parse(gold), found))

        return score
    return None


def scorers():
    """By name, what gives (answer found, whether it is right) of a text and the gold answer."""
    sandbox = Sandbox(timeout_s=5, memory_mb=512)

    def ours(text, gold):
        verdict = judge(THOUGHTS["cot"], text, "stop", gold, "number", sandbox)
        return verdict.answer or _NOTHING, bool(verdict.correct)

    found = {
        "ours": ours,
        "harness strict": lambda text, gold: (strict(text), exact_match(strict(text), gold)),
        "harness flexible": lambda text, gold: (flexible(text), exact_match(flexible(text), gold)),
    }
    verify = math_verify()
    return found | ({"Math-Verify": verify} if verify else {})


def kind(name, text, gold, ours, theirs):
    """Why two scorers differ, from what each of them took for the answer."""
    how = extract(text).how if extract(text) else "nothing"
    if theirs[0] == _NOTHING:
        return f"{name} finds no answer; ours takes it from '{how}'"
    if ours[0] == _NOTHING:
        return f"ours finds no answer; {name} takes a number that is not one"
    if ours[1] and same(theirs[0], gold):
        return f"the same number written otherwise, which {name} compares as text"
    if name == "harness strict" and len(_STRICT.findall(text)) > 1:
        return "several 'The answer is': ours takes the last, strict the first"
    return f"another number: ours from '{how}', {name} elsewhere in the text"


def same(a, b):
    """Whether two extracted texts are the same number, whatever their commas, dollars and full stops."""
    with contextlib.suppress(ValueError):
        return abs(float(_bare(a)) - float(_bare(b))) < 1e-3
    return False


def _bare(text):
    return text.replace(",", "").replace("$", "").rstrip(".")


def main():
    """The table, then the kinds of disagreement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true")
    listed = parser.parse_args().all
    folder = Path(os.environ.get("THOUGHT_DISTILL_DATA", _ROOT.parent / "shared" / "data")) / "recorded"
    for path in sorted(folder.glob("*_cot.jsonl")):
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").rstrip("\n").split("\n")]
        results = {name: [score(row["completion"], row["answer"]) for row in rows] for name, score in scorers().items()}
        ours = results.pop("ours")
        print(f"{path.name}: {len(rows)} completions; ours: {sum(right for _, right in ours)} right")
        for name, theirs in results.items():
            compared(name, rows, ours, theirs, listed)


def compared(name, rows, ours, theirs, listed):
    """One line of counts, then each kind of disagreement with an example, or with all cases."""
    table = Counter((mine[1], other[1]) for mine, other in zip(ours, theirs, strict=True))
    agreed = table[True, True] + table[False, False]
    found = sum(mine[0] == other[0] or same(mine[0], other[0]) for mine, other in zip(ours, theirs, strict=True))
    print(
        f"    {name}: {sum(right for _, right in theirs)} right; "
        f"the same verdict on {agreed} ({agreed / len(rows):.1%}), the same answer on {found}; "
        f"ours alone right {table[True, False]}, {name} alone {table[False, True]}"
    )
    kinds = defaultdict(list)
    for row, mine, other in zip(rows, ours, theirs, strict=True):
        if mine[1] != other[1]:
            kinds[kind(name, row["completion"], row["answer"], mine, other), mine[1]].append((row, mine, other))
    for (reason, is_ours), cases in sorted(kinds.items(), key=lambda item: -len(item[1])):
        print(f"        {len(cases)} where {'ours' if is_ours else name} alone is right: {reason}")
        for row, mine, other in cases if listed else cases[:1]:
            tail = " ".join(row["completion"].split())[-110:]
            print(f"            gold {row['answer']}, ours {mine[0]}, {name} {other[0]}: ...{tail!r}")


if __name__ == "__main__":
    main()
