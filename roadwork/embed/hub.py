"""Whether the model hub is in reach, told in seconds where its client would retry for minutes."""

from __future__ import annotations

import socket
from urllib.parse import urlparse
from urllib.request import getproxies, proxy_bypass

from huggingface_hub import constants

_TIMEOUT_S = 3.0


def hub_host() -> str:
    """The host name of the hub that the client asks: the public one, or that of HF_ENDPOINT."""
    return urlparse(constants.ENDPOINT).hostname or constants.ENDPOINT


def hub_proxy() -> str | None:
    """The proxy (HTTPS_PROXY and the like, with NO_PROXY respected) through which the client asks the hub."""
    if proxy_bypass(hub_host()):
        return None
    proxies = getproxies()
    return proxies.get(urlparse(constants.ENDPOINT).scheme) or proxies.get("all")


def hub_refusal() -> str | None:
    """Why the hub can't be asked, or None where it can; one connection is tried, for at most a few seconds.

    Behind a proxy nothing is tried: only the client can find out.
    """
    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    if hub_proxy() is not None:
        return None
    address = urlparse(constants.ENDPOINT)
    port = address.port or (80 if address.scheme == "http" else 443)
    try:
        socket.create_connection((hub_host(), port), timeout=_TIMEOUT_S).close()
    except OSError as error:
        return f"{hub_host()} can't be reached ({error})"
    return None
