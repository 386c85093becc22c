"""Overlap of training questions with the evaluation sets and with each other (DESIGN promise 6).

    Hit(evaluation_problem_id="gsm8k/test/7", kind="ngram", shared="if she sells ... how much does she", different=21)

``same``   the same words, whatever the case and punctuation
``ngram``  a run of N words in common (N = ``mixture.decontaminate``, 13)
``near``   at most one word or number in ten differs (one, where there are fewer than 20), in whatever order

Numbers are kept, for problems of one template differ in nothing else. ``near`` is exact, not sampled: of two
questions that share all but k words, the k + 1 rarest words of each have one in common, so only those are looked up.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Words = tuple[str, ...]

_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"  # scripts without spaces: a character is a word
    r"|[^\W\d_]+|\d+(?:,\d{3})*(?:\.\d+)?|[+*/=^<>%]|-(?![^\W\d_])|(?<![^\W\d_])-"
)


@dataclass(frozen=True)
class Hit:
    """An evaluation problem that a training question is too close to; ``different`` words of the longer one."""

    evaluation_problem_id: str
    kind: Literal["same", "ngram", "near"]
    shared: str
    different: int


class Evaluated:
    """The evaluation sets' questions, ready to be compared with."""

    def __init__(self, problems: Iterable[tuple[str, str]], ngram: int | None) -> None:
        """``problems``: id and question of each; ``ngram`` None finds nothing but the same question."""
        self._ids: list[str] = []
        self._words: list[Words] = []
        for problem_id, question in problems:
            self._ids.append(problem_id)
            self._words.append(words_of(question))
        self._ngram = ngram
        self._same: dict[Words, list[int]] = {}
        self._grams: dict[Words, list[int]] = {}
        for number, words in enumerate(self._words):
            self._same.setdefault(words, []).append(number)
            for gram in dict.fromkeys(_grams(words, ngram)):
                self._grams.setdefault(gram, []).append(number)
        self._near = NearIndex(self._words if ngram is not None else [])

    def hits(self, question: str) -> list[Hit]:
        """One for each evaluation problem that the question is too close to, in their order."""
        words = words_of(question)
        found = dict.fromkeys(self._same.get(words, ()), ("same", question))
        for gram in _grams(words, self._ngram):
            for number in self._grams.get(gram, ()):
                found.setdefault(number, ("ngram", " ".join(gram)))
        for number in self._near.near(words):
            found.setdefault(number, ("near", _in_common(words, self._words[number])))
        return [
            Hit(self._ids[number], kind, shared, different(words, self._words[number]))  # type: ignore[arg-type]
            for number, (kind, shared) in sorted(found.items())
        ]


class NearIndex:
    """Questions by their rarest words, to find all that are near a question."""

    def __init__(self, questions: Sequence[Words]) -> None:
        """``questions``: the words of each; they are found again by their number."""
        frequency = Counter(token for words in questions for token in _numbered(words))
        rarest_first = sorted(frequency, key=lambda token: (frequency[token], token))
        self._place = {token: place for place, token in enumerate(rarest_first)}
        self._sets: list[frozenset[int]] = []
        self._by_rare: dict[int, list[int]] = {}
        for number, words in enumerate(questions):
            places = self._places(words)
            self._sets.append(frozenset(places))
            for place in places[: _allowed(len(words)) + 1]:
                self._by_rare.setdefault(place, []).append(number)

    def near(self, words: Words, before: int | None = None) -> list[int]:
        """The numbers (below ``before``) of the questions that are near these words, ascending."""
        places = self._places(words)
        unknown, known = len(words) - len(places), set(places)  # unknown words are the rarest and match nothing
        candidates: set[int] = set()
        for place in places[: max(0, _allowed(len(words)) + 1 - unknown)]:
            candidates.update(self._by_rare.get(place, ()))
        found = []
        for number in candidates:
            other = self._sets[number]
            longer = max(len(words), len(other))
            allowed = _allowed(longer)
            if (
                (before is None or number < before)
                and longer - min(len(words), len(other)) <= allowed
                and longer - len(known & other) <= allowed
            ):
                found.append(number)
        return sorted(found)

    def _places(self, words: Words) -> list[int]:
        return sorted(self._place[token] for token in _numbered(words) if token in self._place)


def first_of_near(near: Sequence[Sequence[int]], left_out: Iterable[int] = ()) -> list[int | None]:
    """For each question the earlier kept one that it repeats, or None where it is kept itself.

    ``near[i]`` lists the questions before i that i is near; those ``left_out`` anyway repeat and are repeated by none.
    """
    gone = set(left_out)
    repeats: list[int | None] = []
    for number, earlier in enumerate(near):
        kept = [other for other in earlier if other not in gone and repeats[other] is None]
        repeats.append(kept[0] if kept and number not in gone else None)
    return repeats


def words_of(question: str) -> Words:
    """Words, numbers and operators in small letters: how questions are compared."""
    return tuple(word.replace(",", "") for word in _WORD.findall(question.casefold()))


def different(a: Words, b: Words) -> int:
    """How many words of the longer question the other lacks, counted with their repetitions, in whatever order."""
    return max(len(a), len(b)) - (Counter(a) & Counter(b)).total()


def _allowed(words: int) -> int:
    """Words that may differ: one in ten, at least one from four words on."""
    return max(words // 10, 1 if words >= 4 else 0)


def _numbered(words: Words) -> list[tuple[str, int]]:
    """The words made distinct by how often each has occurred, so that sets of them count repetitions."""
    seen: Counter[str] = Counter()
    numbered = []
    for word in words:
        numbered.append((word, seen[word]))
        seen[word] += 1
    return numbered


def _grams(words: Words, length: int | None) -> list[Words]:
    if length is None:
        return []
    return [words[start : start + length] for start in range(len(words) - length + 1)]


def _in_common(words: Words, other: Words) -> str:
    """The words, in their order, that the other has as well, as often as both have them."""
    left = Counter(other)
    common = []
    for word in words:
        if left[word]:
            left[word] -= 1
            common.append(word)
    return " ".join(common)
