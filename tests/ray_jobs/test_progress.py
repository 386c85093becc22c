"""The lines of progress."""

import pytest

from ray_jobs import progress
from ray_jobs.progress import Progress


@pytest.fixture(autouse=True)
def ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that always says ten seconds."""
    monkeypatch.setattr(progress.Stopwatch, "seconds", lambda _: 10.0)


@pytest.mark.parametrize(
    ("done", "line"),
    [
        (0, "sample: 0 of 9,000 (0 %)"),
        (1, "sample: 1 of 9,000 (0 %), 0.1/s"),
        (450, "sample: 450 of 9,000 (5 %), 45/s, 3 min left"),
        (9000, "sample: 9,000 of 9,000 (100 %), 900/s"),
    ],
)
def test_the_time_left_is_told_from_a_twentieth_on(done: int, line: str) -> None:
    """Earlier it would be the start that is measured; at 0 there is no rate either."""
    assert line == Progress("sample", 9000, lambda: (0, "")).line(done, "")


def test_a_line_that_says_nothing_new_is_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A job log has each line once, however often it was due."""
    monkeypatch.setattr(progress, "_PLAIN_EVERY_S", 0.0)
    done = iter([0, 0, 0, 440])
    report = Progress("evaluate", 440, lambda: (next(done), ""))
    with pytest.raises(StopIteration):
        report._report()
    assert ["evaluate: 0 of 440 (0 %)", "evaluate: 440 of 440 (100 %), 44/s"] == capsys.readouterr().err.splitlines()
