"""Which mixture teaches more: each thought alone, each pair, ETD and MD, at equal target tokens and equal steps.

    python benchmarks/mixtures.py --folder runs/mixtures               all nine; the same command goes on after a stop
    python benchmarks/mixtures.py --folder runs/look --count 300 --steps 40 --only pot md     a look at the machinery

One set of samples (generated problems, a rehearsal teacher that errs often, four draws) is mixed nine ways; each
mixture takes as many target tokens as the shortest thought has, and each student as many optimizer steps. One seed:
a difference within an interval's width says nothing. It compares recipes on this generator, not on GSM8K.
"""

import argparse
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

from pipelines.config import RunConfig
from ray_jobs import evaluate, mix, sample, train, verify
from ray_jobs.problems import EVALUATION_PROBLEMS, PROBLEMS
from ray_jobs.report import REPORT
from ray_jobs.run_directory import RunDirectory
from ray_jobs.session import ray_session, run_stages

QUICKSTART = Path(__file__).parent.parent / "configs" / "quickstart.yaml"
SHARED = ("problems", "evaluation_problems", "samples", "verdicts")
ALL = ("cot", "pot", "eot")
MIXTURES = {
    "cot": (("cot",), "etd"),
    "pot": (("pot",), "etd"),
    "eot": (("eot",), "etd"),
    "cot+pot": (("cot", "pot"), "etd"),
    "cot+eot": (("cot", "eot"), "etd"),
    "pot+eot": (("pot", "eot"), "etd"),
    "etd": (ALL, "etd"),
    "md": (("cot", "pot"), "md"),  # the paper's two thoughts
    "md3": (ALL, "md"),  # ours: three
}


def configured(folder, count, thoughts=ALL, mixture=None, steps=1):
    """The quickstart with more draws and more mistakes, so that MD's types differ."""
    tree = yaml.safe_load(QUICKSTART.read_text(encoding="utf-8"))
    tree["run_dir"] = str(folder.absolute())
    tree["problems"]["count"] = count
    tree["teacher"]["rehearsal"] = {"mistakes": 0.4}
    tree["sampling"] |= {"thoughts": list(thoughts), "draws": 4}
    tree["mixture"] = mixture or {}
    tree["training"]["steps"] = steps
    return RunConfig.model_validate(tree)


def finish(stages, config):
    """Run those of the stages that are not done."""
    run_dir = RunDirectory(config.run_dir)
    with run_dir.locked():
        run_stages(stages, config, run_dir)


def read_json(file):
    """A JSON file's content."""
    return json.loads(file.read_text(encoding="utf-8"))


def share_samples(base, own, thoughts):
    """The base's tables in a mixture's folder, of these thoughts only."""
    for name in SHARED:
        if not (own / name).exists():
            table = pq.read_table(base / name)
            if "thought" in table.column_names:
                table = table.filter(pc.is_in(table["thought"], pa.array(thoughts)))
            (own / name).mkdir(parents=True)
            pq.write_table(table, own / name / "shared.parquet")


def run(folder, count, budget, steps, name):
    """One mixture, one student, its figures."""
    thoughts, recipe = MIXTURES[name]
    own = folder / name
    share_samples(folder / "base", own, thoughts)
    shares = dict.fromkeys(thoughts, 1) if recipe == "etd" else None
    mixture = {"recipe": recipe, "ratios": shares, "size": "equal_tokens", "budget": budget}
    finish([mix.MIX, train.TRAIN, evaluate.EVALUATE, REPORT], configured(own, count, thoughts, mixture, steps))
    return {"card": read_json(own / "mixture" / "card.json"), **read_json(own / "report" / "metrics.json")}


def lines(name, result):
    """One line of the table for each test set."""
    card, evaluation = result["card"], result["evaluation"]
    sizes = [card["rows"]["train"], sum(card["target_tokens"].values()), result["student"]["steps"]]
    for dataset in dict.fromkeys(record["dataset"] for record in evaluation):
        mine = {record["selection"]: record for record in evaluation if record["dataset"] == dataset}
        alone = [f"{mine[t]['correct']}/{mine[t]['n']}" if t in mine else "" for t in ("pot", "eot", "cot")]
        chosen = next(record for record in mine.values() if record["headline"])
        figures = [f"{100 * chosen['accuracy']:.1f} %", f"{100 * chosen['low']:.1f}-{100 * chosen['high']:.1f}"]
        yield "| " + " | ".join([name, *(f"{size:,}" for size in sizes), dataset, *alone, *figures]) + " |"


def main():
    """Share one base, run each mixture, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--count", type=int, default=3000, help="training problems")
    parser.add_argument("--steps", type=int, default=2000, help="optimizer steps of each student")
    parser.add_argument("--only", nargs="*", choices=MIXTURES, default=list(MIXTURES))
    options = parser.parse_args()
    base = options.folder / "base"
    with ray_session():
        finish([PROBLEMS, EVALUATION_PROBLEMS, sample.SAMPLE, verify.VERIFY, mix.MIX], configured(base, options.count))
        budget = min(read_json(base / "mixture" / "card.json")["target_tokens"].values())
        results = {name: run(options.folder, options.count, budget, options.steps, name) for name in options.only}
    print(f"\n{budget:,} target tokens from {options.count:,} problems, {options.steps:,} steps, greedy, one seed\n")
    print("| mixture | examples | tokens | steps | test set | PoT | EoT | CoT | first of PoT, EoT, CoT | 95 % |")
    print("|" + "---|" * 10)
    for name, result in results.items():
        print(*lines(name, result), sep="\n")


if __name__ == "__main__":
    main()
