"""What the providers of teacher models say about training on their output, for the cards of students and data sets.

    terms_of("gpt-4.1-mini")   -> "OpenAI: output may not be used to develop models that compete ... (https://...)"
    terms_of("Qwen/Qwen3-8B")  -> None: not known here, which does not mean that there are none

One sentence each, in our words, as of 2025; the provider's current text is what counts. It judges nothing.
"""

import re

_OPENAI = (
    "OpenAI: output may not be used to develop models that compete with OpenAI "
    "(https://openai.com/policies/terms-of-use)"
)
_ANTHROPIC = (
    "Anthropic: the services may not be used to build a competing product or to train competing AI models "
    "(https://www.anthropic.com/legal/commercial-terms)"
)
_GOOGLE = (
    "Google: the services may not be used to develop models that compete with them "
    "(https://ai.google.dev/gemini-api/terms)"
)
_LLAMA = (
    "Meta: the Llama licence of the model's version binds what is trained on its output; from 3.1 on a model so "
    "trained and distributed bears a name that begins with Llama (https://www.llama.com/llama-downloads)"
)
_BY_NAME = (
    (re.compile(r"(.*/)?(gpt-[345]|chatgpt|o[134]\b|code-davinci|text-davinci)"), _OPENAI),
    (re.compile(r"(.*/)?claude"), _ANTHROPIC),
    (re.compile(r"(.*/)?gemini"), _GOOGLE),
    (re.compile(r"(meta-llama/|(.*/)?(meta-)?llama-)"), _LLAMA),
)


def terms_of(model: str) -> str | None:
    """The sentence for a teacher's name, or None where its provider is not known here."""
    return next((said for pattern, said in _BY_NAME if pattern.match(model.lower())), None)
