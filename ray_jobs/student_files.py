"""A run directory's student as a local folder, which is what transformers loads from."""

import tempfile

from pyarrow import fs as pafs

from ray_jobs.run_directory import RunDirectory


def local_student(run_dir: RunDirectory) -> str:
    """The student's folder; copied to a temporary one where the run directory is remote."""
    if run_dir.is_local:
        return run_dir.path("student")
    folder = tempfile.mkdtemp(prefix="student-")
    pafs.copy_files(run_dir.path("student"), folder, source_filesystem=run_dir.filesystem)
    return folder
