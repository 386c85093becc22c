"""``ray_jobs.solve``: answers on the command line, and one clear line for bad input."""

import json
from pathlib import Path

import pytest

from ray_jobs import solve


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A directory that transformers opens; what it writes is noise."""
    from transformers import T5Config, T5ForConditionalGeneration

    from pipelines.student.tokenizer import train_tokenizer

    folder = tmp_path_factory.mktemp("student")
    tokenizer = train_tokenizer(["a text"], 300)
    shape = {"d_model": 16, "d_kv": 4, "d_ff": 16, "num_layers": 1, "num_heads": 4, "decoder_start_token_id": 0}
    model = T5ForConditionalGeneration(T5Config(vocab_size=len(tokenizer), **shape))
    model.config.thought_distill = {"thoughts": {"cot": "", "pot": ""}}
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def test_a_question_is_answered_in_plain_text_when_piped(student: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The question, each thought with what came of it, the answer; the time goes to the other stream."""
    assert 0 == solve.main(["--student", student, "How many?"])
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert "question: How many?" == lines[0]
    assert any(line.startswith("pot (") for line in lines) and any(line.startswith("cot (") for line in lines)
    assert lines[-2].startswith("answer: ") and "\x1b" not in shown.out
    assert "1 question answered" in shown.err


def test_a_file_of_questions_gives_json_lines(student: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In order, one object a question, with all that was written; empty lines are no questions."""
    file = tmp_path / "questions.jsonl"
    file.write_text('{"question": "One?"}\n\n{"question": "Is it?", "answer_kind": "boolean"}\n')
    assert 0 == solve.main(["--student", student, "--file", str(file), "--json"])
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert ["One?", "Is it?"] == [row["question"] for row in rows]
    assert [["pot", "cot"]] * 2 == [[thought["thought"] for thought in row["thoughts"]] for row in rows]
    assert {"question", "answer", "confidence", "chosen", "thoughts"} == set(rows[0])


def test_a_broken_confidence_model_is_refused(student: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In one line, before the student is opened."""
    file = Path(student, "confidence.json")
    file.write_text('{"thoughts": []}')
    try:
        assert 2 == solve.main(["--student", student, "How many?"])
    finally:
        file.unlink()
    [line] = capsys.readouterr().err.splitlines()
    assert "confidence.json: no confidence model" in line and "python -m ray_jobs.report" in line


def test_pretty_output_holds_the_same(student: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Panels for a terminal; text of the student is never read as markup, nor by the terminal."""
    from pipelines.inference.solving import Solution, Solved

    solved = Solved(thought="cot", completion="[/red]\x1b[2J 7", status="solved", answer="7", probability=0.5)
    solve._pretty(Solution(question="[b]?", answer="7", confidence=0.5, chosen="cot", thoughts=(solved,)))
    shown = capsys.readouterr().out
    solve._plain(Solution(question="b?", answer="7", confidence=0.01, chosen="cot", thoughts=(solved,)))
    assert "answer: none to trust (the best guess is 7, from cot, confidence 0.01)" in capsys.readouterr().out
    assert "[b]?" in shown and "[/red]\ufffd[2J 7" in shown and "answer: 7 (from cot, confidence 0.50)" in shown


@pytest.mark.parametrize(
    ("arguments", "content", "message"),
    [
        ([], None, "expected a question in quotation marks or --file FILE"),
        (["a", "--file", "FILE"], "b", "expected a question in quotation marks or --file FILE"),
        ([" "], None, "command line: an empty question"),
        (["--file", "FILE"], None, "cannot be read"),
        (["--file", "FILE"], "\n\n", "an empty question"),
        (["--file", "FILE.jsonl"], "How many?", "line 1: not JSON"),
        (["--file", "FILE.jsonl"], '{"text": "How many?"}', "line 1: no 'question'"),
        (["--file", "FILE.jsonl"], '{"question": "?", "answer_kind": "song"}', "answer_kind 'song'; expected one of"),
        (["a"], None, "no student (config.json)"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], content: str | None, message: str
) -> None:
    """What, where, what was expected."""
    named = [word.replace("FILE", str(tmp_path / "FILE")) for word in arguments]
    for word in named:
        if content is not None and word.startswith(str(tmp_path)):
            Path(word).write_text(content, encoding="utf-8")
    assert 2 == solve.main(["--student", str(tmp_path / "none"), *named])
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and message in line
