"""Filters: which of a problem's judged samples are fit to train, each of the others with its reason.

In this order: proof (``mixture.keep``), flags (``mixture.drop_flags``), duplicates within question and thought
(``mixture.duplicates``), and the cap per question and thought (``mixture.max_per_problem``), which keeps the most
diverse.
Whole problems are left out before (``pipelines.mixture.overlap``), shares are cut after (``pipelines.mixture.shares``).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.config import MixtureConfig
from pipelines.mixture.example import Dropped, Judged
from pipelines.mixture.forms import most_diverse, normal_form


@dataclass(frozen=True)
class Fit:
    """A sample that passes, and how many draws it stands for: with ``duplicates: weigh`` its repetitions as well."""

    sample: Judged
    draws: int = 1


def fit_to_train(judged: Sequence[Judged], config: MixtureConfig) -> tuple[list[Fit], list[Dropped]]:
    """The samples that pass, by thought and draw; and one ``Dropped`` for each of the others."""
    proven: dict[str, list[Judged]] = {}
    dropped: list[Dropped] = []
    for sample in sorted(judged, key=lambda sample: (sample.thought, sample.draw, sample.sample_id)):
        reason = _unproven(sample, config.keep) or _flagged(sample, config.drop_flags)
        if reason is None:
            proven.setdefault(sample.thought, []).append(sample)
        else:
            dropped.append(Dropped(sample.thought, reason))
    fit: list[Fit] = []
    for thought, samples in proven.items():
        if len(samples) == 1:
            fit.append(Fit(samples[0]))
            continue
        form_of = {text: normal_form(thought, text) for text in {sample.completion for sample in samples}}
        forms = [form_of[sample.completion] for sample in samples]
        drawn = Counter(forms)
        distinct = samples
        if config.duplicates != "keep":
            distinct = [samples[forms.index(form)] for form in drawn]
            forms = list(drawn)
        chosen = most_diverse(forms, config.max_per_problem or len(forms))
        weighs = config.duplicates == "weigh"
        fit += [Fit(distinct[index], drawn[forms[index]] if weighs else 1) for index in chosen]
        dropped += [Dropped(thought, "duplicate")] * (len(samples) - len(distinct))
        dropped += [Dropped(thought, "over_max_per_problem")] * (len(distinct) - len(chosen))
    return fit, dropped


def _unproven(sample: Judged, keep: str) -> str | None:
    if keep == "all":
        return None if sample.completion.strip() else "empty"
    if sample.status != "solved":
        return sample.status
    if keep == "answered":
        return None
    if sample.correct is None:
        return "no_gold"
    return None if sample.correct else "incorrect"


def _flagged(sample: Judged, drop_flags: Sequence[str]) -> str | None:
    return next((f"flagged_{flag}" for flag in drop_flags if flag in sample.flags), None)
