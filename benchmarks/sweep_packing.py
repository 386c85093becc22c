"""Two trials at once against one after the other: what packing gains on this machine, and what limits it.

    python benchmarks/sweep_packing.py                 students tiny and mini, 120 steps each, about two minutes
    python benchmarks/sweep_packing.py --steps 300 --students tiny small

Four ways for each student, with processes that wait for each other before they start: one process with every
core; one with one core; as many at once as there are cores, one each; two at once that both use every core. Steps a
second of all processes together are compared; how far packing falls short of the sum of single cores is what memory
bandwidth and caches cost, and how far one process with all cores falls short is what a student is too small to split.
"""

import argparse
import multiprocessing
import os
import time

BATCH, LENGTHS = 32, (64, 48)


def train(student, steps, phases, gate, results, rank):
    """Be one of the processes: time optimizer steps in the phases that it takes part in."""
    import torch

    from pipelines.config import StudentConfig
    from pipelines.student.model import load

    texts = [f"{number} pens and {number + 7} cups make {2 * number + 7} things." for number in range(500)]
    model, tokenizer = load(StudentConfig(model=student, init="random"), texts, seed=0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    generator = torch.Generator().manual_seed(0)
    inputs, targets = (torch.randint(5, len(tokenizer), (BATCH, length), generator=generator) for length in LENGTHS)

    def step():
        model(input_ids=inputs, labels=targets).loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    for processes, threads in phases:
        torch.set_num_threads(threads)
        if rank < processes:
            for _ in range(3):
                step()
        gate.wait()
        began = time.monotonic()
        if rank < processes:
            for _ in range(steps):
                step()
            results.put(time.monotonic() - began)
        gate.wait()


def rates(student, steps, phases):
    """Steps a second of all processes of a phase together, by the slowest of them."""
    most = max(processes for processes, _ in phases)
    spawn = multiprocessing.get_context("spawn")
    gate, results = spawn.Barrier(most), spawn.Queue()
    workers = [spawn.Process(target=train, args=(student, steps, phases, gate, results, rank)) for rank in range(most)]
    for worker in workers:
        worker.start()
    found = [processes * steps / max(results.get() for _ in range(processes)) for processes, _ in phases]
    for worker in workers:
        worker.join()
    return found


def main():
    """Print steps a second and what packing gains."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", nargs="*", default=["tiny", "mini"])
    parser.add_argument("--steps", type=int, default=120)
    options = parser.parse_args()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"{cores} cores, batch {BATCH}, {LENGTHS[0]} + {LENGTHS[1]} tokens; optimizer steps a second, all together\n")
    print(
        f"| student | one, {cores} cores | one, 1 core | {cores} at once, 1 core each | {cores} at once, {cores} each "
        f"| packed / one after the other | packed / {cores} x one core |"
    )
    print("|" + "---|" * 7)
    for student in options.students:
        phases = [(1, cores), (1, 1), (cores, 1), (cores, cores)]
        whole, single, packed, crowded = rates(student, options.steps, phases)
        figures = " | ".join(f"{value:.1f}" for value in (whole, single, packed, crowded))
        print(f"| {student} | {figures} | {packed / whole:.2f} | {packed / (cores * single):.2f} |", flush=True)


if __name__ == "__main__":
    main()
