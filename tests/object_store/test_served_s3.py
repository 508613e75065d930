"""The S3 server of the tests: real, of its own, and gone when whoever started it is."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from served.s3 import serve_s3

pytestmark = pytest.mark.ray


def listens(port: int) -> bool:
    with socket.socket() as asking:
        asking.settimeout(5)
        return asking.connect_ex(("127.0.0.1", port)) == 0


def test_a_client_that_knows_nothing_but_the_environment_finds_it(s3):
    import fsspec

    store = fsspec.filesystem("s3")
    store.pipe_file(f"{s3}/a/b", b"content")

    assert store.cat_file(f"{s3}/a/b") == b"content"
    assert store.ls(f"{s3}/a", detail=False) == [f"{s3.removeprefix('s3://')}/a/b"]


def test_a_process_of_another_kind_finds_it_too(s3):
    script = f"import boto3; boto3.client('s3').put_object(Bucket={s3.split('/')[2]!r}, Key='k', Body=b'1')"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr

    import fsspec

    assert fsspec.filesystem("s3").cat_file(f"s3://{s3.split('/')[2]}/k") == b"1"


def test_each_test_has_a_bucket_of_its_own(s3, s3_server):
    assert s3_server.new_bucket() not in s3


def test_it_ends_with_the_block():
    pytest.importorskip("moto")
    with serve_s3() as server:
        assert listens(server.port)
    assert not listens(server.port)


def test_it_ends_with_a_process_that_is_killed():
    pytest.importorskip("moto")
    script = "from served.s3 import serve_s3\nwith serve_s3() as server:\n print(server.port, flush=True); input()"
    folder = str(Path(__file__).parent)
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": folder},
    ) as started:
        assert started.stdout is not None
        port = int(started.stdout.readline())
        assert listens(port)
        started.send_signal(signal.SIGKILL)
    until = time.monotonic() + 60
    while listens(port) and time.monotonic() < until:
        time.sleep(0.05)
    assert not listens(port)
