"""The recorded teacher: completions that some LLM once wrote, replayed.

    {"problem_id": "gsm8k/train/8", "question": "Alexis is ...", "thought": "eot", "draw": 0,
     "completion": "budget = 200\\n...", "model": "code-davinci-002", "finish_reason": "stop"}

A completion is found by problem id and, where the id is unknown, by the question's text.
Problems without one are the caller's to count and skip.
"""

import glob
from collections.abc import Iterable
from typing import Any

from pipelines.errors import DataError
from pipelines.storage import is_local, locate, read_jsonl
from pipelines.teacher.completion import Completion

_FIELDS = {"problem_id", "question", "thought", "draw", "completion"}


class Recordings:
    """Completions by (problem id, thought, draw) and by (question, thought, draw)."""

    def __init__(self, paths: Iterable[str]) -> None:
        """Read the files.

        Raises:
            DataError: a file is missing or a line malformed (names file and line).
        """
        self._by_id: dict[tuple[str, str, int], Completion] = {}
        self._by_question: dict[tuple[str, str, int], Completion] = {}
        self._question_of: dict[str, str] = {}
        for path in paths:
            for number, row in read_jsonl(path):
                self._add(row, f"{path}, line {number}")

    def _add(self, row: dict[str, Any], where: str) -> None:
        missing = _FIELDS - row.keys()
        if missing:
            raise DataError(f"{where}: lacks {', '.join(sorted(missing))}; expected a recorded completion")
        completion = Completion(
            text=str(row["completion"]),
            finish_reason=str(row.get("finish_reason") or "stop"),
            model=str(row.get("model") or "recorded"),
        )
        problem_id, question = str(row["problem_id"]), _normalised(str(row["question"]))
        try:
            key = (str(row["thought"]), int(row["draw"]))
        except (TypeError, ValueError):
            raise DataError(f"{where}: draw is {row['draw']!r}; expected a whole number, such as 0") from None
        self._by_id[problem_id, *key] = completion
        self._by_question[question, *key] = completion
        self._question_of[problem_id] = question

    def find(self, problem_id: str, thought: str, draw: int, question: str) -> Completion | None:
        """The completion of a sample, or None."""
        normalised = _normalised(question)
        if self._question_of.get(problem_id, normalised) == normalised:  # an id that means another question is no match
            found = self._by_id.get((problem_id, thought, draw))
            if found is not None:
                return found
        return self._by_question.get((normalised, thought, draw))


def recorded_files(recorded_path: str | list[str]) -> list[str]:
    """The files a ``teacher.recorded_path`` names: a file, a glob or a list of either.

    Raises:
        DataError: a pattern matches nothing.
    """
    files: list[str] = []
    for pattern in [recorded_path] if isinstance(recorded_path, str) else recorded_path:
        filesystem, path = locate(pattern)
        if is_local(pattern):
            matches = sorted(glob.glob(path))  # noqa: PTH207 - patterns may be absolute
        else:
            matches = [pattern] if filesystem.get_file_info(path).is_file else []
        if not matches:
            raise DataError(f"teacher.recorded_path: '{pattern}' matches no file; expected JSONL of completions")
        files += matches
    return files


def _normalised(question: str) -> str:
    return " ".join(question.split()).casefold()
