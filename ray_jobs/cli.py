"""The command line that every stage shares: a YAML file, overrides, and one line for bad input.

    python -m ray_jobs.distill --config configs/quickstart.yaml run_dir=runs/quickstart training.epochs=3

Overrides are ``section.field=value`` with YAML-typed values; list items are named by number
(``evaluation_problems.0.path=test.jsonl``). Exit codes: 0 done, 1 failed or stopped, 2 bad input.
"""

import argparse
import difflib
import json
import os
import re
import sys
import types
import typing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pipelines import problems, thoughts
from pipelines.config import RunConfig
from pipelines.errors import BadInput, ConfigError, ThoughtDistillError
from pipelines.storage import is_local
from ray_jobs.outage import failure

Command = Callable[[RunConfig, bool], None]
"""What a stage's command does with the configuration; the flag is ``--dry-run``."""

Described = TypeVar("Described")


def main(name: str, what: str, command: Command, arguments: Sequence[str] | None = None) -> int:
    """A stage's command: its exit code."""
    return answer(name, what, load_config, command, describe_fields(), arguments)


def answer(
    name: str,
    what: str,
    load: Callable[[str | None, Sequence[str]], Described],
    command: Callable[[Described, bool], None],
    fields: str,
    arguments: Sequence[str] | None = None,
) -> int:
    """Parse, load, run and return the exit code; the one place that prints an error of ours."""
    parser = argparse.ArgumentParser(
        prog=f"python -m ray_jobs.{name}",
        description=what,
        epilog=fields,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", metavar="FILE", help="YAML file of the run")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done; call and write nothing")
    parser.add_argument("overrides", nargs="*", metavar="section.field=value", help="fields that replace the file's")
    options = parser.parse_intermixed_args(arguments)
    try:
        command(load(options.config, options.overrides), options.dry_run)
    except ThoughtDistillError as error:
        label = "" if isinstance(error, BadInput) else f" ({name} can go on with the same command)"
        print(f"error: {error}{label}", file=sys.stderr)
        return error.exit_code
    except Exception as error:
        said = failure(error)
        if said is None:
            raise
        print(f"error: {name}: {said} ({name} can go on with the same command)", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{name}: interrupted; the same command goes on", file=sys.stderr)
        return 1
    return 0


def load_config(file: str | None, overrides: Sequence[str]) -> RunConfig:
    """The configuration of a YAML file with overrides.

    Raises:
        ConfigError: one line that names the file or override, the field, what was expected, and the nearest name.
    """
    tree = read_yaml(file) if file else {}
    written = set(tree)
    overridden = [override(tree, one) for one in overrides]

    def origin(field: str) -> str:
        is_new = field not in written and any(one.startswith(f"{field}.") for one in overridden)
        return "command line" if is_new or field in overridden or file is None else file

    return validated(tree, origin)


def validated(tree: dict[str, Any], origin: Callable[[str], str]) -> RunConfig:
    """The configuration that a tree of fields describes; ``origin`` says where a field was written.

    Raises:
        ConfigError: as ``load_config``.
    """
    try:
        config = RunConfig.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        field = _dotted(first)
        raise ConfigError(f"{origin(field)}: {_one_line(first, field)}") from None
    _check_names(config)
    return config.model_copy(update={"run_dir": absolute(config.run_dir)})


def describe_fields() -> str:
    """Every field with its default and meaning, for ``--help``."""
    return "fields (null: not sent, not limited or measured, as the meaning says):\n" + "\n".join(
        _described(RunConfig, "")
    )


def in_submitted_job() -> bool:
    """Whether this process is the entrypoint of ``ray job submit``."""
    job = json.loads(os.environ.get("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}"))
    return "job_submission_id" in job.get("metadata", {})


def absolute(run_dir: str) -> str:
    """A run directory as every process of the cluster finds it.

    Raises:
        ConfigError: it is relative, in a submitted job, or holds a character at which Ray Data cuts a path.
    """
    if not is_local(run_dir):
        return run_dir
    plain = run_dir.removeprefix("file://").removeprefix("local://")
    if unusable := re.search(r"[?\x00-\x1f\x7f]", plain):
        raise ConfigError(f"run_dir: {plain!r} holds {unusable[0]!r}, at which Ray cuts a path; rename the folder")
    path = Path(plain).expanduser()
    if not path.is_absolute() and in_submitted_job():
        raise ConfigError(
            f"run_dir: '{run_dir}' is relative, and a submitted job's working directory is a cache that Ray empties; "
            f"give an absolute path or a URI, e.g. run_dir=/data/{path} or run_dir=s3://bucket/{path.name}"
        )
    return str(path.absolute())


def read_yaml(file: str) -> dict[str, Any]:
    """A YAML file of fields.

    Raises:
        ConfigError: it is missing or not readable, with the nearest file's name.
    """
    try:
        tree = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    except FileNotFoundError:
        near = difflib.get_close_matches(file, [str(path) for path in Path(file).parent.glob("*.yaml")], n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ConfigError(f"{file}: no such configuration file{hint}") from None
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not readable YAML ({' '.join(str(error).split())})") from None
    if not isinstance(tree, dict):
        raise ConfigError(f"{file}: expected fields such as 'run_dir: runs/mine', found {type(tree).__name__}")
    return tree


def override(tree: dict[str, Any], argument: str) -> str:
    """Put one ``a.b=value`` of the command line into the tree; returns the dotted name."""
    name, equals, text = argument.partition("=")
    if not equals or not name:
        raise ConfigError(f"command line: '{argument}' is no override; expected section.field=value")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ConfigError(f"command line: {name}: '{text}' is not readable as YAML") from None
    put(tree, name, value)
    return name


def put(tree: dict[str, Any], name: str, value: Any) -> None:
    """Set a field by its dotted name."""
    *parents, last = name.split(".")
    place: Any = tree
    for part in parents:
        place = _step_into(place, part, name)
    if isinstance(place, list):
        place[_index(place, last, name)] = value
    else:
        place[last] = value


def is_section(name: str) -> bool:
    """Whether a dotted name is a section, whose fields have names of their own, rather than a field."""
    model: Any = RunConfig
    for part in name.split("."):
        info = _fields_of(model).get(part)
        if info is None:
            return False
        model = info.annotation
    return bool(_fields_of(model))


def _step_into(place: Any, part: str, name: str) -> Any:
    if isinstance(place, list):
        return place[_index(place, part, name)]
    if place.get(part) is None:
        place[part] = {}
    if not isinstance(place[part], (dict, list)):
        raise ConfigError(f"command line: {name}: '{part}' holds a single value, not fields")
    return place[part]


def _index(items: list[Any], part: str, name: str) -> int:
    if not part.isdecimal() or int(part) >= len(items):
        raise ConfigError(f"command line: {name}: '{part}' is no item of a list of {len(items)}; items count from 0")
    return int(part)


def _check_names(config: RunConfig) -> None:
    """Names that only the packages know: sources and thoughts."""
    problems.check(config.problems, "problems")
    for number, source in enumerate(config.evaluation_problems):
        problems.check(source, f"evaluation_problems.{number}")
    thoughts.check(config.sampling.thoughts, "sampling.thoughts")
    thoughts.check(config.mixture.ratios or {}, "mixture.ratios")
    thoughts.check(config.evaluation.select, "evaluation.select")


def _dotted(error: ErrorDetails) -> str:
    """The field's dotted name; parts that pydantic adds for the branches of a union are left out."""
    parts: list[str] = []
    model: Any = RunConfig
    for part in error["loc"]:
        if isinstance(part, int):
            parts.append(str(part))
            continue
        fields = _fields_of(model)
        if fields and part not in fields and error["type"] != "extra_forbidden":
            continue
        if not fields and parts and model is not dict:
            continue
        parts.append(part)
        model = _model_in(fields[part].annotation) if part in fields else None
    return ".".join(parts)


def _one_line(error: ErrorDetails, field: str) -> str:
    if error["type"] == "extra_forbidden":
        *parents, last = field.split(".")
        model: Any = RunConfig
        for part in parents:
            if not part.isdecimal():
                model = _model_in(_fields_of(model)[part].annotation)
        names = list(_fields_of(model))
        near = difflib.get_close_matches(last, names, n=1, cutoff=0.5)
        prefix = ".".join(parents) + "." if parents else ""
        hint = f"did you mean '{prefix}{near[0]}'?" if near else f"fields here: {', '.join(names)}"
        return f"{field}: unknown field; {hint}"
    if error["type"] == "missing":
        return f"{field}: missing; expected e.g. run_dir=runs/mine" if field == "run_dir" else f"{field}: missing"
    message = error["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:] if message.startswith("Input") else message
    if error["type"] == "value_error":
        return f"{field}: {message}" if field else message
    return f"{field}: {message}, got {error['input']!r}{_nearest_literal(error)}"


def _nearest_literal(error: ErrorDetails) -> str:
    if error["type"] != "literal_error":
        return ""
    allowed = [
        word.strip("'") for word in str(error.get("ctx", {}).get("expected", "")).replace(" or ", ", ").split(", ")
    ]
    near = difflib.get_close_matches(str(error["input"]), allowed, n=1, cutoff=0.5)
    return f"; did you mean '{near[0]}'?" if near else ""


def _fields_of(model: Any) -> dict[str, Any]:
    return dict(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else {}


def _model_in(annotation: Any) -> Any:
    """The section inside an annotation such as ``list[ProblemSource]``; dict where names are free."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    origin = typing.get_origin(annotation)
    if origin is dict or annotation is dict:
        return dict
    if origin in (list, types.UnionType, typing.Union):
        found = [_model_in(argument) for argument in typing.get_args(annotation)]
        return next((model for model in found if model is not None), None)
    return None


def _described(model: type[BaseModel], prefix: str) -> list[str]:
    lines: list[str] = []
    for name, info in model.model_fields.items():
        section = _model_in(info.annotation)
        if section is not None and section is not dict:
            is_list = typing.get_origin(info.annotation) is list
            lines.append(f"\n  {prefix}{name}: {info.description}{' (a list of these)' if is_list else ''}")
            lines += _described(section, f"{prefix}{name}.{'0.' if is_list else ''}")
            continue
        default = "required" if info.is_required() else f"default {json.dumps(info.get_default())}"
        lines.append(f"  {prefix}{name}: {info.description} [{default}]")
    return lines
