"""Real problem sets from random weights, with and without new numbers, at equal steps.

    python benchmarks/from_scratch.py --data svamp --folder runs/from_scratch                  every protocol, fold 0
    python benchmarks/from_scratch.py --data svamp --folder runs/look --only svamp --thoughts pot --steps 3000

``--data`` is the folder ``data`` of the SVAMP paper's repository (cv_mawps, cv_asdiv-a, mawps-asdiv-a_svamp). Each
protocol is sampled and proved once; each student is trained for as many optimizer steps whatever its mixture holds.
The same command goes on after a stop. One seed: a difference within an interval's width says nothing.
"""

import argparse
from pathlib import Path

import yaml
from mixtures import finish, read_json, share_samples

from pipelines.config import RunConfig
from ray_jobs import evaluate, mix, sample, train, verify
from ray_jobs.problems import EVALUATION_PROBLEMS, PROBLEMS
from ray_jobs.report import REPORT
from ray_jobs.session import ray_session

CONFIGS = Path(__file__).parent.parent / "configs" / "from_scratch"
FOLDERS = {"mawps": "cv_mawps", "asdiv_a": "cv_asdiv-a", "svamp": "mawps-asdiv-a_svamp"}
ALL = ("cot", "pot", "eot")
COT_LED = ("cot", "pot")  # sampled where CoT alone trains: new numbers need a PoT or an EoT that leads


def configured(options, name, folder, thoughts=ALL, perturb=0):
    """The protocol's own configuration, in a folder of its own."""
    tree = yaml.safe_load((CONFIGS / f"{name}.yaml").read_text(encoding="utf-8"))
    tree["run_dir"] = str(folder.absolute())
    for source in (tree["problems"], *tree["evaluation_problems"]):
        source["path"] = str((options.data / FOLDERS[name]).absolute())
        source["split"] = source["split"].replace("fold0", f"fold{options.fold}")
    tree["sampling"]["thoughts"] = list(thoughts)
    tree["mixture"]["perturb"] = perturb
    if thoughts == COT_LED:
        tree["mixture"]["ratios"] = {"cot": 1}
    tree["training"] |= {"steps": options.steps, "checkpoint_every_s": 20}
    return RunConfig.model_validate(tree)


def run(options, name, thoughts, perturb):
    """One student of one protocol, and its figures."""
    base = options.folder / f"{name}{options.fold}_base"
    own = options.folder / "_".join([f"{name}{options.fold}", *thoughts, str(perturb)])
    samples = (PROBLEMS, EVALUATION_PROBLEMS, sample.SAMPLE, verify.VERIFY)
    finish(samples, configured(options, name, base))
    sampled = COT_LED if thoughts == ("cot",) else thoughts
    share_samples(base, own, sampled)
    stages = [mix.MIX, train.TRAIN, evaluate.EVALUATE, REPORT]
    finish(stages, configured(options, name, own, sampled, perturb))
    return {"card": read_json(own / "mixture" / "card.json"), **read_json(own / "report" / "metrics.json")}


def lines(name, thoughts, perturb, result):
    """A line of the table for each thought and for the headline."""
    size = f"{result['card']['rows']['train']:,} | {result['student']['steps']:,}"
    for record in result["evaluation"]:
        if record["selection"] in ALL or (record["headline"] and len(thoughts) > 1):
            figures = f"{record['correct']}/{record['n']} | {100 * record['accuracy']:.1f} %"
            interval = f"{100 * record['low']:.1f}-{100 * record['high']:.1f}"
            mixed = "+".join(thoughts)
            yield f"| {name} | {mixed} | {perturb} | {size} | {record['selection']} | {figures} | {interval} |"


def main():
    """Run each student, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--only", nargs="*", choices=FOLDERS, default=list(FOLDERS))
    parser.add_argument("--thoughts", nargs="*", default=["pot", "eot", "cot", "cot+pot+eot"])
    parser.add_argument("--perturb", nargs="*", type=int, default=[20, 0])
    parser.add_argument("--fold", type=int, default=0)
    parser.add_argument("--steps", type=int, default=4000, help="optimizer steps of each student")
    options = parser.parse_args()
    done = []
    with ray_session():
        for name in options.only:
            for mixed in options.thoughts:
                for perturb in options.perturb:
                    thoughts = tuple(mixed.split("+"))
                    done += lines(name, thoughts, perturb, run(options, name, thoughts, perturb))
    print("\n| set | trained on | new per problem | examples | steps | answers by | right | | 95 % |")
    print("|" + "---|" * 9)
    print(*done, sep="\n")


if __name__ == "__main__":
    main()
