"""Batch mode: what is missing goes to the endpoint's Batch API, at half the price and within a day.

waiting requests ──► JSONL file ──► batch ──► output and error files ──► journal
                       ▲ journal/_batches/<key>.json ▲                      │
                       └────────── what failed in passing ◄─────────────────┘

A batch is written down (``batch_record``) before its file is uploaded, after the upload, after it was made, and when
its answers are in the journal, so that the same command goes on wherever it was killed. One whose id was lost is found
again by the key in its metadata: no batch is ever made twice. Lines that failed in passing are asked again, in at most
``ROUNDS`` batches; what then remains is a failure. Needs no Ray and runs on the driver.
"""

import time
import uuid
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import openai
from openai.types import Batch

from pipelines.config import RunConfig
from pipelines.errors import CredentialsError, RunStopped
from pipelines.teacher import Dialect, Exchange, Failure, Request, TeacherRefused, price_of
from pipelines.teacher.batch import MOST_BYTES, MOST_REQUESTS, BatchApi, Outcome, as_line, read_line, refused
from pipelines.teacher.error_reply import is_transient
from ray_jobs.batch_record import Record
from ray_jobs.journal import JournalWriter, read_journal
from ray_jobs.ledger import budget_reached
from ray_jobs.run_directory import RunDirectory
from ray_jobs.sampler import as_row

ROUNDS = 3
_POLLS_MISSED = 10  # in a row, before the endpoint counts as gone
_ROWS_AT_ONCE = 1000


@dataclass
class _Counts:
    """What the progress line shows; the open batches by their keys."""

    spent_usd: float
    is_priced: bool
    samples: int = 0
    failures: int = 0
    open: dict[str, Batch] = field(default_factory=dict)

    def line(self) -> tuple[int, str]:
        """Samples and failures so far, and what the endpoint says of the batches."""
        counts = [batch.request_counts for batch in list(self.open.values()) if batch.request_counts]
        completed, total = sum(count.completed for count in counts), sum(count.total for count in counts)
        batches = f"{len(self.open)} batches open ({completed:,} of {total:,} requests completed)"
        spent = f"${self.spent_usd:.4f}" if self.is_priced else "price unknown"
        return self.samples + self.failures, f"{batches}, {spent}"


class Batches:
    """All batches of one run of the command."""

    def __init__(
        self,
        config: RunConfig,
        run_dir: RunDirectory,
        exchange: Exchange,
        api: BatchApi,
        dialect: Dialect,
        spent_usd: float,
    ) -> None:
        """``dialect``: what is known of the endpoint; ``spent_usd``: what earlier runs of the command paid."""
        self._config = config
        self._run_dir = run_dir
        self._exchange = exchange
        self._api = api
        self._dialect = dialect
        self._journal = JournalWriter(run_dir)
        self._open: list[Record] = []
        self._waiting: deque[tuple[Request, int]] = deque()  # with its round
        self._answered: set[str] = set()
        self._at_once: int | None = None  # batches that the account takes at once, once it has refused one
        self._most = MOST_REQUESTS  # of a batch; fewer once the account has refused a batch alone
        self._polls_missed = 0
        self.counts = _Counts(spent_usd, price_of(config.teacher) is not None)

    def run(self, opened: list[Record], missing: list[Request], first: list[dict[str, Any]]) -> None:
        """Go on with the ``opened`` batches, ask for ``missing``, and return when all is in the journal.

        ``first``: rows that came before any batch.

        Raises:
            RunStopped: the budget is reached, or the endpoint cannot go on; open batches are collected next time.
            CredentialsError: the endpoint refuses every request.
        """
        if opened:  # one of them may have been collected in part
            self._answered = {row["sample_id"] for row in read_journal(self._run_dir) if row["kind"] == "sample"}
        self._write(first)
        in_batches = {sample_id for record in opened for one in record.requests for sample_id in one.sample_ids}
        left = _without(missing, in_batches | self._answered)
        self._waiting.extend((request, 1) for request in self._spoken(left))
        self._most = min([self._most, *(record.most for record in opened)])
        try:
            for record in opened:
                self._open.append(self._made(record))
            while self._open or self._waiting:
                alone = len(self._open) == 1
                ended = [self._collected(record, alone) for record in list(self._open)]
                self._make_batches()
                if not any(ended):
                    time.sleep(self._config.teacher.batch_poll_s)
        except TeacherRefused as error:
            if not self.counts.samples:
                raise CredentialsError(str(error)) from None
            raise RunStopped(f"{error}; {self.counts.samples:,} samples of this run are kept") from None
        except openai.APIError as error:
            raise RunStopped(
                f"teacher: the Batch API failed ({' '.join(str(error).split())[:500]}); "
                "what was asked is not lost, run the same command to go on"
            ) from error
        finally:
            self._journal.flush()

    def _spoken(self, requests: list[Request]) -> list[Request]:
        """The requests as the endpoint takes them: alone where it knows no ``n``."""
        if self._dialect.several:
            return requests
        return [single for request in requests for single in request.split()]

    def _make_batches(self) -> None:
        """Make batches of what waits, as many as account and budget take."""
        while self._waiting and (self._at_once is None or len(self._open) < self._at_once):
            record, lines = self._cut()
            if not record.requests:
                if not self._open:
                    raise RunStopped(
                        f"sample: {budget_reached(self._config.teacher.budget_usd, self.counts.spent_usd)}; "
                        f"{self.counts.samples:,} samples of this run are kept"
                    )
                return
            record.write(self._run_dir)
            self._open.append(self._made(record, lines))

    def _cut(self) -> tuple[Record, bytes]:
        """The next batch: what fits into one file, one round and the budget."""
        budget = self._config.teacher.budget_usd
        left = None if budget is None else budget - self.counts.spent_usd - sum(one.worst_usd for one in self._open)
        requests: list[Request] = []
        lines: list[bytes] = []
        size, worst, round_ = 0, 0.0, self._waiting[0][1]
        while self._waiting and self._waiting[0][1] == round_ and len(requests) < self._most:
            request = self._waiting[0][0]
            line = as_line(request, self._exchange, self._dialect)
            cost = self._exchange.at_most(request, request.draws)[1]
            if size + len(line) > MOST_BYTES or (left is not None and worst + cost > left):
                break
            self._waiting.popleft()
            requests.append(request)
            lines.append(line)
            size, worst = size + len(line), worst + cost
        return Record(
            key=uuid.uuid4().hex,
            created_s=time.time(),
            round=round_,
            worst_usd=worst,
            most=self._most,
            dialect=self._dialect,
            requests=requests,
        ), b"".join(lines)

    def _made(self, record: Record, lines: bytes = b"") -> Record:
        """The batch at the endpoint, found or made."""
        if record.batch_id is not None:
            return record
        batch = None
        if record.file_id is None:
            lines = lines or b"".join(as_line(one, self._exchange, record.dialect) for one in record.requests)
            try:
                record = replace(record, file_id=self._api.upload(lines))
            except openai.APIStatusError as error:
                if error.status_code in (404, 405):
                    replace(record, requests=[], is_done=True).write(self._run_dir)
                    raise RunStopped("teacher.mode: the endpoint has no Batch API; set teacher.mode=online") from None
                self._end_if_refused(error)
                raise
            record.write(self._run_dir)
        else:  # a kill came between the upload and our writing down what was made of it
            batch = self._api.find(record.key, record.created_s)
        if batch is None:
            batch = self._create(record)
        record = replace(record, batch_id=batch.id)
        record.write(self._run_dir)
        self.counts.open[record.key] = batch
        return record

    def _create(self, record: Record) -> Batch:
        """Make the batch; where no answer came, look first whether it was made."""
        assert record.file_id is not None
        for _ in range(ROUNDS):
            try:
                return self._api.create(record.file_id, record.key)
            except openai.APIConnectionError:
                time.sleep(self._config.teacher.batch_poll_s)
            except openai.APIStatusError as error:
                self._end_if_refused(error)
                if not is_transient(error.status_code):
                    raise
                time.sleep(self._config.teacher.batch_poll_s)
            found = self._api.find(record.key, record.created_s)
            if found is not None:
                return found
        return self._api.create(record.file_id, record.key)

    def _end_if_refused(self, error: openai.APIError) -> None:
        refusal = refused(error, self._exchange)
        if refusal is not None:
            raise refusal from None

    def _collected(self, record: Record, alone: bool) -> bool:
        """Look at a batch, which was ``alone`` at the endpoint or not; True: it has ended, its answers in the journal.

        Raises:
            RunStopped: it was cancelled, found faulty, or is unknown to the endpoint.
        """
        assert record.batch_id is not None
        try:
            batch = self._api.retrieve(record.batch_id)
        except openai.APIError as error:
            self._end_if_refused(error)
            if isinstance(error, openai.NotFoundError):
                return self._forgotten(record)
            self._polls_missed += 1
            if self._polls_missed > _POLLS_MISSED:
                raise
            return False
        self._polls_missed = 0
        self.counts.open[record.key] = batch
        if batch.status not in ("completed", "failed", "expired", "cancelled"):
            return False
        if batch.status == "failed":
            again, refusal = self._refused_whole(record, batch, alone), None
        else:
            again, refusal = self._collect(record, batch)
        self._close(record)
        if refusal is not None:
            raise refusal
        if batch.status == "cancelled":
            raise RunStopped(
                f"sample: batch {batch.id} was cancelled; {self.counts.samples:,} samples of this run are kept; "
                "run the same command to ask for the rest"
            )
        self._waiting.extend(again)
        return True

    def _close(self, record: Record) -> None:
        self._journal.flush()
        replace(record, requests=[], is_done=True).write(self._run_dir)
        self._open.remove(record)
        self.counts.open.pop(record.key, None)

    def _forgotten(self, record: Record) -> bool:
        """The endpoint does not know the batch: a local teacher forgets its batches when it ends."""
        if self._config.teacher.kind == "openai":
            raise RunStopped(
                f"sample: the endpoint knows no batch {record.batch_id}; set teacher.base_url and the key back to what "
                f"it was made with, or delete {record.path(self._run_dir)} to ask again"
            )
        self._close(record)
        self._waiting.extend((request, record.round) for request in _without(record.requests, self._answered))
        return True

    def _refused_whole(self, record: Record, batch: Batch, alone: bool) -> list[tuple[Request, int]]:
        """What waits again after a batch that was not begun, for too many tokens at once.

        Raises:
            RunStopped: it was refused for something else, or cannot be smaller.
        """
        error = batch.errors.data[0] if batch.errors and batch.errors.data else None
        is_smallest = alone and len(record.requests) == 1
        if error is None or error.code != "token_limit_exceeded" or is_smallest:
            said = "no reason given" if error is None else f"{error.code}: {error.message}"
            self._close(record)
            raise RunStopped(f"sample: batch {batch.id} was refused by the endpoint ({said}); nothing of it was paid")
        if alone:
            self._most = len(record.requests) // 2
        else:
            self._at_once = max(1, len(self._open) - 1)
        return [(request, record.round) for request in record.requests]

    def _collect(self, record: Record, batch: Batch) -> tuple[list[tuple[Request, int]], TeacherRefused | None]:
        """Answers into the journal; returns what is to be asked again, and a line that says it would be in vain."""
        rows: list[dict[str, Any]] = []
        again: list[tuple[Request, int]] = []
        refusal: TeacherRefused | None = None
        for request, outcome in self._outcomes(record, batch):
            if isinstance(outcome, TeacherRefused):
                refusal = outcome
                continue
            rows += [as_row(sample, request) for sample in outcome.samples]
            if outcome.dialect is not None:
                self._dialect = outcome.dialect
            rest = request.split()[len(outcome.samples) :]
            if outcome.samples and rest:  # it knows no n
                self._dialect = replace(self._dialect, several=False)
                again += [(single, record.round) for single in rest]
            elif outcome.is_transient and record.round < ROUNDS:
                again += [(one, record.round + 1) for one in self._spoken([request])]
            elif not outcome.samples:
                rows += [as_row(failure, request) for failure in Failure.of(request, outcome.error, record.round)]
            if len(rows) >= _ROWS_AT_ONCE:
                self._write(rows)
                rows = []
        self._write(rows)
        return [(one, round_) for one, round_ in again if one.sample_ids[0] not in self._answered], refusal

    def _outcomes(self, record: Record, batch: Batch) -> Iterator[tuple[Request, Outcome | TeacherRefused]]:
        """What each request came to; those that no file names were not asked."""
        asked = {request.sample_ids[0]: request for request in record.requests}
        for line in self._api.lines(batch):
            request = asked.pop(line["custom_id"], None)
            if request is None:
                continue
            try:
                yield request, read_line(line, request, self._exchange, record.dialect)
            except TeacherRefused as refusal:
                yield request, refusal
        for request in asked.values():
            yield request, Outcome(error=f"not in the files of batch {batch.id}", is_transient=True)

    def _write(self, rows: list[dict[str, Any]]) -> None:
        """Rows into the journal; samples that it has already are left out."""
        new = [row for row in rows if row["sample_id"] not in self._answered]
        self._journal.append(new)
        for row in new:
            if row["kind"] == "failure":
                self.counts.failures += 1
                continue
            self._answered.add(row["sample_id"])
            self.counts.samples += 1
            self.counts.spent_usd += row["cost_usd"] or 0.0


def _without(requests: list[Request], sample_ids: set[str]) -> list[Request]:
    """The requests for what is not among ``sample_ids``; one of which only a part is left is asked draw by draw."""
    left = []
    for request in requests:
        if sample_ids.isdisjoint(request.sample_ids):
            left.append(request)
        else:
            left += [single for single in request.split() if single.sample_ids[0] not in sample_ids]
    return left
