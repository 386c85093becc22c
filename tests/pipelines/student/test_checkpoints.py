"""Training states on disk."""

import torch

from pipelines.student.checkpoints import CheckpointStore


def state(step):
    return {"step": step, "model": {"w": torch.full((3,), float(step))}}


def test_latest_is_the_newest(tmp_path):
    """The state comes back as it was saved."""
    store = CheckpointStore(str(tmp_path / "checkpoints"))
    for step in (20, 100):
        store.save(step, state(step))
    latest = store.latest()
    assert (100, [100.0] * 3) == (latest["step"], latest["model"]["w"].tolist())


def test_nothing_saved_is_none(tmp_path):
    """A directory that does not exist has no state."""
    assert None is CheckpointStore(str(tmp_path / "none")).latest()


def test_last_two_are_kept(tmp_path):
    """Older states are removed after a newer one is complete."""
    store = CheckpointStore(str(tmp_path))
    for step in range(5):
        store.save(step, state(step))
    assert {"step-00000003.pt", "step-00000003.json", "step-00000004.pt", "step-00000004.json"} == {
        file.name for file in tmp_path.iterdir()
    }


def test_state_without_marker_is_ignored(tmp_path):
    """A writer that died before the marker left nothing to load."""
    store = CheckpointStore(str(tmp_path))
    store.save(1, state(1))
    store.save(2, state(2))
    (tmp_path / "step-00000002.json").unlink()
    assert 1 == store.latest()["step"]


def test_short_state_is_ignored(tmp_path):
    """A state of another size than its marker says is not loaded."""
    store = CheckpointStore(str(tmp_path))
    store.save(1, state(1))
    store.save(2, state(2))
    file = tmp_path / "step-00000002.pt"
    file.write_bytes(file.read_bytes()[:-10])
    assert 1 == store.latest()["step"]


def test_damaged_state_falls_back(tmp_path):
    """A state of the right size that does not load gives way to the one before."""
    store = CheckpointStore(str(tmp_path))
    store.save(1, state(1))
    store.save(2, state(2))
    file = tmp_path / "step-00000002.pt"
    file.write_bytes(b"\0" * file.stat().st_size)
    assert 1 == store.latest()["step"]


def test_torn_marker_is_ignored(tmp_path):
    """A marker that is no JSON marks nothing."""
    store = CheckpointStore(str(tmp_path))
    store.save(1, state(1))
    store.save(2, state(2))
    (tmp_path / "step-00000002.json").write_text('{"step": 2, "by')
    assert 1 == store.latest()["step"]


def test_the_best_step_is_kept_beside_the_last_two(tmp_path):
    """As long as one of the two names it, so that falling back to the older one finds its best as well."""
    store = CheckpointStore(str(tmp_path))
    for step, best in ((1, 1), (2, 1), (3, 1), (4, 4)):
        store.save(step, state(step), best)
    assert [1, 3, 4] == sorted(int(file.stem[5:]) for file in tmp_path.glob("*.pt"))
    assert 1 == store.load(1)["step"]
    store.save(5, state(5), 4)
    assert None is store.load(1)


def test_what_a_kill_left_goes_with_the_next_save(tmp_path):
    """A state without a marker is removed; files that are no states are not touched."""
    store = CheckpointStore(str(tmp_path))
    (tmp_path / "step-00000001.pt").write_bytes(b"half")
    (tmp_path / "result.json").write_bytes(b"{}")
    store.save(2, state(2))
    assert {"result.json", "step-00000002.json", "step-00000002.pt"} == {file.name for file in tmp_path.iterdir()}
