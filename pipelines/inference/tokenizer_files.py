"""Opening the tokenizer of any published or exported student.

    open_tokenizer_files("Salesforce/codet5-small")   -> RobertaTokenizer of 32,100 tokens

What transformers 5 does not read by itself is read here: CodeT5's sentinels, which its files list as dictionaries.
"""

import json
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer
from transformers.utils import cached_file


def open_tokenizer_files(name: str, revision: str | None = None, **options: Any) -> Any:
    """A tokenizer that takes control tokens in a text ("</s>" in a question) as text.

    Args:
        name: a folder or a hub name.
        revision: branch, tag or commit on the hub.
        options: further ones of ``AutoTokenizer.from_pretrained``.

    Raises:
        Exception: of whatever class the loader of the files has.
    """
    sentinels = _sentinels(name, revision)
    if sentinels:
        options["additional_special_tokens"] = sentinels
    return AutoTokenizer.from_pretrained(
        name, revision=revision, trust_remote_code=False, split_special_tokens=True, **options
    )


def _sentinels(name: str, revision: str | None) -> list[str]:
    """Special tokens that the files list as dictionaries, in the file's order, which is that of their ids."""
    for file in ("tokenizer_config.json", "special_tokens_map.json"):
        path = cached_file(name, file, revision=revision, _raise_exceptions_for_missing_entries=False)
        tokens = json.loads(Path(path).read_text(encoding="utf-8")).get("additional_special_tokens") if path else None
        if tokens and any(isinstance(token, dict) for token in tokens):
            return [token["content"] if isinstance(token, dict) else str(token) for token in tokens]
    return []
