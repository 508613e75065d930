"""A real S3 server for tests: a process of its own on loopback, and what a client's environment must say."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

REGION = "eu-central-1"
_UNSET = (
    "AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_ENDPOINT_URL_S3", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
)  # fmt: skip
KEY_ID, SECRET = "test-key-id", "test-secret"


@dataclass(frozen=True)
class S3Server:
    """Where it listens, `http://127.0.0.1:port`."""

    endpoint: str

    @property
    def port(self) -> int:
        """Its port."""
        return int(self.endpoint.rpartition(":")[2])

    def new_bucket(self) -> str:
        """The name of a bucket that was made just now."""
        name = f"bucket-{uuid4().hex[:12]}"
        where = f"<LocationConstraint>{REGION}</LocationConstraint>"
        self._ask("PUT", f"/{name}", f"<CreateBucketConfiguration>{where}</CreateBucketConfiguration>")
        return name

    def _ask(self, method: str, path: str, body: str) -> None:
        request = urllib.request.Request(f"{self.endpoint}{path}", method=method, data=body.encode())
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as answer:
            assert answer.status == 200


def client_environment(endpoint: str, folder: Path) -> dict[str, str | None]:
    """The variables with which any client of S3 finds `endpoint` and nothing of this machine; None: unset.

    `folder` holds no configuration: the machine's own isn't looked at.
    """
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": str(folder / "no-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "no-credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        **dict.fromkeys(_UNSET),
    }


@contextmanager
def serve_s3(*, open_actions: int | None = None) -> Iterator[S3Server]:
    """A server with nothing in it; everything in it is gone afterwards.

    With `open_actions` only so many requests are answered whoever asks; later ones need the keys of a user, and there
    is none.
    """
    guarded = {} if open_actions is None else {"INITIAL_NO_AUTH_ACTION_COUNT": str(open_actions)}
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("moto_process.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **guarded},
        start_new_session=True,  # a Ctrl-C is for the tests; the server ends by its pipe
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        told = process.stdout.readline()
        assert told.strip().isdigit(), "the S3 server didn't start; python -m moto.server tells why"
        yield S3Server(f"http://127.0.0.1:{int(told)}")
    finally:
        process.stdin.close()
        process.wait(timeout=30)
        process.stdout.close()
