"""The same prompts, the same strict teacher: bespokelabs-curator, a plain asyncio loop, and ours.

    python -m venv curator && curator/bin/pip install bespokelabs-curator==0.1.31
    python benchmarks/sampling.py --curator-python curator/bin/python [--prompts 3000]

Each contender gets a fresh teacher (6,000 requests a minute, latencies 0.2-2 s) twice: undisturbed, and killed with
kill -9 once half of the prompts are answered, then started again. All figures are the teacher's counts, but memory:
the highest sum of RSS over the contender's processes (pages that they share count in each). Needs psutil.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import yaml
from quota import ROOT, counts, start_teacher

from pipelines.config import ProblemSource
from pipelines.problems import load
from pipelines.thoughts import load_prompt

PER_MINUTE = 6_000

PLAIN = """
import asyncio, json, sys
import openai
prompts = [json.loads(line) for line in open(sys.argv[1])]
client = openai.AsyncOpenAI(base_url=sys.argv[2], api_key="none", max_retries=0)
slots = asyncio.Semaphore(128)
async def ask(messages):
    async with slots:
        for attempt in range(20):
            try:
                answer = await client.chat.completions.create(model="rehearsal", messages=messages, max_tokens=512)
                return answer.choices[0].message.content
            except (openai.RateLimitError, openai.APIConnectionError, openai.InternalServerError):
                await asyncio.sleep(min(2 ** attempt, 30))
async def main():
    answers = await asyncio.gather(*(ask(messages) for messages in prompts))
    with open(sys.argv[3] + ".answers.jsonl", "w") as file:
        file.writelines(json.dumps(answer) + "\\n" for answer in answers)
asyncio.run(main())
"""

CURATOR = """
import importlib.util, json, os, pathlib, sys
# The tokenizer file that litellm brings along: tiktoken would download it.
litellm = pathlib.Path(importlib.util.find_spec("litellm").origin).parent
os.environ["TIKTOKEN_CACHE_DIR"] = str(litellm / "litellm_core_utils" / "tokenizers")
from bespokelabs import curator
class Ask(curator.LLM):
    def prompt(self, row):
        return row["messages"]
    def parse(self, row, response):
        return {"answer": response}
asker = Ask(model_name="gpt-4o-mini", backend="openai", generation_params={"max_tokens": 512}, backend_params={
    "base_url": sys.argv[2], "api_key": "none", "max_requests_per_minute": 6000, "max_tokens_per_minute": 100_000_000})
rows = [{"messages": json.loads(line)} for line in open(sys.argv[1])]
asker(rows, working_dir=sys.argv[3])
"""


def write_prompts(file: Path, count: int) -> None:
    """One list of chat messages a line; no question comes twice."""
    prompt = load_prompt("cot", 0)
    questions = [problem.question for problem in load(ProblemSource(source="generated", count=count), 0)]
    if len(set(questions)) != count:
        raise SystemExit(f"{len(set(questions))} distinct questions of {count}: repeats could not be told")
    file.write_text("".join(json.dumps(prompt.messages(question)) + "\n" for question in questions))


def command(name: str, folder: Path, base_url: str, count: int, curator_python: str) -> list[str]:
    """How the contender is started, and started again."""
    if name == "ours":
        config = {
            "run_dir": str(folder / "run"),
            "problems": {"source": "generated", "count": count},
            "teacher": {
                "kind": "openai",
                "model": "rehearsal",
                "base_url": base_url,
                "requests_per_minute": PER_MINUTE,
            },
            "sampling": {"thoughts": ["cot"], "draws": 1, "demonstrations": 0},
        }
        (folder / "run.yaml").write_text(yaml.safe_dump(config))
        return [sys.executable, "-m", "ray_jobs.sample", "--config", str(folder / "run.yaml")]
    script = folder / f"{name}_contender.py"
    script.write_text(PLAIN if name == "plain" else CURATOR)
    python = sys.executable if name == "plain" else curator_python
    return [python, str(script), str(folder / "prompts.jsonl"), base_url, str(folder / "kept")]


def run(started: list[str], base_url: str, folder: Path, kill_at: int | None) -> int:
    """Run to the end, or to ``kill_at`` answers; returns the peak of the processes' RSS in bytes."""
    environment = {**os.environ, "TELEMETRY_ENABLED": "0", "CURATOR_DISABLE_RICH_DISPLAY": "1", "HF_HUB_OFFLINE": "1"}
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(started, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)
    peak = 0
    while process.poll() is None:
        peak = max(peak, tree_rss(process.pid))
        if kill_at is not None and counts(base_url)["answered"] >= kill_at:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            time.sleep(3)  # what was on its way is answered
            return peak
        time.sleep(0.2)
    if process.returncode:
        raise SystemExit(f"{started[0]} ended with {process.returncode}:\n{(folder / 'log').read_text()[-3000:]}")
    return peak


def tree_rss(pid: int) -> int:
    """Bytes, over a process and all below it."""
    total = 0
    try:
        for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            try:
                total += process.memory_info().rss
            except psutil.Error:
                continue
    except psutil.Error:
        return 0
    return total


def measure(name: str, count: int, curator_python: str, killed: bool) -> tuple[dict[str, Any], float, int]:
    """The teacher's counts, seconds from start to end, peak memory in bytes."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_prompts(folder / "prompts.jsonl", count)
        teacher, base_url = start_teacher({"requests_per_minute": PER_MINUTE}, folder, count)
        try:
            started = command(name, folder, base_url, count, curator_python)
            begun = time.monotonic()
            peak = run(started, base_url, folder, count // 2) if killed else 0
            peak = max(peak, run(started, base_url, folder, None))
            return counts(base_url), time.monotonic() - begun, peak
        finally:
            teacher.terminate()
            teacher.wait()


def main() -> None:
    """Measure each contender and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--curator-python", help="an interpreter that has bespokelabs-curator")
    parser.add_argument("--prompts", type=int, default=3000)
    chosen = parser.parse_args()
    print(f"{chosen.prompts:,} prompts, 6,000 requests a minute\n")
    print("| | requests/s | wall, s | answers 429 | repeated after kill -9 | peak RSS, MiB |")
    print("|---|---|---|---|---|---|")
    for name in ("curator", "plain", "ours"):
        if name == "curator" and not chosen.curator_python:
            print("| curator | not run: --curator-python is missing | | | | |")
            continue
        seen, wall_s, peak = measure(name, chosen.prompts, chosen.curator_python, killed=False)
        again, _, _ = measure(name, chosen.prompts, chosen.curator_python, killed=True)
        repeated = again["answered"] - chosen.prompts
        rate = f"{seen['per_minute'] / 60:.1f}"
        row = f"{rate} | {wall_s:.0f} | {seen['over_quota']:,} | {repeated:,} | {peak / 2**20:,.0f}"
        print(f"| {name} | {row} |", flush=True)


if __name__ == "__main__":
    main()
