"""Clusters that aren't there, or don't let one in, are told in seconds."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from clustered.nodes import ROOT, TwoNodes
from clustered.tiny import embed_config

from roadwork.errors import CapabilityError

pytestmark = pytest.mark.ray
pytest.importorskip("ray")

_JOIN = """
import sys
from clustered.tiny import embed_config
from roadwork.cluster.session import cluster_session
from roadwork.errors import CapabilityError
try:
    with cluster_session(embed_config(ray={"address": sys.argv[1]}).ray):
        print("joined")
except CapabilityError as error:
    print(error)
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.mark.parametrize("address", ["auto", "HOST:PORT"])
def test_nothing_there(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from roadwork.cluster.session import cluster_session

    nowhere = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("RAY_ADDRESS", nowhere)
    asked = nowhere if address == "HOST:PORT" else address
    began = time.monotonic()
    with pytest.raises(CapabilityError, match="nothing answers at") as caught:  # noqa: SIM117
        with cluster_session(embed_config(ray={"address": asked}).ray):
            pass
    assert time.monotonic() - began < 30
    assert "ray start --head" in caught.value.fix


def test_another_version_is_told() -> None:
    from roadwork.cluster.joining import refused

    error = refused(RuntimeError("Version mismatch: The cluster was started with:\n    Ray: 9.9.9"), "head:6379")
    assert "Ray: 9.9.9" in error.what
    assert "head:6379" in error.where


def test_a_missing_token_is_told(tmp_path: Path, two_nodes: TwoNodes) -> None:
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "ray")])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    done = subprocess.run(
        [sys.executable, "-c", _JOIN, two_nodes.address],
        env={**environment, "PYTHONPATH": path, "HOME": str(tmp_path), "RAY_AUTH_MODE": "token"},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "wants a token" in done.stdout
    assert "auth_token" in done.stdout
