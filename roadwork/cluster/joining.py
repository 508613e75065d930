"""Reaching a cluster that is already there, or saying why not."""

# pyright: reportMissingImports=false
# Ray is an extra.

from __future__ import annotations

import os
import socket
from typing import Any

from roadwork.errors import CapabilityError

_ANSWER_S = 5.0
_START = "start one: `ray start --head` (on one machine), `ray start --address HEAD:6379` (on the others)"


def address_of(asked: str) -> str:
    """The head's `host:port` for `auto` or one that was written out, where something answers there.

    Ray itself would try for two minutes and then end the process. Raises CapabilityError.
    """
    if asked == "auto":
        from ray._private.services import canonicalize_bootstrap_address  # as ray.init finds it

        try:
            asked = canonicalize_bootstrap_address(os.environ.get("RAY_ADDRESS") or "auto") or ""
        except ConnectionError as error:
            raise CapabilityError(
                "no Ray cluster runs on this machine",
                where="params.yaml: embed.ray.address is auto",
                rule="auto joins the cluster that runs here, or that RAY_ADDRESS names",
                fix=f"set embed.ray.address to local; or {_START}",
            ) from error
    host, _, port = asked.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_ANSWER_S).close()
    except (OSError, OverflowError, ValueError) as error:
        raise CapabilityError(
            f"nothing answers at {asked}: {getattr(error, 'strerror', None) or error}",
            where="params.yaml: embed.ray.address",
            rule="it is the address of a Ray cluster's head, by default port 6379",
            fix=f"correct it, look whether a firewall lies between, or {_START}",
        ) from error
    return asked


def refused(error: Any, address: str) -> CapabilityError:
    """Why Ray wouldn't let this process join the cluster at `address`."""
    text = str(error).strip()
    where = f"the cluster at {address}"
    if "mismatch" in text.lower():
        return CapabilityError(
            f"this machine and the cluster don't fit together: {' '.join(text.split())}",
            where=where,
            rule="the same Ray and the same Python, to the last number, on every machine",
            fix="install from the same requirements file everywhere, then start Ray on the nodes again",
        )
    if type(error).__name__ == "AuthenticationError" or "token" in text.lower():
        return CapabilityError(
            "the cluster wants a token that this machine doesn't have",
            where=f"{where}: {text.splitlines()[0] if text else 'refused'}",
            rule="Ray asks for the token that the cluster was started with",
            fix="copy ~/.ray/auth_token from the head to this machine and every node (readable by you alone), or set "
            "RAY_AUTH_TOKEN_PATH; and set RAY_AUTH_MODE=token, without which Ray doesn't look for it",
        )
    return CapabilityError(
        f"the cluster can't be joined: {text.splitlines()[0] if text else type(error).__name__}",
        where=where,
        rule="a Ray cluster of the same version that this machine reaches",
        fix=_START,
    )
