"""The card's numbers add up exactly: on hand-made rows, and on completions that an LLM really wrote."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipelines.config import MixtureConfig, ProblemSource
from pipelines.mixture import Evaluated
from pipelines.problems import Problem, load
from pipelines.solvers import Sandbox
from pipelines.thoughts import THOUGHTS, judge

Rows = list[dict[str, Any]]


def problem(number: int, answer: str | None = "8") -> Problem:
    return Problem(
        problem_id=f"d/train/{number}",
        question=f"How many are {number} and so on?",
        answer=answer,
        answer_kind="number",
        rationale=None,
        dataset="d",
        split="train",
    )


def rows(number: int, thought: str, *answers: str | None) -> tuple[Rows, Rows]:
    """Samples and verdicts of one problem's thought; None is a completion that does not run."""
    samples, verdicts = [], []
    for draw, answer in enumerate(answers):
        name = {"sample_id": f"d/train/{number}/{thought}/{draw}", "problem_id": f"d/train/{number}"}
        samples.append({**name, "thought": thought, "draw": draw, "completion": f"ans = {answer} + {draw} - {draw}"})
        status = "solved" if answer else "runtime_error"
        verdicts.append({**name, "status": status, "answer": answer, "correct": answer == "8", "flags": []})
    return samples, verdicts


def gathered(*parts: tuple[Rows, Rows]) -> tuple[Rows, Rows]:
    return [row for samples, _ in parts for row in samples], [row for _, verdicts in parts for row in verdicts]


HAND_MADE = gathered(
    rows(0, "pot", "8", "8", "7"),  # type 1, and one wrong path
    rows(0, "cot", "7", "7", "8"),  # its right path belongs to a thought that lost the vote
    rows(1, "cot", "8"),  # type 3
    rows(1, "pot", "8", None),
    rows(2, "cot", "7"),  # type 4
    rows(9, "pot", "8"),  # of a problem that is not there
)


def outcomes(card: dict[str, Any]) -> dict[tuple[str, str, str], tuple[int, int]]:
    return {(c["thought"], c["type"], c["outcome"]): (c["rows"], c["copies"]) for c in card["counts"]}


def check_sums(card: dict[str, Any]) -> None:
    """What must hold on every card."""
    counts = card["counts"]
    out = [count for count in counts if count["outcome"] in ("train", "dev")]
    assert card["rows_in"] == sum(card["dropped"].values()) + sum(card["rows"].values()) - sum(card["copies"].values())
    assert card["rows_in"] == sum(count["rows"] for count in counts)
    assert sum(card["rows"].values()) == sum(count["rows"] + count["copies"] for count in out)
    assert sum(card["rows"].values()) == sum(card["by_thought"].values()) == sum(card["by_type"].values())
    assert all(count["copies"] == 0 for count in counts if count not in out)


def test_every_row_of_a_hand_made_mixture_has_its_place(mix: Any) -> None:
    """MD with two copies of types 1 and 2: reason, thought and type of each row."""
    config = MixtureConfig(recipe="md", dev_fraction=0)
    card = mix([problem(0), problem(1), problem(2)], *HAND_MADE, config)
    check_sums(card)
    assert {
        ("pot", "only_pot", "train"): (2, 2),
        ("pot", "only_pot", "incorrect"): (1, 0),
        ("cot", "only_pot", "incorrect"): (2, 0),
        ("cot", "only_pot", "other_type"): (1, 0),
        ("cot", "several", "train"): (1, 0),
        ("pot", "several", "train"): (1, 0),
        ("pot", "several", "runtime_error"): (1, 0),
        ("cot", "none", "type_4"): (1, 0),
        ("pot", "unknown", "unknown_problem"): (1, 0),
    } == outcomes(card)
    assert {"none": 1, "only_pot": 1, "several": 1, "unknown": 1} == card["problems_by_type"]


def test_a_problem_left_out_takes_all_of_its_rows_with_it(mix: Any) -> None:
    """Also its unproven ones; the reason is the problem's."""
    card = mix([problem(0)], *rows(0, "pot", "8", None), MixtureConfig(), {"d/train/0": "in_evaluation"})
    assert ({"in_evaluation": 2}, 2) == (card["dropped"], card["rows_in"])


def test_samples_without_a_verdict_and_repeated_ids_are_counted(mix: Any) -> None:
    """Foreign folders may hold both."""
    samples, verdicts = rows(0, "pot", "8", "8")
    card = mix([problem(0)], [*samples, samples[0]], verdicts[:1], MixtureConfig(dev_fraction=0))
    check_sums(card)
    assert ({"repeated_id": 1, "unverified": 1}, 1) == (card["dropped"], card["rows"]["train"])


def test_the_label_recipe_counts_problems(mix: Any) -> None:
    """The teacher's samples are no rows of it, and a problem without gold has no label."""
    problems = [problem(0), problem(1, None), problem(2), problem(3)]
    card = mix(problems, *HAND_MADE, MixtureConfig(recipe="label", dev_fraction=0), {"d/train/3": "in_evaluation"})
    check_sums(card)
    assert (4, 2, {"in_evaluation": 1, "no_gold": 1}) == (card["rows_in"], card["rows"]["train"], card["dropped"])


def test_shares_are_counted_as_a_reason(mix: Any) -> None:
    """PoT alone: CoT's rows are dropped by their share; copies were never rows."""
    samples, verdicts = gathered(*(rows(n, t, "8") for n in range(20) for t in ("cot", "pot")))
    config = MixtureConfig(ratios={"pot": 1}, size="equal_examples", budget=5, dev_fraction=0)
    card = mix([problem(n) for n in range(20)], samples, verdicts, config)
    check_sums(card)
    assert ({"share": 35}, 5, {"pot": 5}) == (card["dropped"], card["rows"]["train"], card["by_thought"])
    md = MixtureConfig(recipe="md", upsample=3, size="equal_examples", budget=7, dev_fraction=0)
    card = mix([problem(n) for n in range(20)], *gathered(*(rows(n, "pot", "8") for n in range(20))), md)
    check_sums(card)
    assert (7, 20) == (card["rows"]["train"], card["rows_in"])


@pytest.fixture(scope="module")
def recorded(data: Path) -> tuple[list[Problem], Rows, Rows, dict[str, str]]:
    """The recorded GSM8K completions with real verdicts; one in seven is flagged, one in ten stands in a test set."""
    problems = load(ProblemSource(source="gsm8k", path=str(data / "gsm8k/train.jsonl")), 0)
    gold = {problem.problem_id: problem for problem in problems}
    samples: Rows = []
    for file in sorted((data / "recorded").glob("gsm8k_train_codex_*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            samples.append({**row, "sample_id": f"{row['problem_id']}/{row['thought']}/{row['draw']}"})
    verdicts: Rows = []
    with Sandbox(5, 512) as sandbox:
        for number, row in enumerate(samples):
            asked = gold[row["problem_id"]]
            found = judge(
                THOUGHTS[row["thought"]], row["completion"], row["finish_reason"], asked.answer, "number", sandbox
            )
            flags = ["constant"] if number % 7 == 0 else []
            verdicts.append({**row, **vars(found), "flags": flags})
    asked_ids = sorted({row["problem_id"] for row in samples})
    known = Evaluated([(name, gold[name].question) for name in asked_ids[::10]], 13)
    left_out = {name: "overlaps_evaluation" for name in asked_ids if known.hits(gold[name].question)}
    return [gold[name] for name in asked_ids], samples, verdicts, left_out


ALL_FILTERS = {"drop_flags": ["constant"], "max_per_problem": 1}


@pytest.mark.parametrize(
    "settings",
    [
        {"recipe": "etd"},
        {"recipe": "md"},
        {"recipe": "label"},
        {"recipe": "etd", "keep": "answered", **ALL_FILTERS},
        {"recipe": "etd", "keep": "all", **ALL_FILTERS},
        {"recipe": "etd", "ratios": {"cot": 1, "pot": 1, "eot": 1}, "size": "equal_tokens", **ALL_FILTERS},
        {"recipe": "etd", "ratios": {"eot": 1}, "size": "equal_examples"},
        {"recipe": "md", "upsample": 3, "size": "equal_examples", **ALL_FILTERS},
    ],
    ids=lambda settings: "-".join(map(str, settings.values()))[:40],
)
def test_the_card_of_recorded_data_adds_up(
    mix: Any, recorded: tuple[list[Problem], Rows, Rows, dict[str, str]], settings: dict[str, Any]
) -> None:
    """By recipe, with filters, flags, caps, shares and decontamination, against a count of the rows themselves."""
    problems, samples, verdicts, left_out = recorded
    config = MixtureConfig.model_validate(settings)
    card = mix(problems, samples, verdicts, config, left_out)
    check_sums(card)
    by_thought = Counter(row["thought"] for row in samples)
    expected = {"label": len(problems)} if config.recipe == "label" else by_thought
    counted: Counter[str] = Counter()
    for count in card["counts"]:
        counted[count["thought"]] += count["rows"]
    assert expected == counted
    assert len(problems) == sum(card["problems_by_type"].values()) == 475
    gone = [row for row in samples if row["problem_id"] in left_out]
    assert (len(left_out) if config.recipe == "label" else len(gone)) == card["dropped"]["overlaps_evaluation"] > 40
    if settings == {"recipe": "etd"}:
        kept = [row for row in verdicts if row["correct"] and row["status"] == "solved"]
        right = sum(row["problem_id"] not in left_out for row in kept)
        assert right == sum(card["rows"].values())


def test_the_same_thoughts_again_are_all_duplicates(
    mix: Any, recorded: tuple[list[Problem], Rows, Rows, dict[str, str]]
) -> None:
    """Each recorded completion once more, with a comment and other white space: nothing new trains."""
    problems, samples, verdicts, left_out = recorded
    note = {"cot": "  ", "pot": "# again\n", "eot": "% again\n"}
    again = [
        {**row, "sample_id": f"{row['sample_id']}+", "draw": 1, "completion": note[row["thought"]] + row["completion"]}
        for row in samples
    ]
    judged_again = [{**row, "sample_id": f"{row['sample_id']}+"} for row in verdicts]
    once = mix(problems, samples, verdicts, MixtureConfig(), left_out)
    twice = mix(problems, samples + again, verdicts + judged_again, MixtureConfig(), left_out)
    check_sums(twice)
    assert once["rows"] == twice["rows"]
    assert sum(once["rows"].values()) == twice["dropped"]["duplicate"]
