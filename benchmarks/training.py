"""Training speed: Hugging Face's Seq2SeqTrainer, a plain PyTorch loop, and ours without and inside Ray Train.

    python benchmarks/training.py --folder runs/training --data DIR          on CPU: tiny and small
    python benchmarks/training.py --folder runs/training --mixtures quickstart --students tiny --repetitions 5
    python benchmarks/training.py --folder runs/training --device cuda                  base and large in bf16

Every way trains on the same rows once, at the same batch size, number of steps and precision, in a process of its own,
in turn, so that a slow spell of the machine meets all of them. Each process first trains a few steps that do not
count. Printed are real target tokens a second (padding does no work that counts), padding's share of all positions,
the share of a measured matrix product's speed, and the seconds from a process's start to its first step. On a machine
that others use too, --threads 1 and the column of tokens in a CPU second (set-up included) compare the ways better
than the clock. It says nothing of how good the students are. Needs accelerate and psutil (the bench extra).
"""

import argparse
import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

import psutil
import torch
import yaml
from transformers import (
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
    T5Config,
    T5ForConditionalGeneration,
    TrainerCallback,
)

from pipelines.config import RunConfig, TrainingConfig
from pipelines.mixture import Example
from pipelines.student import PRESETS, open_tokenised, tokenise, train, train_tokenizer
from pipelines.student.cost import training_flops
from ray_jobs import mix, sample, verify
from ray_jobs.hardware import cpus
from ray_jobs.problems import EVALUATION_PROBLEMS, PROBLEMS
from ray_jobs.run_directory import RunDirectory
from ray_jobs.session import ray_session, run_stages
from ray_jobs.training_data import read_examples

CONFIGS = Path(__file__).parent.parent / "configs"
WAYS = {
    "seq2seq": "Seq2SeqTrainer, group_by_length",
    "plain": "plain PyTorch loop",
    "ours": "ours without Ray",
    "ray": "ours inside Ray Train",
}
VOCABULARY = {"tiny": 1000}  # the others have CodeT5's
CODET5_VOCABULARY = 32_100
ROWS_PER_STEP = {"tiny": (32, 60), "small": (16, 8), "base": (32, 30), "large": (32, 20)}  # and steps
WARM_UP_STEPS = 2
GIB = 2**30


def mixture(name, folder, data):
    """The run directory of a mixture; its stages run where they have not yet."""
    tree = yaml.safe_load((CONFIGS / f"{name}.yaml").read_text(encoding="utf-8"))
    tree["run_dir"] = str((folder / name).absolute())
    if name == "gsm8k_recorded":
        tree["problems"]["path"] = f"{data}/gsm8k/train.jsonl"
        tree["evaluation_problems"][0]["path"] = f"{data}/gsm8k/test.jsonl"
        tree["teacher"]["recorded_path"] = f"{data}/recorded/gsm8k_train_codex_*.jsonl"
    config = RunConfig.model_validate(tree)
    run_dir = RunDirectory(config.run_dir)
    with run_dir.locked():
        run_stages([PROBLEMS, EVALUATION_PROBLEMS, sample.SAMPLE, verify.VERIFY, mix.MIX], config, run_dir)
    return run_dir


def prepare(folder, student, examples, rows):
    """Tokenise so many of the examples, the same ones each time, with a tokenizer of the student's vocabulary."""
    texts = [text for example in examples for text in (example.input, example.target)]
    tokenizer = train_tokenizer(texts, VOCABULARY.get(student, CODET5_VOCABULARY))
    chosen = random.Random(0).sample(examples, len(examples))
    chosen = list(itertools.islice(itertools.cycle(chosen), 2 * rows))
    kept = [e for e in chosen if max(len(tokenizer(text)["input_ids"]) for text in (e.input, e.target)) <= 256][:rows]
    tokenizer.save_pretrained(folder)
    return tokenise(kept, tokenizer, folder / "tokens", 256, 256)


def build(case):
    """The student with random weights: T5's cost does not depend on them."""
    shape = PRESETS[case["student"]]
    vocabulary = VOCABULARY.get(case["student"], CODET5_VOCABULARY)
    torch.manual_seed(0)
    model = T5ForConditionalGeneration(T5Config(vocab_size=vocabulary, decoder_start_token_id=0, **shape))
    return model.to(case["device"]).train()


def rows_of(data, count=None):
    """The rows as lists, for the two ways that know no tokenised mixture."""
    return [
        {"input_ids": data.input(row).tolist(), "labels": data.target(row).tolist()}
        for row in range(len(data) if count is None else count)
    ]


class Padder:
    """Hugging Face's collator, and a count of what it pads."""

    def __init__(self, folder):
        self._collator = DataCollatorForSeq2Seq(AutoTokenizer.from_pretrained(folder), padding="longest")
        self.real = self.padded = 0

    def __call__(self, rows):
        """A padded batch."""
        batch = self._collator(rows)
        self.real += int(batch["attention_mask"].sum()) + int((batch["labels"] >= 0).sum())
        self.padded += batch["input_ids"].numel() + batch["labels"].numel()
        return batch


class EpochTimer(TrainerCallback):
    """Seconds of the epoch, without the set-up and tear-down around it."""

    def on_epoch_begin(self, *_, **__):
        """Start."""
        self.started = synchronised()

    def on_epoch_end(self, *_, **__):
        """Stop."""
        self.seconds = synchronised() - self.started


def synchronised():
    """The time when the device has done what it was asked."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def by_seq2seq(case, model, data, rows):
    """Seconds and padding's share of one epoch by the Trainer."""
    padder, timer = Padder(case["folder"]), EpochTimer()
    arguments = Seq2SeqTrainingArguments(
        output_dir=f"{case['folder']}/seq2seq",
        per_device_train_batch_size=case["batch_size"],
        num_train_epochs=1,
        learning_rate=5e-4,
        weight_decay=0.01,
        max_grad_norm=1.0,
        train_sampling_strategy="group_by_length",
        bf16=case["precision"] == "bf16",
        use_cpu=case["device"] == "cpu",
        dataloader_pin_memory=case["device"] == "cuda",
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    trainer = Seq2SeqTrainer(model, arguments, padder, rows_of(data, rows), callbacks=[timer])
    trainer.train()
    return timer.seconds, 1 - padder.real / padder.padded


def by_plain_loop(case, model, data, rows):
    """Shuffled batches, padded; the model's own loss; AdamW; clipping."""
    padder = Padder(case["folder"])
    batches = torch.utils.data.DataLoader(rows_of(data, rows), case["batch_size"], shuffle=True, collate_fn=padder)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4, weight_decay=0.01)
    started = synchronised()
    for batch in batches:
        with torch.autocast(case["device"], torch.bfloat16, enabled=case["precision"] == "bf16"):
            loss = model(**{name: tensor.to(case["device"]) for name, tensor in batch.items()}).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    return synchronised() - started, 1 - padder.real / padder.padded


def by_ours(case, model, data, rows):
    """pipelines.student.train, as the train stage calls it, without checkpoints."""
    mine, records = subset(data, rows), []
    result = train(
        model,
        mine,
        subset(data, 0),
        TrainingConfig(epochs=1, batch_size=case["batch_size"], precision=case["precision"], **case["training"]),
        seed=0,
        device=case["device"],
        checkpoints=None,
        on_log=records.append,
    )
    # unweighted over the log's intervals, which are of equal length but for the last
    return result.elapsed_s, statistics.mean(record["padding"] for record in records)


def subset(data, rows):
    """The first rows of a tokenised mixture."""
    from dataclasses import replace

    if rows is None:
        return data
    return replace(
        data,
        input_offsets=data.input_offsets[: rows + 1],
        target_offsets=data.target_offsets[: rows + 1],
        weights=data.weights[:rows],
    )


MEASURED = {"seq2seq": by_seq2seq, "plain": by_plain_loop, "ours": by_ours, "ray": by_ours}


def measure(way, case, began):
    """What one process measures: a few steps that do not count, then all rows once."""
    torch.set_num_threads(case["threads"])
    if case["memory_gib"]:
        total = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(case["memory_gib"] * GIB / total)
    data = open_tokenised(f"{case['folder']}/tokens")
    model = build(case)
    start_up = time.time() - began
    MEASURED[way](case, model, data, WARM_UP_STEPS * case["batch_size"])
    if case["device"] == "cuda":
        torch.cuda.reset_peak_memory_stats()
    cpu = time.process_time()
    seconds, padding = MEASURED[way](case, model, data, None)
    cpu = time.process_time() - cpu
    memory = torch.cuda.max_memory_reserved() if case["device"] == "cuda" else psutil.Process().memory_info().rss
    return {
        "start_up_s": start_up,
        "seconds": seconds,
        "tokens_per_s": float(data.target_lengths.sum()) / seconds,
        "tokens_per_cpu_s": float(data.target_lengths.sum()) / cpu,
        "padding": padding,
        "flops_per_s": training_flops(model, data.input_lengths, data.target_lengths) / seconds,
        "memory_gib": memory / GIB,
    }


def inside_ray_train(case, began):
    """The same in a worker of Ray Train, in a Ray of its own."""
    import tempfile

    from ray.train import RunConfig as TrainerRun
    from ray.train import ScalingConfig
    from ray.train.torch import TorchTrainer

    answer = f"{case['folder']}/ray.json"
    with ray_session(), tempfile.TemporaryDirectory() as storage:
        TorchTrainer(
            in_worker,
            train_loop_config={"case": case, "began": began, "answer": answer},
            scaling_config=ScalingConfig(num_workers=1, use_gpu=case["device"] == "cuda"),
            run_config=TrainerRun(name="benchmark", storage_path=storage),
        ).fit()
    return json.loads(Path(answer).read_text(encoding="utf-8"))


def in_worker(settings):
    """Ray Train's worker function."""
    figures = measure("ray", settings["case"], settings["began"])
    Path(settings["answer"]).write_text(json.dumps(figures), encoding="utf-8")


def matmul_flops_per_s(device, precision):
    """The best of some matrix products of 4096 (CPU: 2048) squared."""
    size = 8192 if device == "cuda" else 2048
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    left, right = (torch.rand(size, size, device=device).to(dtype) for _ in range(2))
    best = float("inf")
    for _ in range(12):
        started = synchronised()
        left @ right
        best = min(best, synchronised() - started)
    return 2 * size**3 / best


def in_a_process(way, case):
    """One measurement in a fresh process."""
    Path(case["folder"], "case.json").write_text(json.dumps(case), encoding="utf-8")
    command = [sys.executable, __file__, "--one", way, "--folder", case["folder"]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["?"])[-1]}
    return json.loads(done.stdout.splitlines()[-1])


def compare(case, title, repetitions, ways, peak):
    """One table: each way's median, and its spread."""
    found = {way: [] for way in ways}
    for _ in range(repetitions):
        for way in ways:
            found[way].append(in_a_process(way, case))
            print(f"  {title}, {way}: {json.dumps(found[way][-1])}", file=sys.stderr, flush=True)
    print(f"\n{title}\n")
    names = ("way", "target tokens/s", "min-max", "a CPU second", "padding", "x Seq2SeqTrainer", "of the matmul peak")
    print("| " + " | ".join([*names, "GiB", "start-up s"]) + " |\n|" + "---|" * 9)
    for way in ways:
        good = [figures for figures in found[way] if "failed" not in figures]
        if not good:
            print(f"| {WAYS[way]} | failed: {found[way][0]['failed']} | | | | | | | |")
            continue
        median = {name: statistics.median(figures[name] for figures in good) for name in good[0]}
        rates = sorted(figures["tokens_per_s"] for figures in good)
        print(
            f"| {WAYS[way]} | {median['tokens_per_s']:,.0f} | {rates[0]:,.0f}-{rates[-1]:,.0f} | "
            f"{median['tokens_per_cpu_s']:,.0f} | "
            f"{100 * median['padding']:.0f} % | {ratio(found, way, 'seq2seq')} | "
            f"{100 * median['flops_per_s'] / peak:.0f} % | {median['memory_gib']:.1f} | {median['start_up_s']:.1f} |"
        )
    if {"ours", "ray"} <= set(ways):
        slower = [
            without["tokens_per_s"] / inside["tokens_per_s"] - 1
            for without, inside in zip(found["ours"], found["ray"], strict=True)
            if "failed" not in without | inside
        ]
        shares = ", ".join(f"{100 * share:+.1f}" for share in slower)
        print(f"\nRay's share: {100 * statistics.median(slower):+.1f} % of the same loop's time (pairs: {shares})")


def ratio(found, way, base):
    """The median over repetitions of one way's rate to another's in the same round."""
    pairs = [
        mine["tokens_per_s"] / other["tokens_per_s"]
        for mine, other in zip(found[way], found.get(base, []), strict=False)
        if "failed" not in mine | other
    ]
    return f"{statistics.median(pairs):.2f}" if pairs else ""


def full_length(folder, batch_size, steps):
    """Rows of exactly 256 input and 256 target tokens."""
    text = "\n" * 255
    tokenizer = train_tokenizer([text], 300)
    tokenizer.save_pretrained(folder)
    examples = [
        Example(example_id=str(i), problem_id=str(i), thought="pot", input=text, target=text, weight=1.0)
        for i in range(batch_size * steps)
    ]
    return tokenise(examples, tokenizer, folder / "tokens", 256, 256)


def case_of(folder, student, options, batch_size, **training):
    """What a process needs to know."""
    return {
        "folder": str(folder.absolute()),
        "student": student,
        "device": options.device,
        "precision": options.precision,
        "batch_size": batch_size,
        "training": training,
        "memory_gib": None,
        "threads": options.threads,
    }


def main():
    """Make the mixtures, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="mixtures and tokens; kept for the next time")
    parser.add_argument("--data", default=os.environ.get("THOUGHT_DISTILL_DATA"))
    parser.add_argument("--mixtures", nargs="+", default=["quickstart", "gsm8k_recorded"])
    parser.add_argument("--students", nargs="+", choices=PRESETS, help="default: tiny and small; cuda: base and large")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--precision", choices=["fp32", "bf16"], help="default: fp32; cuda: bf16")
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--threads", type=int, default=cpus(), help="of PyTorch, on a CPU")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--one", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        case = json.loads((options.folder / "case.json").read_text(encoding="utf-8"))
        began = psutil.Process().create_time()
        figures = inside_ray_train(case, began) if options.one == "ray" else measure(options.one, case, began)
        print(json.dumps(figures))
        return
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.exit("--device cuda: PyTorch sees no CUDA device here; run without it for the CPU's figures")
    options.precision = options.precision or ("bf16" if options.device == "cuda" else "fp32")
    students = options.students or (["base", "large"] if options.device == "cuda" else ["tiny", "small"])
    torch.set_num_threads(options.threads)
    peak = matmul_flops_per_s(options.device, options.precision)
    name = torch.cuda.get_device_name() if options.device == "cuda" else f"{cpus()} CPUs"
    print(f"{name}, {options.precision}, torch {torch.__version__}; matrix product {peak / 1e12:.3g} TFLOP/s")
    for mixture_name, student in itertools.product(options.mixtures, students):
        run_dir = mixture(mixture_name, options.folder, options.data)
        folder = options.folder / f"{mixture_name}-{student}"
        batch_size = options.batch_size or ROWS_PER_STEP[student][0]
        steps = options.steps or ROWS_PER_STEP[student][1]
        data = prepare(folder, student, read_examples(run_dir, "train"), batch_size * steps)
        title = (
            f"{mixture_name}, {student}, {len(data) / batch_size:.0f} steps of {batch_size}, {options.precision}: "
            f"{data.input_lengths.mean():.0f} input and {data.target_lengths.mean():.0f} target tokens a row"
        )
        compare(case_of(folder, student, options, batch_size), title, options.repetitions, options.ways, peak)
    if options.device == "cuda" and "large" in students:
        folder = options.folder / "full-large"
        full_length(folder, 32, 10)
        for memory, checkpointing in ((None, False), (None, True), (24, True)):
            case = case_of(folder, "large", options, 32, activation_checkpointing=checkpointing)
            title = (
                f"large, 256 input and 256 target tokens a row, activation checkpointing {checkpointing}, "
                f"memory {memory or 'all'} GiB"
            )
            compare(case | {"memory_gib": memory}, title, 1, ["ours"], peak)


if __name__ == "__main__":
    main()
