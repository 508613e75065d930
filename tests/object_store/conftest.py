"""Fixtures of the tests against a real S3 server."""

from pathlib import Path

import pytest
from served.fixtures import faulty_s3, s3, s3_server

__all__ = ["faulty_s3", "s3", "s3_server"]


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in its own
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One process runs them all, beside the one that runs the clusters."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.xdist_group("object store"))
