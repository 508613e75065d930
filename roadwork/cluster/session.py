"""Joining or starting a Ray cluster for the time of a run. Ray is imported when one is asked for, and not before."""

# pyright: reportMissingImports=false
# Ray is an extra.

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from roadwork.cluster.cluster import Cluster
from roadwork.embed.ray_config import RayConfig
from roadwork.errors import CapabilityError
from roadwork.progress import note
from roadwork.stopping import Terminated, terminate_as_interrupt

_PACKAGE = Path(__file__).resolve().parents[1]
_GREETING = b"Set ray log level from environment"
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_SCHEDULER_EVENTS": "0",
    "RAY_COLOR_PREFIX": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
    "RAY_DEDUP_LOGS_SKIP_REGEX": _GREETING.decode(),
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # of this process: what concerns a person is told by exceptions
}
_HANDED_ON = ("ROADWORK_STORE_PATIENCE_S", "HF_HUB_OFFLINE")


@contextmanager
def cluster_session(config: RayConfig) -> Iterator[Cluster]:
    """The cluster that `config.address` names, joined until the end of the block; one of its own ends there.

    However the block ends, by Ctrl-C or SIGTERM too, the job's processes end with it. What the nodes' processes say
    comes to stderr here. Raises CapabilityError where Ray isn't installed, or the cluster can't be joined.
    """
    if find_spec("ray") is None:
        raise CapabilityError(
            "embed.engine is ray, and Ray isn't installed",
            where="params.yaml: embed.engine",
            rule="a cluster is an extra",
            fix="pip install 'roadwork[ray]', or, in a checkout, pip install -e '.[ray]'; or set embed.engine to local",
        )
    with terminate_as_interrupt(), redirect_stdout(sys.stderr):  # Ray's own words, too: stdout belongs to results
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        import ray

        try:
            yield _joined(config.address)
        finally:
            ray.shutdown()


def _joined(address: str) -> Cluster:
    import ray
    from ray.exceptions import RayError

    from roadwork.cluster.joining import address_of, refused

    is_own = address == "local"
    options = _own() if is_own else _another(address_of(address))
    with _own_signals(), _importable(), _ungreeted():
        try:
            context: Any = ray.init(
                logging_level=logging.ERROR, log_to_driver=True, namespace="roadwork", configure_logging=True, **options
            )
        except (RuntimeError, ValueError, ConnectionError, RayError) as error:
            if is_own:
                raise
            raise refused(error, options["address"]) from error
        except SystemExit as error:
            raise Terminated from error  # Ray's handler of SIGTERM, which is in place while it starts
    if url := context.dashboard_url:
        note(f"Ray dashboard: http://{url}")
    return Cluster(context.address_info["address"], is_own)


def _own() -> dict[str, Any]:
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    return {"address": "local", "num_cpus": cpus, "include_dashboard": True, "dashboard_host": "127.0.0.1"}


def _another(address: str) -> dict[str, Any]:
    """The nodes run the starter's own code, so that everyone computes the same."""
    environment: Mapping[str, Any] = {
        "py_modules": [str(_PACKAGE)],
        "excludes": ["**/__pycache__"],
        "env_vars": {name: os.environ[name] for name in _HANDED_ON if name in os.environ},
    }
    return {"address": address, "runtime_env": dict(environment)}


@contextmanager
def _own_signals() -> Iterator[None]:
    """SIGTERM stays what it was: `ray.init` takes it for itself."""
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if is_main:
            signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


@contextmanager
def _ungreeted() -> Iterator[None]:
    """Without the line in which Ray's C++ says that it obeys RAY_BACKEND_LOG_LEVEL: it comes before it obeys."""
    sys.stderr.flush()
    with TemporaryFile() as said:
        stderr = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            said.seek(0)
            for line in said:
                if _GREETING not in line:
                    os.write(2, line)


@contextmanager
def _importable() -> Iterator[None]:
    """Processes of a cluster that is started within find this package where this process has it."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_PACKAGE.parent), before]))
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
