"""Thinking and control tokens that a server left in a completion's text.

    split_thinking("<think>3*5</think>The answer is 15.")   -> ("The answer is 15.", "3*5")
    split_thinking("The answer is 15.<|im_end|>")           -> ("The answer is 15.", None)

Servers leave them in when their parser does not know the model's template (or is switched off).
"""

import re

_NAMES = r"(?:\w+:)?(?:ant)?(?:think|thinking|thoughts?|reasoning|scratchpad)"
_OPEN = re.compile(
    rf"<{_NAMES}>|◁think▷|\[THINK\]|<\|(?:begin_of_(?:thought|thinking)|START_THINKING|think|thinking)\|>",
    re.IGNORECASE,
)
_CLOSE = re.compile(
    rf"</{_NAMES}>|◁/think▷|\[/THINK\]|<\|(?:end_of_(?:thought|thinking)|END_THINKING|/think|/thinking)\|>",
    re.IGNORECASE,
)
# OpenAI's Harmony template, whole or with its special tokens dropped.
_CHANNEL = re.compile(r"<\|channel\|>\s*(?P<name>\w+)[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>")
_HARMONY_WITHOUT_TOKENS = re.compile(r"\Aanalysis(?P<reasoning>.*?)assistantfinal(?P<completion>.*)\Z", re.DOTALL)
_ROLE = r"(?:assistant|model)"
_LEADING = re.compile(
    rf"\A(?:\s*(?:<\|im_start\|>\s*{_ROLE}|<start_of_turn>\s*{_ROLE}|<\|start_header_id\|>\s*{_ROLE}\s*<\|end_header_id\|>|"
    rf"<\|start\|>\s*{_ROLE}|<\|{_ROLE}\|>|<\|begin_of_\w+\|>|<\|START_\w+\|>|<｜begin▁of▁sentence｜>|"
    r"<｜Assistant｜>|<s>|<bos>|\[/INST\]))+\s*"
)
_END = re.compile(
    r"<\|/?[A-Za-z][\w ]*\|>|<｜[^｜<>\n]{1,40}｜>|</s>|<s>|<(?:end|start)_of_turn>|<eos>|<bos>|<eod>|\[/?INST\]"
)


def split_thinking(text: str) -> tuple[str, str | None]:
    """The completion and the thinking before it, None where there is none.

    The completion ends at the first control token behind it. Thinking that never ends leaves an empty completion.
    """
    if _CHANNEL.search(text):
        return _by_channel(text)
    if found := _HARMONY_WITHOUT_TOKENS.match(text):
        return found["completion"].strip(), found["reasoning"].strip() or None
    if not (_OPEN.search(text) or _CLOSE.search(text)):
        return _without_control_tokens(text), None
    closed = [found.end() for found in _CLOSE.finditer(text)]
    start = closed[-1] if closed else 0
    completion = _OPEN.split(text[start:], maxsplit=1)[0]
    reasoning = text[:start] + text[start + len(completion) :]
    if closed and not completion.strip():  # thoughts behind the answer
        outside = re.split(rf"(?:{_OPEN.pattern}).*?(?:{_CLOSE.pattern})", text, flags=re.DOTALL | re.IGNORECASE)
        completion = _OPEN.split(_CLOSE.split("".join(outside))[-1])[0]
        reasoning = text.replace(completion, "", 1) if completion else text
    return _without_control_tokens(completion.lstrip()), _untagged(reasoning)


def _by_channel(text: str) -> tuple[str, str | None]:
    """Harmony: the last "final" channel is the completion, the other channels are thinking."""
    completion, thinking = "", []
    marks = list(_CHANNEL.finditer(text))
    for mark, end in zip(marks, [*(after.start() for after in marks[1:]), len(text)], strict=True):
        said = _END.split(text[mark.end() : end], maxsplit=1)[0].strip()
        if mark["name"] == "final":
            completion = said
        elif said:
            thinking.append(said)
    return completion, "\n".join(thinking) or None


def _without_control_tokens(text: str) -> str:
    """What stands between the tokens that open a message and the first that ends it."""
    leading = _LEADING.match(text)
    body = text[leading.end() :] if leading else text
    found = _END.search(body)
    return body if found is None else body[: found.start()].rstrip()


def _untagged(reasoning: str) -> str | None:
    return _END.sub("", _CLOSE.sub("", _OPEN.sub("", reasoning))).strip() or None
