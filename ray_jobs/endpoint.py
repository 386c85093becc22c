"""The endpoint to ask: the user's, or a local teacher as a real server in an actor, for as long as a sampling lasts."""

import contextlib
import socket
import urllib.parse
from collections.abc import Iterator

from pipelines.config import RunConfig
from pipelines.errors import ConfigError
from pipelines.problems import Problem
from pipelines.teacher.proxy import proxy_to
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
    if url.hostname is None:
        return
    proxy = proxy_to(base_url)
    try:
        _connect(base_url if proxy is None else proxy.url)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        if proxy is not None:
            raise ConfigError(
                f"teacher.base_url: {base_url} is requested through the proxy {_without_user(proxy.url)} (environment "
                f"variable {proxy.variable}), which cannot be reached ({said}); unset {proxy.variable}, or add "
                f"{url.hostname} to no_proxy"
            ) from None
        raise ConfigError(
            f"teacher.base_url: cannot reach {base_url} ({said}); expected the address of a running "
            "endpoint, e.g. http://localhost:8000/v1"
        ) from None


def _connect(address: str) -> None:
    """Open a connection to the host of a URL, and close it."""
    url = urllib.parse.urlsplit(address if "//" in address else f"//{address}")
    socket.create_connection((url.hostname, url.port or (443 if url.scheme == "https" else 80)), _REACHED_S).close()


def _without_user(url: str) -> str:
    """A proxy's URL without a password."""
    return url.rpartition("@")[2] if "@" in url else url
