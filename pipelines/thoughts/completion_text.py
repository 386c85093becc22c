r"""The part of a completion that is read: without thinking, control tokens or the next question.

    answer_text("<think>8?</think>5 * 3 = 15. The answer is 15.<|im_end|>", cot)  ->  "5 * 3 = 15. The answer is 15."
    answer_text("ans = 15\n\nQ: Ann has 2 cats.\n\nans = 2", pot)                ->  "ans = 15"

A model that does not stop goes on with another turn, or with another question and its answer. Both are cut: a turn at
its control token; a question only behind an answer, because a thought may quote its own question first. In a comment
(``# Question: ...``) it is cut only where an answer that uses nothing from before follows it.
"""

from __future__ import annotations

import re

from pipelines.solvers.markup import ascii_signs
from pipelines.thoughts.thought import Thought

_TAG = r"(?:think|thinking|thoughts?|reasoning|reflection|scratchpad|seed:think)"
_THINKING = re.compile(
    rf"^[ \t]*<(?P<tag>{_TAG})\b[^<>\n]*>(?P<tagged>.*?)</(?P=tag)>"
    r"|^[ \t]*\[THINK\](?P<bracketed>.*?)\[/THINK\]"
    r"|^[ \t]*◁think▷(?P<pointed>.*?)◁/think▷"
    r"|<\|START_THINKING\|>(?P<started>.*?)<\|END_THINKING\|>"
    r"|<\|begin_of_thought\|>(?P<begun>.*?)<\|end_of_thought\|>"
    r"|<\|?channel\|?>\s*thought\b(?P<channel>.*?)<\|?channel\|?>"
    r"|\A\s*analysis(?=[\sA-Z]).*assistant\s*final",  # harmony's channels when their control tokens were dropped
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)
_UNOPENED = re.compile(rf"\A.*(?:</{_TAG}>|\[/THINK\]|◁/think▷|<\|END_THINKING\|>)", re.IGNORECASE | re.DOTALL)
_OPENED = re.compile(rf"^[ \t]*(?:<{_TAG}>|\[THINK\]|◁think▷)", re.IGNORECASE | re.MULTILINE)
_CONTROL = re.compile(
    r"<\|/?(?P<name>[\w▁ /-]{1,40})\|>|<(?P<turn>start_of_turn|end_of_turn)>|<(?:bos|eos|pad|unk)>"
    r"|</s>|\A\s*<s>|<s>(?=\s*\[INST\])|\[(?P<closed>/?)INST\]|<</?SYS>>"
)
_ROLE = re.compile(r"[ \t]*(?P<role>system|developer|user|human|tool|assistant|model|analysis|commentary|final)\b")
_OPENS_TURN = frozenset({"im_start", "start_header_id", "start", "channel", "start_of_turn", "turn"})
_INSIDE = frozenset({"end_header_id", "message", "python_tag", "constrain"})
"""Tokens inside a turn, which end nothing."""
_INSIDE_TOKEN = re.compile(rf"<\|(?:{'|'.join(sorted(_INSIDE))})\|>")
_OTHERS = frozenset({"system", "developer", "user", "human", "tool", "analysis", "commentary"})
_ANSWERS = frozenset({"assistant", "model", "final"})
_LABEL = re.compile(r"\A\s*(?:(?:assistant|model)[ \t]*\n|(?:assistant|ai):)\s*", re.IGNORECASE)

_NEXT = re.compile(
    r"^[ \t]*[#>*_\[<%/\s]{0,8}"
    r"(?:(?:next|new|another)\s+)?"
    r"(?:(?:question|problem|exercise|example|task|query|instruction|human|user|student)\b|q(?=[\s#\d]{0,4}[.:]))"
    r"(?:\s*\#?\d{1,4})?\s*(?:[\])>*_]{0,4}(?::|[.)](?=\s))|[\])>*_]{0,4}[ \t]*$)",
    re.IGNORECASE | re.MULTILINE,
)
"""The head of a next question at the start of a line: "Q:", "Question 2.", "### Instruction:", "**Problem:**"."""
_HEADS = (
    *("question", "problem", "exercise", "example", "task", "query", "instruction", "human", "user", "student"),
    *("q:", "q.", "q ", "q#"),
    *(f"q{digit}" for digit in range(1, 10)),
)
_NEXT_IN_LINE = re.compile(r"(?<=[.!?\d])[ \t]+(?:Question|Q|Human|User|Problem)(?: \d{1,3})?:\s")
_WORD = re.compile(r"[^\W\d]\w*")
_ASSIGNMENT = re.compile(r"[ \t]*(?:def[ \t]+)?(?P<name>[^\W\d]\w*)[ \t]*(?:=(?!=)|\(\)[ \t]*:)")


def answer_text(completion: str, thought: Thought) -> str:
    """The completion's own answer, in plain characters; where there is nothing but thinking, the thinking."""
    text = ascii_signs(completion.replace("\r\n", "\n").replace("\r", "\n"))
    if any(sign in text for sign in "<[◁") or text.lstrip().startswith("analysis"):
        text = _answering_turn(_without_thinking(text))
    text = _LABEL.sub("", text, count=1)
    end = _run_on(text, thought)
    return text if end is None else text[:end].rstrip()


def _without_thinking(text: str) -> str:
    thoughts: list[str] = []

    def drop(match: re.Match[str]) -> str:
        thoughts.append(match[match.lastgroup] if match.lastgroup else match[0])
        return ""

    rest = _UNOPENED.sub(drop, _THINKING.sub(drop, text))
    rest = _OPENED.sub("", rest)
    return rest if rest.strip() or not thoughts else thoughts[-1]


def _answering_turn(text: str) -> str:
    """The first turn that is the assistant's answer, else the first that has any text."""
    turns: list[tuple[str, str]] = []
    start, role = 0, ""
    for match in _CONTROL.finditer(text):
        if match.start() < start:
            continue
        name = (match["name"] or match["turn"] or "").strip("/ ").lower()
        if name in _INSIDE:
            continue
        turns.append((role, text[start : match.start()]))
        start, role = match.end(), ""
        if match["closed"] is not None:
            role = "assistant" if match["closed"] else "user"
        elif name in _OTHERS | _ANSWERS:
            role = name
        elif name in _OPENS_TURN and (header := _ROLE.match(text, start)):
            start, role = header.end(), header["role"]
    if not turns:
        return text
    turns.append((role, text[start:]))
    written = [(role, part) for role, part in turns if _INSIDE_TOKEN.sub("", part).strip()]
    kept = [part for role, part in written if role not in _OTHERS] or [part for _, part in written] or [""]
    return _INSIDE_TOKEN.sub("\n", kept[0]).strip("\n")


def _run_on(text: str, thought: Thought) -> int | None:
    """Where the next question begins; None where there is none."""
    lowered = text.lower()
    if not any(head in lowered for head in _HEADS):  # nearly all; the searches below take longer
        return None
    first = thought.answered.search(text)
    if first is None:
        return None
    for match in _NEXT.finditer(text, first.end()):
        is_comment = match[0].lstrip().startswith(thought.comments)
        if not is_comment or _starts_over(text[: match.start()], text[match.end() :], thought):
            return match.start()
    if thought.comments:
        return None
    in_line = _NEXT_IN_LINE.search(text, first.end())
    return in_line.start() if in_line else None


def _starts_over(before: str, rest: str, thought: Thought) -> bool:
    """Whether what follows is another answer, which uses no name that was given before."""
    if not thought.answered.search(rest):
        return False
    known = {match["name"] for line in before.splitlines() if (match := _ASSIGNMENT.match(line))}
    for line in rest.splitlines():
        if line.lstrip().startswith(thought.comments) or not ("=" in line or "(" in line):
            continue
        given = _ASSIGNMENT.match(line)
        if known.intersection(_WORD.findall(line, given.end() if given else 0)):
            return False
        if given:
            known.discard(given["name"])
    return True
