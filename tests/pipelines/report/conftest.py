"""A synthetic run in the shape of a quickstart: 200 test problems in two data sets, three thoughts, one hostile row."""

import random

import pyarrow as pa
import pytest

from pipelines.report import RunTables, measure

FAMILIES = {
    "generated": ("boxes_and_rest", "buy_and_pay", "distance", "sharing", "two_shops", "wages"),
    "generated_held_out": ("ages", "mixtures", "two_unknowns"),
}
HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)> & \"quotes\""
FAILURES = {
    "cot": ("no_answer", "truncated"),
    "pot": ("runtime_error", "syntax_error", "timeout", "non_numeric"),
    "eot": ("underdetermined", "inconsistent", "unparsable", "unsolved"),
}
SKILL = {  # of the student: share solved, share of those correct
    ("generated", "pot"): (0.97, 0.91),
    ("generated", "eot"): (0.93, 0.95),
    ("generated", "cot"): (0.99, 0.22),
    ("generated_held_out", "pot"): (0.88, 0.52),
    ("generated_held_out", "eot"): (0.70, 0.80),
    ("generated_held_out", "cot"): (0.97, 0.10),
}
HARDNESS = {"two_shops": 0.85, "wages": 0.93, "ages": 0.7, "two_unknowns": 0.8}


def _problem(rng, dataset, split, index):
    family = rng.choice(FAMILIES[dataset])
    boxes, each, rest = rng.randint(3, 30), rng.randint(4, 60), rng.randint(1, 40)
    return {
        "problem_id": f"{dataset}/{split}/{index}",
        "question": f"Mara packs {boxes} boxes with {each} pens each and keeps {rest} pens on her desk. "
        f"How many pens does she have in all, if nobody takes one away? ({family.replace('_', ' ')})",
        "answer": str(boxes * each + rest),
        "answer_kind": "number",
        "rationale": f"{boxes} * {each} = <<in_boxes={boxes}*{each}={boxes * each}>>{boxes * each} pens are in boxes.\n"
        + (f"{boxes * each} + {rest} = <<{boxes * each}+{rest}={boxes * each + rest}>>pens.\n" if index % 3 else "")
        + f"#### {boxes * each + rest}",
        "dataset": dataset,
        "split": split,
        "category": family,
        "_numbers": (boxes, each, rest),
    }


def _completion(thought, problem, answer):
    boxes, each, rest = problem["_numbers"]
    return {
        "cot": f"She has {boxes} * {each} = {boxes * each} pens in boxes. With {rest} more that makes {answer}.\n"
        f"The answer is {answer}",
        "pot": f"boxes = {boxes}\npens_per_box = {each}\non_desk = {rest}\nans = boxes * pens_per_box + on_desk\n",
        "eot": f"% Let x be all pens:\nall_pens = {boxes} * {each} + {rest}\nans = all_pens\n",
    }[thought]


def _judged(rng, thought, problem, solved, right):
    gold = int(problem["answer"])
    if rng.random() > solved:
        return {"status": rng.choice(FAILURES[thought]), "answer": None, "correct": False}
    correct = rng.random() < right
    answer = gold if correct else gold + rng.choice((-10, -1, 1, 10, 100))
    return {"status": "solved", "answer": str(answer), "correct": correct}


def _prediction(rng, thought, problem, decoding="greedy", draw=0):
    solved, right = SKILL[problem["dataset"], thought]
    verdict = _judged(rng, thought, problem, solved, right * HARDNESS.get(problem["category"], 1))
    return {
        "problem_id": problem["problem_id"],
        "dataset": problem["dataset"],
        "split": problem["split"],
        "thought": thought,
        "draw": draw,
        "decoding": decoding,
        "completion": _completion(thought, problem, verdict["answer"] or "?"),
        "tokens": rng.randint(20, 90),
        "logprob": -rng.random() * 6,
        **verdict,
    }


def _sample(rng, thought, problem, draw):
    solved = {"cot": 0.99, "pot": 0.96, "eot": 0.86}[thought]
    sample = {
        "sample_id": f"{problem['problem_id']}/{thought}/{draw}",
        "problem_id": problem["problem_id"],
        "thought": thought,
        "draw": draw,
    }
    verdict = _judged(rng, thought, problem, solved, 0.95)
    paid = {"prompt_tokens": 900, "completion_tokens": rng.randint(30, 120), "cost_usd": rng.random() * 2e-4}
    return sample | paid, sample | verdict


def _log(rng):
    loss = [
        {
            "step": step,
            "epoch": step / 815,
            "loss": 0.06 + 6.6 / (1 + step / 60) * rng.uniform(0.85, 1.15),
            "lr": 2e-3 * min(step / 200, 1 - step / 2600),
            "tokens_per_s": rng.uniform(8200, 9600),
            "elapsed_s": step * 0.11,
        }
        for step in range(20, 2441, 20)
    ]
    dev = [(815, 0.61), (1630, 0.31), (2440, 0.2)]
    return loss + [{"step": step, "epoch": epoch, "dev_loss": value} for epoch, (step, value) in enumerate(dev, 1)]


OUTCOMES = {  # rows of the mixture card by thought
    "train": (266, 254, 220),
    "dev": (15, 14, 11),
    "incorrect": (15, 26, 55),
    "duplicate": (4, 5, 12),
    "overlaps_evaluation": (0, 1, 2),
}


@pytest.fixture(scope="session")
def run():
    """RunTables of a whole run."""
    return synthetic_run()


def synthetic_run():
    """About 200 test problems, 300 training problems, greedy completions of three thoughts."""
    rng = random.Random(7)
    test = [_problem(rng, "generated", "test", i) for i in range(130)]
    test += [_problem(rng, "generated_held_out", "test", i) for i in range(70)]
    test[3]["question"] = f"{test[3]['question']} {HOSTILE}"
    train = [_problem(rng, "generated", "train", i) for i in range(300)]
    predictions = [_prediction(rng, thought, problem) for problem in test for thought in ("cot", "eot", "pot")]
    predictions[10]["completion"] += HOSTILE
    pairs = [_sample(rng, thought, problem, 0) for problem in train for thought in ("cot", "pot", "eot")]
    columns = ["sample_id", "problem_id", "thought", "draw", "error", "attempts"]
    failed = [dict(zip(columns, ("generated/train/7/pot/1", "generated/train/7", "pot", 1, "timeout", 6), strict=True))]
    for problem in (*test, *train):
        del problem["_numbers"]
    return RunTables(
        config={
            "run_dir": "runs/quickstart",
            "seed": 0,
            "problems": {"source": "generated", "count": 300, "families": "known"},
            "teacher": {"kind": "rehearsal", "model": None},
            "sampling": {"thoughts": ["cot", "pot", "eot"], "draws": 1, "temperature": 0.7},
            "mixture": {"recipe": "etd", "keep": "correct"},
            "training": {"epochs": 3, "learning_rate": 2e-3},
            "evaluation": {"greedy": True, "paths": 0, "select": ["pot", "eot", "cot"]},
        },
        provenance={
            "commit": "8c1f0f2",
            "started": "2026-05-04T10:12:44Z",
            "versions": {"python": "3.11.9", "torch": "2.13.0", "ray": "2.60.0"},
            "hardware": {"cpus": 2, "gpus": []},
        },
        problems=pa.Table.from_pylist(train),
        evaluation_problems=pa.Table.from_pylist(test),
        samples=pa.Table.from_pylist([sample for sample, _ in pairs]),
        samples_failed=pa.Table.from_pylist(failed),
        verdicts=pa.Table.from_pylist([verdict for _, verdict in pairs]),
        mixture_card={
            "recipe": "etd",
            "rows_in": 900,
            "rows": {"train": 740, "dev": 40},
            "by_thought": {"cot": 281, "pot": 268, "eot": 231},
            "dropped": {"incorrect": 96, "duplicate": 21, "overlaps_evaluation": 3},
            "questions": {
                "evaluation_problems": 200,
                "same_as_evaluation": 0,
                "ngram_as_evaluation": 1,
                "near_as_evaluation": 0,
                "near_duplicates": 4,
            },
            "counts": [
                {"thought": thought, "type": "several", "outcome": outcome, "rows": rows, "copies": 0}
                for outcome, counts in OUTCOMES.items()
                for thought, rows in zip(("cot", "pot", "eot"), counts, strict=True)
            ],
        },
        predictions=pa.Table.from_pylist(predictions),
        training_log=_log(rng),
        wall_s={"sample": 21.4, "verify": 12.9, "mix": 1.2, "train": 271.3, "evaluate": 18.7},
        student={"model": "tiny", "init": "random", "parameters": 1250000},
    )


def chosen_among(metrics):
    """The metrics with what choosing among paths adds, in its shape."""
    paths = [
        {"dataset": name, "selection": selection, "thoughts": thoughts, "paths": k, "n": 70, "accuracy": 0.5 + k / 100}
        | {"low": 0.4 + k / 100, "high": 0.6 + k / 100}
        for name in ("generated", "generated_held_out")
        for selection in ("majority", "weighted", "confidence", "oracle")
        for thoughts in (["cot", "eot", "pot"], ["pot"])
        for k in (1, 2, 4, 8)
    ]
    pair = {"dataset": "generated", "a": "majority", "b": "confidence", "n": 130, "both": 90, "only_a": 2, "only_b": 11}
    pair |= {"neither": 27, "difference": 9 / 130, "low": 0.014, "high": 0.124, "p": 0.022, "p_holm": 0.044}
    adaptive = metrics["evaluation"][0] | {"selection": "adaptive", "completions": 1.24, "headline": False}
    curves = metrics["curves"] | {
        "dev_accuracy": [[815, 0.41], [1630, 0.66], [2440, 0.72]],
        "dev_accuracy/pot": [[2440, 0.81]],
    }
    return metrics | {
        "evaluation": [*metrics["evaluation"], adaptive],
        "paths": paths,
        "paired": [pair, pair | {"low": -0.9, "difference": -0.8, "high": -0.7}, pair],
        "reliability": [
            {"dataset": "generated", "low": 0.8, "high": 0.9, "n": 40, "confidence": 0.85, "correct": 33}
            | {"accuracy": 0.825}
        ],
        "curves": curves,
    }


@pytest.fixture(scope="session")
def full_metrics(run):
    """Metrics of that run as if several paths had been sampled and a confidence model fitted."""
    return chosen_among(measure(run))
