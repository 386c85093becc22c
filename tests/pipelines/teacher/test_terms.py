"""Providers' terms by a model's name."""

import pytest

from pipelines.teacher.terms import terms_of


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("gpt-4.1-mini", "OpenAI"),
        ("code-davinci-002", "OpenAI"),
        ("openai/o3", "OpenAI"),
        ("claude-sonnet-4-5", "Anthropic"),
        ("google/gemini-2.5-flash", "Google"),
        ("meta-llama/Llama-3.3-70B-Instruct", "Meta"),
        ("openai/gpt-oss-120b", None),
        ("Qwen/Qwen3-8B", None),
    ],
)
def test_names_tell_the_provider(model: str, provider: str | None) -> None:
    """A known provider's sentence, or None: open models are not taken for their maker's service."""
    said = terms_of(model)
    assert provider == (said and said.split(":")[0])
