"""A run directory's student as a local folder, which is what transformers loads from and writes to."""

import contextlib
import tempfile
from collections.abc import Iterator

from pyarrow import fs as pafs

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
