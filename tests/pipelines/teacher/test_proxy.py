"""Which proxy of the environment leads to an endpoint."""

import pytest

from pipelines.teacher.proxy import Proxy, proxy_to

HTTP = {"http_proxy": "http://proxy:3128"}


@pytest.mark.parametrize(
    ("environment", "base_url", "expected"),
    [
        (HTTP, "http://localhost:8000/v1", None),
        (HTTP, "http://127.0.0.1:8000/v1", None),
        (HTTP, "http://127.3.2.1/v1", None),
        (HTTP, "http://[::1]:8000/v1", None),
        (HTTP, "http://0.0.0.0:8000/v1", None),
        (HTTP, "http://vllm.localhost/v1", None),
        (HTTP, "http://localhost.example.com/v1", Proxy("http_proxy", "http://proxy:3128")),
        (HTTP, "http://gpu1:8000/v1", Proxy("http_proxy", "http://proxy:3128")),
        (HTTP, "https://api.openai.com/v1", None),
        ({**HTTP, "no_proxy": "gpu1"}, "http://gpu1:8000/v1", None),
        ({"HTTPS_PROXY": "http://p:1"}, "https://api.openai.com/v1", Proxy("HTTPS_PROXY", "http://p:1")),
        ({"all_proxy": "http://p:1"}, "http://gpu1/v1", Proxy("all_proxy", "http://p:1")),
        ({}, "http://gpu1/v1", None),
    ],
)
def test_loopback_and_no_proxy_are_reached_directly(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], base_url: str, expected: Proxy | None
) -> None:
    """A port that the user never wrote is named by its variable."""
    for scheme in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{scheme}_proxy", raising=False)
        monkeypatch.delenv(f"{scheme.upper()}_PROXY", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert expected == proxy_to(base_url)
