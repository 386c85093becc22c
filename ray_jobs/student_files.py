"""A run directory's student: the hub commit that it starts from, and the local folder that transformers works on."""

import contextlib
import json
import tempfile
from collections.abc import Iterator

from pyarrow import fs as pafs

from pipelines.config import RunConfig
from ray_jobs.run_directory import RunDirectory


def local_student(run_dir: RunDirectory) -> str:
    """The student's folder; copied to a temporary one where the run directory is remote."""
    if run_dir.is_local:
        return run_dir.path("student")
    folder = tempfile.mkdtemp(prefix="student-")
    pafs.copy_files(run_dir.path("student"), folder, source_filesystem=run_dir.filesystem)
    return folder


@contextlib.contextmanager
def new_student(run_dir: RunDirectory) -> Iterator[str]:
    """A local folder to write a student to; what is in it at the end is the run directory's ``student/``."""
    if run_dir.is_local:
        yield run_dir.path("student")
        return
    with tempfile.TemporaryDirectory() as folder:
        yield folder
        pafs.copy_files(folder, run_dir.path("student"), destination_filesystem=run_dir.filesystem)


_BASE = ("checkpoints", "base.json")


def pinned(config: RunConfig, run_dir: RunDirectory) -> RunConfig:
    """The configuration with ``student.revision`` as a commit, the same one in every later run of this directory.

    A branch that moves on the hub does not train another student here. Local folders and random students have none.

    Raises:
        DataError: the checkpoint or its revision cannot be had.
    """
    from pipelines.student.pretrained import commit

    student = config.student
    if student.init == "random":
        return config
    asked = {"model": student.model, "revision": student.revision}
    known = json.loads(run_dir.read_bytes(*_BASE)) if run_dir.exists(*_BASE) else {}
    if {name: known.get(name) for name in asked} != asked:
        known = {**asked, "commit": commit(student.model, student.revision)}
        if known["commit"] is not None:
            run_dir.write_bytes(json.dumps(known).encode(), *_BASE)
    if known["commit"] is None:
        return config
    return config.model_copy(update={"student": student.model_copy(update={"revision": known["commit"]})})
