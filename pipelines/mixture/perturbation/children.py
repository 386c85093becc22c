"""New problems from a verified one: other numbers in the question and in its thoughts, every pair proved again.

    parent  gsm8k/train/12    "Ann has 16 eggs and eats 3. ..."    ans = 16 - 3
    child   gsm8k/train/12~1  "Ann has 22 eggs and eats 5. ..."    ans = 22 - 5

A PoT, else an EoT, of the parent leads: numbers that stand once in the question and once in it are redrawn within their
kind until its answer and the values on the way keep their character. Other thoughts follow where they can; a PoT or an
EoT that then gives another answer takes the child away, since one of the two was right by accident. What a person would
still call odd (a child aged 60, a cat of 30 kg) is not seen here.
"""

import random
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from pipelines.mixture.example import SEPARATOR, Judged
from pipelines.mixture.perturbation.literals import Apart, Unreadable, apart
from pipelines.mixture.perturbation.prose import recomputed
from pipelines.mixture.perturbation.quantities import ALWAYS, Quantity, implied, read
from pipelines.mixture.perturbation.redraw import candidates, draw, ordered, replaced
from pipelines.mixture.perturbation.trace import change_of_character, program_values, system_values
from pipelines.problems import Problem
from pipelines.solvers import Sandbox
from pipelines.solvers.numerals import number_text
from pipelines.thoughts import THOUGHTS, Verdict, judge

_TRIES = 80
_DOUBTS = frozenset({"comment_contradicts", "constant", "no_question_numbers", "reassigned", "wrong_arithmetic"})

Tally = Counter[tuple[str, str]]
"""(section of the card, what happened) -> how often."""


@dataclass(frozen=True)
class Child:
    """A new problem, its proved thoughts by name, and what was redrawn ("16 -> 22; 3 -> 5")."""

    problem: Problem
    parent_id: str
    thoughts: Mapping[str, tuple[str, Verdict]]
    changed: str


def children(
    problem: Problem, judged: Sequence[Judged], count: int, seed: int, sandbox: Sandbox, tally: Tally
) -> list[Child]:
    """Up to ``count`` children: a function of seed, problem, thought and number. What happened is added to ``tally``.

    The first ``n`` of them are the same whatever ``count``.
    """
    proven = [sample for sample in judged if sample.status == "solved" and sample.correct]
    if problem.answer is None or problem.answer_kind != "number" or not any(s.thought in _VALUES for s in proven):
        return []
    tally["parents", "with_a_verified_pot_or_eot"] += 1
    family = _Family(problem, [sample for sample in proven if _DOUBTS.isdisjoint(sample.flags)], seed, sandbox, tally)
    if not family.leads:
        return []
    made: list[Child] = []
    for number in range(1, count + 1):
        child = family.child(number, taken=[problem.question, *(child.problem.question for child in made)])
        if child is not None:
            made.append(child)
    tally["parents", "with_children"] += bool(made)
    return made


@dataclass(frozen=True)
class _Lead:
    """A thought whose values can be followed, and which numbers it lets be redrawn to what."""

    sample: Judged
    apart: Apart
    values: Sequence[Fraction]
    options: Mapping[Quantity, Sequence[Fraction]]


class _Family:
    def __init__(self, problem: Problem, proven: Sequence[Judged], seed: int, sandbox: Sandbox, tally: Tally) -> None:
        self._problem, self._seed, self._sandbox, self._tally = problem, seed, sandbox, tally
        self._quantities = read(problem.question)
        self._apart: dict[str, list[tuple[Judged, Apart]]] = {"pot": [], "eot": []}
        self._chains = [sample for sample in proven if sample.thought == "cot"]
        reasons: list[str] = [] if any(s.thought in _VALUES for s in proven) else ["flagged"]
        for sample in proven:
            if sample.thought in self._apart:
                try:
                    taken = apart(sample.thought, sample.completion.strip(), problem.question, self._quantities)
                except Unreadable as error:
                    reasons.append(str(error))
                else:
                    self._apart[sample.thought].append((sample, taken))
        self.leads: list[_Lead] = []
        for name, samples in self._apart.items():
            for sample, taken in samples if not self.leads or self.leads[0].sample.thought == name else []:
                try:
                    self.leads.append(self._lead(sample, taken))
                except Unreadable as error:
                    reasons.append(str(error))
        if not self.leads:
            tally["unusable_parents", reasons[0]] += 1

    def child(self, number: int, taken: Sequence[str]) -> Child | None:
        """Child ``number``, or None where no draw keeps the parent's character or a thought is not proved."""
        lead = self.leads[(number - 1) % len(self.leads)]
        new = self._drawn(lead, number, taken)
        if new is None:
            self._tally["rejected_children", "no_draw_kept_the_character"] += 1
            return None
        question = replaced(self._problem.question, self._quantities, new)
        values = _VALUES[lead.sample.thought](lead.apart.with_numbers(new, question), self._sandbox)
        gold = number_text(values[-1])  # exact, where a program's floats may not be
        verdicts: dict[str, tuple[str, Verdict]] = {}
        for name, text in self._texts(lead, number, new, question):
            verdict = judge(THOUGHTS[name], text, "stop", gold, "number", self._sandbox, question)
            if verdict.status != "solved" or not verdict.correct or not _DOUBTS.isdisjoint(verdict.flags):
                if name == "cot":
                    self._tally["left_out_thoughts", "cot_not_proved"] += 1
                    continue
                disagrees = verdict.status == "solved" and not verdict.correct
                self._tally["rejected_children", "thoughts_disagree" if disagrees else "not_proved"] += 1
                return None
            verdicts[name] = (text, verdict)
        self._tally["children", "kept"] += 1
        self._tally.update(("kept_thoughts", name) for name in verdicts)
        changed = "; ".join(f"{number_text(each.value)} -> {number_text(value)}" for each, value in new.items())
        name = f"{self._problem.problem_id}{SEPARATOR}{number}"
        problem = replace(self._problem, problem_id=name, question=question, answer=gold, rationale=None)
        return Child(problem, self._problem.problem_id, verdicts, changed)

    def _lead(self, sample: Judged, taken: Apart) -> _Lead:
        values = _VALUES[sample.thought](sample.completion.strip(), self._sandbox)
        options = self._options(taken)
        others = [each for name, samples in self._apart.items() if name != sample.thought for _, each in samples[:1]]
        shared = {each: values_ for each, values_ in options.items() if all(self._fits(each, o) for o in others)}
        if not options:
            raise Unreadable("no_number_stands_once_in_both")
        return _Lead(sample, taken, values, shared or options)

    def _options(self, taken: Apart) -> dict[Quantity, Sequence[Fraction]]:
        found = {
            each: candidates(each, self._problem.question)
            for each in self._quantities
            if each.kind != "fixed" and self._fits(each, taken)
        }
        return {each: values for each, values in found.items() if values}

    def _fits(self, quantity: Quantity, taken: Apart) -> bool:
        others = {each.value for each in self._quantities if each is not quantity}
        return taken.redrawable(quantity, others | implied(self._problem.question) | ALWAYS)

    def _drawn(self, lead: _Lead, number: int, taken: Sequence[str]) -> dict[Quantity, Fraction] | None:
        key = f"{self._seed}/{lead.sample.sample_id}/{number}"
        source = random.Random(zlib.crc32(key.encode()))
        everything = list(lead.options)
        for attempt in range(_TRIES):
            size = len(everything) if attempt < _TRIES // 2 else source.randint(1, len(everything))
            chosen = sorted(source.sample(everything, size), key=lambda each: each.start)
            new = draw(source, chosen, lead.options)
            reason = self._refused(lead, new, taken)
            self._tally["draws", "tried"] += 1
            if reason is None:
                return new
            self._tally["refused_draws", reason] += 1
        return None

    def _refused(self, lead: _Lead, new: Mapping[Quantity, Fraction], taken: Sequence[str]) -> str | None:
        if not ordered(self._quantities, new):
            return "order"
        question = replaced(self._problem.question, self._quantities, new)
        if question in taken:
            return "same_question"
        try:
            values = _VALUES[lead.sample.thought](lead.apart.with_numbers(new, question), self._sandbox)
        except Unreadable:
            return "no_value"
        return change_of_character(lead.values, values)

    def _texts(
        self, lead: _Lead, number: int, new: Mapping[Quantity, Fraction], question: str
    ) -> Iterable[tuple[str, str]]:
        """The lead's thought first, then those that can follow."""
        yield lead.sample.thought, lead.apart.with_numbers(new, question)
        for name, samples in self._apart.items():
            if name == lead.sample.thought or not samples:
                continue
            _, other = samples[(number - 1) % len(samples)]
            if all(self._fits(each, other) for each in new):
                yield name, other.with_numbers(new, question)
            else:
                self._tally["left_out_thoughts", f"{name}_lacks_the_number"] += 1
        if self._chains:
            chain = self._chains[(number - 1) % len(self._chains)]
            text = recomputed(chain.completion.strip(), self._known(new))
            if text is None:
                self._tally["left_out_thoughts", "cot_not_explicit"] += 1
            else:
                yield "cot", text

    def _known(self, new: Mapping[Quantity, Fraction]) -> dict[Fraction, Fraction]:
        """Every number that a chain of thought may use, old to new."""
        same = ALWAYS | implied(self._problem.question) | {each.value for each in self._quantities}
        return {**{value: value for value in same}, **{each.value: value for each, value in new.items()}}


_VALUES: dict[str, Callable[[str, Sandbox], list[Fraction]]] = {
    "pot": lambda text, _: program_values(text),
    "eot": system_values,
}
