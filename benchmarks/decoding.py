"""Greedy decoding on a CPU: problems a second of ``model.generate``, of CTranslate2 and of ours, in one run.

    python benchmarks/decoding.py                                tiny and small with GSM8K's lengths
    python benchmarks/decoding.py --run runs/quickstart          also a trained student on its own test problems

A student with random weights never ends. So these students have the shape, and so the cost, of ``tiny`` and ``small``,
but weights that were set by hand to count down: the input's last token says n, and the student writes n tokens and the
end token. Inputs are the questions of GSM8K's test set, n is the length of the question's own solution, and every
contender stops where the model does. ``generate`` takes batches of 64 in file order, with one thread and with all.
It reads the data sets' folder from ``THOUGHT_DISTILL_DATA``.
"""

import argparse
import json
import os
import re
import tempfile
import time
from pathlib import Path

import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, T5Config, T5ForConditionalGeneration
from transformers.utils import logging

from pipelines.inference import ctranslate
from pipelines.inference.ctranslate import CTranslateDecoder
from pipelines.inference.decoding import Decoder
from pipelines.student.model import PRESETS
from pipelines.student.tokenizer import train_tokenizer
from pipelines.thoughts import THOUGHTS, student_input

_LONGEST = 250
_VOCABULARY = {"tiny": 1000, "small": 32_100}  # the quickstart's and CodeT5's
_CPUS = len(os.sched_getaffinity(0))


def counting_student(size, texts, folder):
    """A T5 of a preset's shape that writes ``<n7><n6>...<n1></s>`` after an input that ends in ``<n7>``.

    Embeddings of the countdown are powers of one rotation, c(k-1) = R c(k), so the last layer's attention to itself,
    with R as its output, moves every token to the next. At the start token alone the attention to the input looks for
    the one token that bears a flag, and copies it. All other layers add zero at full cost.
    """
    torch.manual_seed(0)
    tokenizer = train_tokenizer(texts, _VOCABULARY[size] - _LONGEST - 1)
    counters = [f"<n{number}>" for number in range(1, _LONGEST + 1)]
    tokenizer.add_tokens(counters)
    ends = {"decoder_start_token_id": 0, "pad_token_id": 0, "eos_token_id": 1}
    model = T5ForConditionalGeneration(T5Config(vocab_size=_VOCABULARY[size], **ends, **PRESETS[size])).eval()
    width, config = model.config.d_model, model.config
    rotation = torch.eye(width)
    rotation[:-2, :-2] = torch.linalg.qr(torch.randn(width - 2, width - 2))[0]
    rotation[-2:] = 0
    flag, start = width - 2, width - 1
    with torch.no_grad():
        embedding = model.shared.weight
        embedding.normal_()
        embedding[:, -2:] = 0
        embedding /= embedding.norm(dim=1, keepdim=True)
        place = embedding[1].clone()
        for token in tokenizer.convert_tokens_to_ids(counters):
            place = rotation.T @ place
            embedding[token] = place
            embedding[token, flag] = 1
        embedding[0] = 0
        embedding[0, start] = 1
        for block in [*model.encoder.block, *model.decoder.block]:
            for layer in block.layer[:-1]:
                (layer.SelfAttention if hasattr(layer, "SelfAttention") else layer.EncDecAttention).o.weight.zero_()
            block.layer[-1].DenseReluDense.wo.weight.zero_()
        own, cross, _ = model.decoder.block[-1].layer
        own.SelfAttention.q.weight.zero_()
        own.SelfAttention.v.weight.copy_(torch.eye(width))
        own.SelfAttention.o.weight.copy_(rotation)
        bias = model.decoder.block[0].layer[0].SelfAttention.relative_attention_bias.weight
        bias.zero_()
        bias[0] = 40.0
        attention = cross.EncDecAttention
        for projection, place in ((attention.q, start), (attention.k, flag)):
            projection.weight.zero_()
            projection.weight[:: config.d_kv, place] = 1.0
        attention.v.weight.copy_(torch.eye(width))
        attention.o.weight.copy_(torch.eye(width))
        attention.o.weight[-2:] = 0
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def gsm8k(every):
    """(question, solution) of each ``every``-th test problem, without the calculator's annotations."""
    folder = Path(os.environ["THOUGHT_DISTILL_DATA"])
    lines = (folder / "gsm8k" / "test.jsonl").read_text(encoding="utf-8").splitlines()[::every]
    return [(row["question"], re.sub(r"<<.*?>>", "", row["answer"])) for row in map(json.loads, lines)]


def counting_inputs(problems, folder):
    """Each question as a student's input that ends in the length of its solution."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    lengths = [min(len(tokenizer(solution)["input_ids"]), _LONGEST) for _, solution in problems]
    question = [student_input(question, THOUGHTS["cot"].trigger) for question, _ in problems]
    return [f"{text}<n{length}>" for text, length in zip(question, lengths, strict=True)], lengths


def generate(folder, texts, limit, threads):
    """Hugging Face's generate, 64 rows at a time as they come."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForSeq2SeqLM.from_pretrained(folder).eval()

    def run():
        torch.set_num_threads(threads)
        written = []
        for start in range(0, len(texts), 64):
            batch = tokenizer(texts[start : start + 64], return_tensors="pt", padding=True)
            with torch.inference_mode():
                ids = model.generate(**batch, max_new_tokens=limit, do_sample=False, use_cache=True)
            written += tokenizer.batch_decode(ids[:, 1:], skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return written

    return run


def int8(folder, texts, limit):
    """CTranslate2 on the student in int8, otherwise as in ``CTranslateDecoder``."""
    import ctranslate2

    decoder = CTranslateDecoder(folder, _CPUS)
    with tempfile.TemporaryDirectory() as converted:
        ctranslate.convert(folder, "int8", converted)
        decoder._translator = ctranslate2.Translator(converted, inter_threads=_CPUS, intra_threads=1)
    return greedy(decoder, texts, limit)


def greedy(decoder, texts, limit):
    """One completion of each text."""
    return lambda: [
        decoded.completion for [decoded] in decoder.decode(texts, max_tokens=limit, max_input_tokens=100_000)
    ]


def compare(title, folder, texts, limit):
    """Time the contenders on the same texts and print their table."""
    contenders = {
        "generate, 64 rows, 1 thread": generate(folder, texts, limit, 1),
        f"generate, 64 rows, {_CPUS} threads": generate(folder, texts, limit, _CPUS),
        "ours": greedy(Decoder(folder, "cpu", _CPUS), texts, limit),
        "CTranslate2 float32": greedy(CTranslateDecoder(folder, _CPUS), texts, limit),
        "CTranslate2 int8": int8(folder, texts, limit),
    }
    print(f"{title}: {len(texts):,} inputs, {_CPUS} CPUs", flush=True)
    first, plain = None, 0.0
    for name, run in contenders.items():
        started, used = time.perf_counter(), time.process_time()
        written = run()
        used, rate = time.process_time() - used, len(texts) / (time.perf_counter() - started)
        first = first or written
        differing = sum(one != other for one, other in zip(first, written, strict=True))
        plain = max(plain, rate) if name.startswith("generate") else plain
        ratio = "" if name.startswith("generate") else f"{rate / plain:6.2f} x the faster generate"
        print(f"    {name:30} {rate:8.1f}/s, {used:6.1f} CPU s, {differing:4} differ {ratio}", flush=True)
    return first


def main():
    """The tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", help="a finished run directory, whose student is measured on its own test problems")
    parser.add_argument("--only", choices=list(_VOCABULARY), action="append", help="this size; repeatable")
    parser.add_argument("--every", type=int, default=1, help="each Nth GSM8K problem (small takes minutes with all)")
    options = parser.parse_args()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    for size in options.only or ([] if options.run else list(_VOCABULARY)):
        problems = gsm8k(options.every)
        with tempfile.TemporaryDirectory() as folder:
            counting_student(size, [text for pair in problems for text in pair], folder)
            texts, lengths = counting_inputs(problems, folder)
            written = compare(f"{size}, GSM8K's lengths (mean {sum(lengths) / len(lengths):.0f})", folder, texts, 256)
            assert lengths == [text.count("<n") for text in written], "the student miscounts"
    if options.run:
        import pyarrow.parquet as pq

        questions = pq.read_table(f"{options.run}/evaluation_problems", columns=["question"])["question"].to_pylist()
        texts = [student_input(text, THOUGHTS[name].trigger) for name in ("cot", "pot", "eot") for text in questions]
        texts = texts[:: options.every]
        compare("trained quickstart student, its test problems", f"{options.run}/student", texts, 128)


if __name__ == "__main__":
    main()
