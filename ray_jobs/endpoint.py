"""The endpoint to ask: the user's, or a local teacher as a real server in an actor, for as long as a sampling lasts."""

import contextlib
import socket
import urllib.parse
import urllib.request
from collections.abc import Iterator

from pipelines.config import RunConfig
from pipelines.errors import ConfigError
from pipelines.problems import Problem
from ray_jobs.session import on_this_node

_REACHED_S = 10.0


class LocalTeacher:
    """The rehearsal or recorded teacher's server, in an actor of its own."""

    async def start(self, config: RunConfig, problems: list[Problem], host: str) -> str:
        """Serve; returns the base URL."""
        from pipelines.teacher.server import application, local_answers, serve

        app = application(local_answers(config, problems), config.teacher.rehearsal, config.seed)
        self._runner, base_url = await serve(app, host)
        return base_url

    async def stop(self) -> None:
        """Close what is open, so that the actor ends in silence."""
        await self._runner.cleanup()


@contextlib.contextmanager
def endpoint(config: RunConfig, problems: list[Problem]) -> Iterator[str | None]:
    """The base URL to ask: the configured endpoint, or a local teacher that lives as long as the sampling.

    Raises:
        ConfigError: nothing listens at ``teacher.base_url``.
    """
    if config.teacher.kind == "openai":
        if config.teacher.base_url is not None:
            _check_reachable(config.teacher.base_url)
        yield config.teacher.base_url
        return
    import ray

    alone = sum(node["Alive"] for node in ray.nodes()) == 1
    host = "127.0.0.1" if alone else ray.util.get_node_ip_address()
    server = ray.remote(LocalTeacher).options(num_cpus=0, scheduling_strategy=on_this_node()).remote()
    try:
        yield ray.get(server.start.remote(config, problems, host))
    finally:
        ray.get(server.stop.remote())
        ray.kill(server)


def _check_reachable(base_url: str) -> None:
    url = urllib.parse.urlsplit(base_url)
    if url.scheme in urllib.request.getproxies() or url.hostname is None:
        return  # a proxy knows the way
    try:
        port = url.port or (443 if url.scheme == "https" else 80)
        socket.create_connection((url.hostname, port), timeout=_REACHED_S).close()
    except OSError as error:
        raise ConfigError(
            f"teacher.base_url: cannot reach {base_url} ({error.strerror or error}); expected the address of a running "
            "endpoint, e.g. http://localhost:8000/v1"
        ) from None
