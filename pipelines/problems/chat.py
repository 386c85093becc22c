"""Files made for instruction tuning, whose rows have no question column: Alpaca, ShareGPT and chat messages.

    {"instruction": "Add.", "input": "2 and 3", "output": "5"}
    {"conversations": [{"from": "human", "value": "..."}, {"from": "gpt", "value": "..."}]}
    {"messages": [{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}]}

The question is what the user wrote, the answer what the assistant wrote. System messages are left out.
"""

from typing import Any

from pipelines.errors import DataError

_TURNS = ("messages", "conversations", "conversation")
_USERS, _ASSISTANTS = ("user", "human"), ("assistant", "gpt", "model", "chatgpt")


def exchange(row: dict[str, Any], where: str) -> tuple[str, str | None] | None:
    """The question and the answer of a row in one of these forms; None where it has none of them.

    Raises:
        DataError: the conversation has several questions, or none.
    """
    if isinstance(row.get("instruction"), str) and "output" in row:
        given = row.get("input")
        question = f"{row['instruction']}\n{given}" if isinstance(given, str) and given.strip() else row["instruction"]
        return question, row["output"]
    turns = next((row[name] for name in _TURNS if isinstance(row.get(name), list)), None)
    if turns is None or not all(isinstance(turn, dict) for turn in turns):
        return None
    said = [(str(turn.get("role", turn.get("from"))), _text(turn.get("content", turn.get("value")))) for turn in turns]
    questions = [text for role, text in said if role in _USERS]
    if len(questions) != 1 or not questions[0].strip():
        raise DataError(f"{where}: a conversation with {len(questions)} messages of the user; expected one question")
    answers = [text for role, text in said if role in _ASSISTANTS]
    return questions[0], answers[-1] if answers else None


def _text(content: Any) -> str:
    """A message's text; content may be a list of parts."""
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return "" if content is None else str(content)
