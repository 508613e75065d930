"""Services that a process which is started can import."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest


@pytest.fixture
def misbehaving(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "services"))
    return importlib.import_module("misbehaving")
