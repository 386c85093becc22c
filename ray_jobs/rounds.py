"""Adaptive draws: rounds of asking with proofs between them, until enough draws of each problem are right.

journal ──► prove what is new ──► next_round (who lacks right draws, how many to ask) ──► ask ──► journal ──► ...

    Draws(offered=[Request(..., draw=0), ...], has_gold=True, made={0, 1}, judged=2, right=1)

The first round asks a few problems only, so that the belief of how hard they are rests on something before the rest is
paid. Verdicts live in memory: after a kill they come again from the journal. ``verdicts/`` is written by verify.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from pipelines.config import RunConfig
from pipelines.problems import Problem
from pipelines.teacher import SAMPLE_SCHEMA, Costs, Price, Request, fitted, policy, price_of
from ray_jobs.journal import read_journal
from ray_jobs.plan import Plan, Seen, as_requests
from ray_jobs.run_directory import RunDirectory
from ray_jobs.stage import say
from ray_jobs.verify import proved

PILOT = 30  # problems of a thought that tell how hard they are
_OUTPUT_WEIGHT = 4.0  # a completion token against one of the prompt, where the price is unknown; most providers' ratio
_PROVED = pa.schema([SAMPLE_SCHEMA.field(name) for name in (*SAMPLE_SCHEMA.names[:5], "finish_reason")])

Ask = Callable[[list[Request]], None]


@dataclass
class Draws:
    """One thought of one problem: what can be drawn, what has been, and how much of it is right."""

    offered: list[Request]  # one draw each
    has_gold: bool
    made: set[int] = field(default_factory=set)  # those that failed in this run among them: the next run tries again
    judged: int = 0
    right: int = 0

    def open(self, needed: int) -> list[Request]:
        """What may still be asked: nothing once enough are right; without a gold answer, all draws."""
        if self.has_gold and self.right >= needed:
            return []
        return [single for single in self.offered if single.draw not in self.made]


def sample_until_correct(
    config: RunConfig,
    run_dir: RunDirectory,
    problems: Sequence[Problem],
    plan: Plan,
    asking: Callable[[Request], AbstractContextManager[Ask]],
) -> Plan:
    """Ask in rounds; the plan that comes back wants the draws that were made, and lacked those asked now.

    Raises:
        RunStopped, CredentialsError: as ``asking`` does.
    """
    needed = config.sampling.until_correct
    assert needed is not None
    has_gold = {problem.problem_id: problem.answer is not None for problem in problems}
    draws = {
        (offered[0].problem_id, offered[0].thought): Draws(offered, has_gold[offered[0].problem_id])
        for offered in plan.offered
        if offered
    }
    _judge(config, run_dir, draws, _take(run_dir, draws))
    price = price_of(config.teacher)
    asked: list[Request] = []

    def following() -> list[Request]:
        costs = {thought: costs_of(seen, price) for thought, seen in plan.seen.items()}
        return next_round(list(draws.values()), needed, config.sampling.draws, costs)

    if requests := following():
        with asking(requests[0]) as ask:
            while requests:
                ask(requests)
                asked += requests
                rows = _take(run_dir, draws)
                for row in rows:
                    plan.seen[row["thought"]].add(row)
                for request in requests:  # what has no row by now has failed to the end
                    made = draws[request.problem_id, request.thought].made
                    made.update(range(request.draw, request.draw + request.draws))
                _judge(config, run_dir, draws, rows)
                requests = following()
                lacking = sum(bool(one.open(needed)) for one in draws.values())
                say(f"sample: {len(rows):,} drawn and proved; {lacking:,} of {len(draws):,} not done")
    wanted = [single.sample_ids[0] for one in draws.values() for single in one.offered if single.draw in one.made]
    return replace(plan, wanted=wanted, missing=asked)


def next_round(draws: Sequence[Draws], needed: int, most: int, costs: Mapping[str, Costs]) -> list[Request]:
    """The requests of the next round, in the order of ``draws``; none when all is done."""
    sizes = {
        thought: _sizes([one for one in draws if one.offered[0].thought == thought], needed, most, costs[thought])
        for thought in dict.fromkeys(one.offered[0].thought for one in draws)
    }
    requests: list[Request] = []
    for one in draws:
        if singles := one.open(needed):
            requests += as_requests(singles[: sizes[one.offered[0].thought](one)])
    return requests


def _sizes(draws: Sequence[Draws], needed: int, most: int, costs: Costs) -> Callable[[Draws], int]:
    """How many draws to ask next for each problem of one thought; 0: it waits for what others tell."""
    told = [(one.right, one.judged) for one in draws if one.judged]
    untouched = [one for one in draws if one.has_gold and not one.made]
    if len(told) < PILOT and untouched:
        pilot = {id(one) for one in untouched[:: max(1, len(untouched) // PILOT)][:PILOT]}
        first = max(needed, 2)  # single draws would not tell how far problems differ
        return lambda one: most if not one.has_gold else first if id(one) in pilot else 0
    best = policy(most, needed, fitted(told), costs)
    return lambda one: int(best[one.judged, one.right]) if one.has_gold else most


def costs_of(seen: Seen, price: Price | None) -> Costs:
    """What a request and a completion cost by the answers so far, in dollars; weighted tokens where there is no price.

    Dollars as they were charged, so that cached prompts count for less. Where an endpoint takes no ``n``, each
    completion pays its own prompt. Endpoints that count no tokens: a prompt as dear as a completion.
    """
    if not seen.requests or not seen.completion_tokens:
        return Costs(1.0, 1.0)
    if price is not None and price.output > 0:
        answers = price.cost(0, seen.completion_tokens)
        prompts = max(0.0, seen.dollars - answers)
    else:
        answers, prompts = _OUTPUT_WEIGHT * seen.completion_tokens, float(seen.prompt_tokens)
    if seen.requests >= seen.samples > seen.first_draws:
        return Costs(0.0, (prompts + answers) / seen.samples)
    return Costs(prompts / seen.requests, answers / seen.samples)


def _take(run_dir: RunDirectory, draws: Mapping[tuple[str, str], Draws]) -> list[dict[str, Any]]:
    """The journal's samples that ``draws`` does not know yet; it does now."""
    offered = {key: {single.draw for single in one.offered} for key, one in draws.items()}
    new = []
    for row in read_journal(run_dir):
        key = row["problem_id"], row["thought"]
        if row["kind"] == "sample" and row["draw"] in offered.get(key, ()) and row["draw"] not in draws[key].made:
            draws[key].made.add(row["draw"])
            new.append(row)
    return new


def _judge(
    config: RunConfig, run_dir: RunDirectory, draws: Mapping[tuple[str, str], Draws], rows: Iterable[dict[str, Any]]
) -> None:
    """Prove samples and count what is right, as the mixture will count it."""
    import ray

    provable = [row for row in rows if draws[row["problem_id"], row["thought"]].has_gold]
    if not provable:
        return
    table = pa.Table.from_pylist(provable, schema=_PROVED)
    for batch in proved(ray.data.from_arrow(table), len(provable), config, run_dir).iter_batches(batch_size=None):
        columns = (batch[name].tolist() for name in ("problem_id", "thought", "status", "correct"))
        for problem_id, thought, status, correct in zip(*columns, strict=True):
            one = draws[problem_id, thought]
            one.judged += 1
            one.right += status == "solved" and correct is True
