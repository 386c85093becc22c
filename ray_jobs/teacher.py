"""A local teacher on a port of its own, for other clients or for several runs at once.

python -m ray_jobs.teacher --config configs/quickstart.yaml teacher.base_url=http://127.0.0.1:8123/v1

Serves the configured rehearsal or recorded teacher until interrupted; runs ask it as any endpoint (kind openai,
model rehearsal, the same base_url). What it has seen stands at /counts.
"""

import asyncio
import sys
from urllib.parse import urlsplit

from pipelines.config import RunConfig
from pipelines.errors import ConfigError
from pipelines.problems import load
from pipelines.teacher.server import application, local_answers, serve
from ray_jobs import cli
from ray_jobs.stage import say


def command(config: RunConfig, dry_run: bool) -> None:
    """``python -m ray_jobs.teacher``.

    Raises:
        ConfigError: the teacher is no local one.
    """
    if config.teacher.kind == "openai":
        raise ConfigError("teacher.kind: 'openai' is no local teacher; expected rehearsal or recorded")
    if not dry_run:
        asyncio.run(_serve(config))


async def _serve(config: RunConfig) -> None:
    address = urlsplit(config.teacher.base_url or "http://127.0.0.1:0/v1")
    problems = load(config.problems, config.seed)
    app = application(local_answers(config, problems), config.teacher.rehearsal, config.seed)
    runner, base_url = await serve(app, address.hostname or "127.0.0.1", address.port or 0)
    say(f"teacher: serving {len(problems):,} problems at {base_url}")
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    sys.exit(cli.main("teacher", "Serve the rehearsal or recorded teacher on a port.", command))
