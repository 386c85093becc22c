"""Questions answered by a student: its thoughts, the chosen answer and the confidence. A plain process, without Ray.

python -m ray_jobs.solve --student runs/quickstart/student "A tram carries 46 passengers, and 17 get off. How many ...?"
python -m ray_jobs.solve --student runs/quickstart/student --file questions.txt --json > answers.jsonl

A file holds a question a line, or, as ``.jsonl``, a ``question`` a line and, where no number is asked for, an
``answer_kind``. What the student writes is run in the sandbox, as everywhere.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipelines.config import VerificationConfig
from pipelines.errors import ConfigError, DataError, ThoughtDistillError
from pipelines.inference.confidence import FILE, Calibration, read
from pipelines.inference.solving import Asked, Solution, solve, trained_limits, trained_thoughts
from pipelines.problems import ANSWER_KINDS
from pipelines.solvers import Sandbox
from ray_jobs.hardware import cpus
from ray_jobs.stage import say

_AT_ONCE = 256  # questions decoded together; answers come out after each such batch
_DOUBTED = 0.05
_WORTH_CONVERTING = 64  # questions; fewer are answered sooner without CTranslate2, unless it was exported


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, answer and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m ray_jobs.solve", description="Answer questions with a student: thoughts, answer, confidence."
    )
    parser.add_argument("--student", metavar="DIR", required=True, help="a run's student/, or any seq2seq directory")
    parser.add_argument("--file", metavar="FILE", help="questions: .txt, one a line, or .jsonl with a 'question'")
    parser.add_argument("--json", action="store_true", help="a JSON object a line instead of text")
    parser.add_argument("question", nargs="*", help="questions, each in quotation marks")
    options = parser.parse_args(arguments)
    try:
        answer(options.student, _asked(options.question, options.file), options.json)
    except ThoughtDistillError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("solve: interrupted", file=sys.stderr)
        return 1
    return 0


def answer(student: str, asked: Sequence[Asked], as_json: bool) -> None:
    """Open the student and print a solution for every question, in order.

    Raises:
        DataError: there is no student.
    """
    started = time.monotonic()
    config = _config(student)
    thoughts, limits = trained_thoughts(config), trained_limits(config)
    calibration = _calibration(student)
    decoder = _open(student, len(asked))
    of_programs = VerificationConfig()
    with Sandbox(of_programs.timeout_s, of_programs.memory_mb) as sandbox:
        isolation = sandbox.isolation()
        if not isolation.complete:
            say(f"solve: programs are not fully confined on this machine ({isolation.summary})")
        opened = time.monotonic()
        show = _json if as_json else _pretty if sys.stdout.isatty() else _plain
        for start in range(0, len(asked), _AT_ONCE):
            for solution in solve(asked[start : start + _AT_ONCE], decoder, thoughts, sandbox, calibration, limits):
                show(solution)
            sys.stdout.flush()
    count = f"{len(asked):,} question{'s' if len(asked) > 1 else ''}"
    say(f"solve: opened in {opened - started:.1f} s, {count} answered in {time.monotonic() - opened:.1f} s")


def _asked(questions: Sequence[str], file: str | None) -> list[Asked]:
    if bool(questions) == bool(file):
        raise ConfigError('command line: expected a question in quotation marks or --file FILE, e.g. "How many ...?"')
    asked = [Asked(question) for question in questions] if file is None else list(_read(file))
    if not asked or not all(one.question.strip() for one in asked):
        raise DataError(f"{file or 'command line'}: an empty question; expected text")
    return asked


def _read(file: str) -> Iterator[Asked]:
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: cannot be read ({error}); expected a text file, one question a line") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _from_json(line, f"{file}: line {number}") if file.endswith(".jsonl") else Asked(line.strip())


def _from_json(line: str, place: str) -> Asked:
    try:
        row = json.loads(line)
    except ValueError:
        raise DataError(f'{place}: not JSON; expected e.g. {{"question": "How many ...?"}}') from None
    if not isinstance(row, dict) or not isinstance(row.get("question"), str):
        raise DataError(f'{place}: no \'question\'; expected e.g. {{"question": "How many ...?"}}')
    kind = row.get("answer_kind", "number")
    if kind not in ANSWER_KINDS:
        raise DataError(f"{place}: answer_kind {kind!r}; expected one of {', '.join(ANSWER_KINDS)}")
    return Asked(row["question"], kind)


def _config(student: str) -> dict[str, Any]:
    try:
        return dict(json.loads(Path(student, "config.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        raise DataError(f"{student}: no student (config.json); expected a run's student/ directory") from None


def _calibration(student: str) -> Calibration | None:
    """What the run's report left of the student's confidence; None, and a line, where it left nothing."""
    file = Path(student, FILE)
    if not file.is_file():
        say(f"solve: no {FILE} beside the student (a run with dev problems leaves one): confidences are not calibrated")
        return None
    try:
        return read(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: {error}; run the report again (python -m ray_jobs.report) or delete it") from None


def _open(student: str, questions: int) -> Any:
    from transformers.utils import logging

    from pipelines.inference import ctranslate
    from pipelines.inference.decoding import Decoder

    logging.disable_progress_bar()
    if questions < _WORTH_CONVERTING and not Path(student, ctranslate.FOLDER).is_dir():
        return Decoder(student, "cpu", cpus())
    return ctranslate.open_decoder(student, "cpu", cpus())


def _json(solution: Solution) -> None:
    print(json.dumps(asdict(solution), ensure_ascii=False))


def _plain(solution: Solution) -> None:
    print(f"question: {solution.question}")
    for solved in solution.thoughts:
        found = f", {solved.answer}" if solved.answer is not None else ""
        print(f"{solved.thought} ({solved.status}{found}, probability {solved.probability:.2f}):")
        print("\n".join(f"    {line}" for line in _printable(solved.completion).splitlines()))
    print(f"{_answer(solution)}\n")


def _pretty(solution: Solution) -> None:
    from rich.console import Console
    from rich.panel import Panel
    from rich.text import Text

    console = Console()
    console.print(Text(solution.question, style="bold"))
    for solved in solution.thoughts:
        found = f" → {solved.answer}" if solved.answer is not None else ""
        colour = "green" if solved.thought == solution.chosen else "yellow" if solved.status == "solved" else "red"
        title = Text(f"{solved.thought}: {solved.status}{found}, probability {solved.probability:.2f}")
        console.print(Panel(Text(_printable(solved.completion)), title=title, title_align="left", border_style=colour))
    console.print(Text(f"{_answer(solution)}\n", style="bold green" if solution.answer is not None else "bold red"))


def _printable(completion: str) -> str:
    """Without what would move the cursor or colour the terminal."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "\N{REPLACEMENT CHARACTER}" for sign in completion)


def _answer(solution: Solution) -> str:
    if solution.answer is None:
        return "answer: none, every thought failed"
    source = f"from {solution.chosen}, confidence {solution.confidence:.2f}"
    if solution.confidence < _DOUBTED:
        return f"answer: none to trust (the best guess is {solution.answer}, {source})"
    return f"answer: {solution.answer} ({source})"


if __name__ == "__main__":
    sys.exit(main())
