"""Every exception that a user can meet, and the exit code each one ends a command with.

    ThoughtDistillError          1   the run failed; the same command goes on
    ├── RunStopped               1   stopped on purpose (budget, too many failed requests)
    └── BadInput                 2   nothing was started and nothing was spent
        ├── ConfigError              a field of the YAML file or an override
        ├── DataError                a file of problems, samples or completions
        ├── CredentialsError         a missing or refused key
        └── PaidRowsError            a change to rows that were already paid for

A message is one line: what, where, what was expected, what to do.
``ray_jobs.cli`` is the one place that prints it and turns it into the exit code.
"""

from typing import ClassVar


class ThoughtDistillError(Exception):
    """Base of all errors that are meant for the user."""

    exit_code: ClassVar[int] = 1


class RunStopped(ThoughtDistillError):  # noqa: N818 - stopping is not always an error
    """The run stopped on purpose and can go on with the same command."""


class BadInput(ThoughtDistillError):  # noqa: N818 - the children carry the suffix
    """The input cannot be used; refused before Ray starts or money is spent."""

    exit_code: ClassVar[int] = 2


class ConfigError(BadInput):
    """A configuration field is unknown, of the wrong type, or impossible."""


class DataError(BadInput):
    """A data file is missing, malformed or empty."""


class CredentialsError(BadInput):
    """A key is missing or was refused."""


class PaidRowsError(BadInput):
    """A changed field would alter rows that were already paid for."""
