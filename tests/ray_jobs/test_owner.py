"""The owner of a run directory on an object store: a second run is refused while the first lives."""

import json
import threading
from pathlib import Path

import pytest

from pipelines.errors import DataError
from ray_jobs import owner
from ray_jobs.run_directory import RunDirectory

DEAD = json.dumps({"token": "gone", "host": "node-1", "pid": 4711, "renewed": 7}).encode()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same waits, a twentieth as long."""
    for name in ("RENEWED_EVERY_S", "DEAD_AFTER_S", "SETTLED_AFTER_S"):
        monkeypatch.setattr(owner, name, getattr(owner, name) / 20)


@pytest.fixture
def store(tmp_path: Path) -> RunDirectory:
    """A folder that is used as an object store is."""
    run_dir = RunDirectory(str(tmp_path))
    run_dir.is_local = False
    return run_dir


def test_a_second_run_is_refused_while_the_first_renews_its_file(store: RunDirectory) -> None:
    """The refusal names the process; afterwards the file is gone and the next run starts."""
    with store.locked(), pytest.raises(DataError, match=r"another run is at work here \(process"), store.locked():
        pass
    assert not store.exists("_owner.json")
    with store.locked():
        assert store.exists("_owner.json")


def test_the_file_of_a_dead_run_is_taken_over(store: RunDirectory) -> None:
    """A file that nobody renews belongs to nobody."""
    store.write_bytes(DEAD, "_owner.json")
    with store.locked():
        assert b"gone" not in store.read_bytes("_owner.json")


def test_a_file_torn_by_a_crash_is_taken_over(store: RunDirectory) -> None:
    """What it says matters less than that it does not change."""
    store.write_bytes(b'{"token": "go', "_owner.json")
    with store.locked():
        assert store.exists("_owner.json")


def test_of_two_runs_that_take_over_at_once_one_is_refused(
    store: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file names the one that wrote last, and both read it again."""
    monkeypatch.setattr(owner, "SETTLED_AFTER_S", 1.0)  # longer than a busy machine holds a thread between two lines
    monkeypatch.setattr(owner, "DEAD_AFTER_S", 5.0)
    outcomes: list[str] = []
    both = threading.Barrier(2)
    won = threading.Event()

    def run() -> None:
        both.wait()
        try:
            with owner.held(store.filesystem, store.path("_owner.json")):
                outcomes.append("works")
                won.wait(5)
        except DataError:
            outcomes.append("refused")
            won.set()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ["refused", "works"] == sorted(outcomes)


def test_a_run_that_stood_still_and_was_taken_over_ends(store: RunDirectory) -> None:
    """Its next renewal finds another's token: it stops, and leaves the file to the other."""
    with pytest.raises(DataError, match="process 4711 on node-1"), store.locked():
        for _ in range(100):  # the other renews its file as well, should this one have written over it just then
            store.write_bytes(DEAD, "_owner.json")
            threading.Event().wait(0.1)
    assert DEAD == store.read_bytes("_owner.json")


def test_on_an_s3_server_too(bucket: str) -> None:
    """Refused while the first lives, taken over once it is dead, given back at the end."""
    first, second = RunDirectory(f"{bucket}/run"), RunDirectory(f"{bucket}/run")
    with first.locked(), pytest.raises(DataError, match="another run is at work here"), second.locked():
        pass
    first.write_bytes(DEAD, "_owner.json")
    with second.locked():
        assert b"gone" not in second.read_bytes("_owner.json")
    assert not second.exists("_owner.json")
