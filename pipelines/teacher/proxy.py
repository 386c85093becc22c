"""Proxies from the environment: which one leads to an endpoint, and where none should.

proxy_to("https://api.openai.com/v1")  -> Proxy("https_proxy", "http://proxy.corp:3128")
proxy_to("http://localhost:8000/v1")   -> None
"""

import ipaddress
import os
import urllib.parse
import urllib.request
from dataclasses import dataclass


@dataclass(frozen=True)
class Proxy:
    """A proxy and the environment variable that names it."""

    variable: str
    url: str


def is_loopback(base_url: str | None) -> bool:
    """Whether a URL names this machine itself, which no proxy can reach on our behalf."""
    host = urllib.parse.urlsplit(base_url or "").hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def proxy_to(base_url: str) -> Proxy | None:
    """The proxy that requests to ``base_url`` go through; None: they go directly."""
    url = urllib.parse.urlsplit(base_url)
    if is_loopback(base_url) or url.hostname is None or urllib.request.proxy_bypass(url.hostname):
        return None
    proxies = urllib.request.getproxies()
    for name in (url.scheme, "all"):
        if name in proxies:
            variable = next((one for one in os.environ if one.lower() == f"{name}_proxy"), f"{name}_proxy")
            return Proxy(variable, proxies[name])
    return None
