"""Sampling, verification and decoding on 1, 2 and 4 nodes of this machine: rates, efficiency, and what bounds them.

    python benchmarks/scaling.py                       about nine minutes on 2 cores
    python benchmarks/scaling.py --nodes 1 2 --only verify

A node is a raylet with two Ray CPUs whose processes are all bound to one core (the next one in turn), so that a node
computes as fast as one core and not as the machine does. The head takes no work of a pool, but it is there beside the
nodes: the driver and the ledger run on it, unbound, and on the same cores. With more nodes than cores, nodes share.

sample    a teacher in a process of its own that answers after 1 s; 64 requests in flight a node; its own counts
verify    systems of equations (EoT), the dearest proof, the same rows for every number of nodes
decode    a student of the shape of ``tiny`` with random weights, 64 tokens for every input, the same rows always

Verification and decoding are run twice, with few rows and with all; the rate is that of the rows between, so that
the start of actors does not count. It is printed beside, since a short stage pays it in full.
Efficiency: the rate over that of one node times the nodes.
"""

import argparse
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pyarrow as pa
import ray
import yaml
from ray.cluster_utils import Cluster

from pipelines.config import ProblemSource, RehearsalConfig, RunConfig, StudentConfig
from pipelines.problems import load, to_table
from pipelines.student import ModelCard, export
from pipelines.student.model import load as load_student
from pipelines.teacher.rehearsal import complete
from pipelines.thoughts import THOUGHTS
from ray_jobs import evaluate, sample, verify
from ray_jobs.run_directory import RunDirectory
from ray_jobs.session import quiet_ray_data, run_stages

ROOT = Path(__file__).parent.parent
CORES = sorted(os.sched_getaffinity(0))
IN_FLIGHT, LATENCY_S, SAMPLES = 64, 1.0, 960  # a node
VERIFIED = (1_000, 16_000)
DECODED = (1_536, 6_144)
STORE = 200 * 2**20


def started(nodes):
    """A cluster of so many nodes, each bound to a core; this process is its driver."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": STORE})
    for number in range(nodes):
        os.sched_setaffinity(0, {CORES[number % len(CORES)]})
        cluster.add_node(num_cpus=2, object_store_memory=STORE)
    os.sched_setaffinity(0, CORES)
    ray.init(address=cluster.address, logging_level="WARNING")
    quiet_ray_data()
    return cluster


def configured(folder, **fields):
    """A run in a folder of its own."""
    return RunConfig.model_validate({"run_dir": str(folder), **fields})


def sampled(folder, nodes):
    """Requests a second while the teacher was asked, and the share of what the latency allows."""
    source = {"source": "generated", "count": nodes * SAMPLES // 3}
    teacher = {"kind": "rehearsal", "rehearsal": {"latency_s": LATENCY_S}}
    said = folder / "teacher.yaml"
    said.write_text(yaml.safe_dump({"run_dir": str(folder / "teacher"), "problems": source, "teacher": teacher}))
    command = [sys.executable, "-m", "ray_jobs.teacher", "--config", str(said)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        base_url = process.stderr.readline().split(" at ")[-1].strip()
        asked = {"kind": "openai", "model": "rehearsal", "base_url": base_url, "max_in_flight": IN_FLIGHT * nodes}
        config = configured(folder / "run", problems=source, teacher=asked, sampling={"draws": 1, "demonstrations": 0})
        sample.command(config, dry_run=False)
        with urllib.request.urlopen(base_url.replace("/v1", "/counts")) as page:
            return json.load(page)["per_minute"] / 60
    finally:
        process.kill()
        process.wait()


def verified(folder, rows):
    """Seconds to prove so many systems of equations."""
    config = configured(folder)
    run_dir = RunDirectory(config.run_dir)
    problems = list(load(ProblemSource(source="generated", count=rows, families="wide"), 0))
    run_dir.write_table(to_table(problems), "problems")
    samples = [
        {
            "sample_id": f"{problem.problem_id}/eot/0",
            "problem_id": problem.problem_id,
            "thought": "eot",
            "draw": 0,
            "completion": complete(problem.rationale, "eot", problem.problem_id, 0, RehearsalConfig(mistakes=0)).text,
        }
        for problem in problems
    ]
    run_dir.write_table(pa.Table.from_pylist(samples), "samples")
    with run_dir.locked():
        run_stages([verify.VERIFY], config, run_dir)
    return run_dir.manifest("verdicts").wall_s


def untrained(folder):
    """A student of the quickstart's shape; it never writes the end token by itself soon."""
    problems = load(ProblemSource(source="generated", count=500), 0)
    student = StudentConfig(model="tiny", init="random", vocabulary=1000)
    model, tokenizer = load_student(student, [problem.question + problem.rationale for problem in problems], 0)
    triggers = {name: thought.trigger for name, thought in THOUGHTS.items()}
    card = ModelCard(
        base_model=None,
        datasets={},
        recipe="etd",
        examples={},
        triggers=triggers,
        first="pot",
        teachers={},
        licence="apache-2.0",
    )
    model.config.thought_distill = {"thoughts": triggers}
    export(model, tokenizer, folder, card, 64)


def decoded(folder, student, rows):
    """Seconds to write and judge so many thoughts of 64 tokens."""
    config = configured(
        folder,
        evaluation_problems=[{"source": "generated", "split": "test", "count": rows // len(THOUGHTS)}],
        evaluation={"max_tokens": 64, "dev_problems": None},
    )
    run_dir = RunDirectory(config.run_dir)
    shutil.copytree(student, folder / "student")
    with run_dir.locked():
        run_stages([evaluate.EVALUATION_PROBLEMS, evaluate.EVALUATE], config, run_dir)
    return run_dir.manifest("predictions").wall_s


def rate(few, all_, seconds):
    """Rows a second between two runs, and the seconds that remain for the start."""
    per_s = (all_ - few) / (seconds[1] - seconds[0])
    return per_s, seconds[0] - few / per_s


def main():
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--only", choices=["sample", "verify", "decode"], action="append")
    options = parser.parse_args()
    os.environ["RAY_AUTH_MODE"] = "disabled"
    logging.getLogger("ray").setLevel(logging.ERROR)
    stages = options.only or ["sample", "verify", "decode"]
    base, lines = {}, []
    with tempfile.TemporaryDirectory() as place:
        untrained(Path(place) / "student")
        for nodes in options.nodes:
            cluster = started(nodes)
            for stage in stages:
                folder, start_s = Path(place) / f"{stage}{nodes}", None
                folder.mkdir()
                began = time.monotonic()
                if stage == "sample":
                    per_s = sampled(folder, nodes)
                elif stage == "verify":
                    per_s, start_s = rate(*VERIFIED, [verified(folder / str(rows), rows) for rows in VERIFIED])
                else:
                    took = [decoded(folder / str(rows), Path(place) / "student", rows) for rows in DECODED]
                    per_s, start_s = rate(*DECODED, took)
                share = per_s / (nodes * base.setdefault(stage, per_s / nodes))
                more = "" if start_s is None else f"{start_s:.1f}"
                lines.append(f"| {stage} | {nodes} | {per_s:,.0f} | {share:.2f} | {more} |")
                print(f"{lines[-1]} measured in {time.monotonic() - began:.0f} s", flush=True)
            ray.shutdown()
            cluster.shutdown()
    print(f"\n{len(CORES)} cores\n\n| stage | nodes | rows/s | efficiency | start, s |\n|---|---|---|---|---|")
    print("\n".join(sorted(lines, key=lambda line: (stages.index(line.split()[1]), lines.index(line)))))


if __name__ == "__main__":
    main()
