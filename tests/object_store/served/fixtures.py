"""Fixtures: `s3` and `faulty_s3`, addresses in a real S3 server that the environment leads to.

A conftest.py imports those that its tests use: `from served.fixtures import faulty_s3, s3, s3_server`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from served.proxy import FaultyProxy, faulty_proxy
from served.s3 import S3Server, client_environment, serve_s3


@dataclass(frozen=True)
class FaultyS3:
    """`url` in the store, and the `proxy` in front of it, which misbehaves as it is told."""

    url: str
    proxy: FaultyProxy


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """A server for all tests of a session."""
    pytest.importorskip("moto", reason="the extra test-ray brings it")
    pytest.importorskip("s3fs", reason="the extra s3 brings it")
    with serve_s3() as server:
        yield server


@pytest.fixture
def s3(s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """`s3://bucket/prefix`, in a bucket that is new; the environment leads there, also that of child processes."""
    yield from _led_to(s3_server.endpoint, s3_server, tmp_path, monkeypatch)


@pytest.fixture
def faulty_s3(s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyS3]:
    """The same behind a proxy of its own."""
    with faulty_proxy(s3_server.endpoint) as proxy:
        for url in _led_to(proxy.endpoint, s3_server, tmp_path, monkeypatch):
            yield FaultyS3(url, proxy)


def _led_to(endpoint: str, server: S3Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    lead_to(endpoint, folder, monkeypatch)
    yield f"s3://{server.new_bucket()}/prefix"
    forget_clients()


def lead_to(endpoint: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process and its children find `endpoint`."""
    for name, value in client_environment(endpoint, folder).items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    forget_clients()


def forget_clients() -> None:
    """fsspec keeps clients by their arguments; the environment, which they read once, is none of them."""
    from s3fs import S3FileSystem

    S3FileSystem.clear_instance_cache()
