"""The ledger: one actor on the driver's node that keeps quota, budget and journal for all samplers.

lease(64, tokens=900, cost_usd=0.0004) -> Lease(count=25, delay_s=0.0, spacing_s=0.01) | None (stop)
record([{"kind": "sample", ...}])         written to the journal when it returns
"""

import time
from dataclasses import dataclass
from typing import Any

from pipelines.config import RunConfig
from pipelines.teacher import Lease, Quota, model_name, price_of
from ray_jobs.journal import JournalWriter
from ray_jobs.run_directory import RunDirectory


@dataclass(frozen=True)
class LedgerStatus:
    """What the ledger has counted in this run."""

    samples: int
    failures: int
    spent_usd: float | None
    stopped: str
    refused: str


class Ledger:
    """The one keeper of quota, budget and journal, an actor on the driver's node."""

    def __init__(self, config: RunConfig, spent_usd: float) -> None:
        """``spent_usd``: what earlier runs of the command paid."""
        self._quota = Quota(config.teacher.requests_per_minute, config.teacher.tokens_per_minute)
        self._journal = JournalWriter(RunDirectory(config.run_dir))
        self._budget = config.teacher.budget_usd
        self._priced = price_of(model_name(config.teacher)) is not None
        self._spent = spent_usd
        self._leased = self._samples = self._failures = 0
        self._stopped = self._refused = ""

    def lease(self, count: int, tokens: int, cost_usd: float) -> Lease | None:
        """Permission for up to ``count`` requests of at most ``tokens`` and ``cost_usd`` each; None: stop."""
        if self._stopped or self._refused:
            return None
        in_flight = self._leased - self._samples - self._failures
        if self._budget is not None and self._spent + (in_flight + 1) * cost_usd > self._budget:
            if in_flight == 0:
                self._stopped = (
                    f"teacher.budget_usd {self._budget} is reached ({self._spent:.4f} spent); raise it to go on"
                )
                return None
            return Lease(count=0, delay_s=0.1, spacing_s=0.0)  # ask again when what is in flight has its price
        if self._budget is not None and cost_usd > 0:
            count = min(count, int((self._budget - self._spent) / cost_usd) - in_flight)
        lease = self._quota.lease(max(count, 1), tokens, time.monotonic())
        self._leased += lease.count
        return lease

    def record(self, rows: list[dict[str, Any]]) -> None:
        """Write answers to the journal; they are safe when this returns."""
        self._journal.append(rows)
        for row in rows:
            if row["kind"] == "sample":
                self._samples += 1
                self._spent += row["cost_usd"] or 0.0
            else:
                self._failures += 1

    def refuse(self, reason: str) -> None:
        """The endpoint refuses everything: stop the run."""
        self._refused = self._refused or reason

    def status(self) -> LedgerStatus:
        """The counts so far."""
        spent = self._spent if self._priced else None
        return LedgerStatus(self._samples, self._failures, spent, self._stopped, self._refused)

    def close(self) -> LedgerStatus:
        """Write out what an object store's journal still holds back."""
        self._journal.flush()
        return self.status()
