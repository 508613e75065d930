from __future__ import annotations

import pytest
import torch

from roadwork.embed.device import resolve_device
from roadwork.errors import CapabilityError, ParameterError


def machine(monkeypatch, cuda_devices: int):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda_devices > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda_devices)


def test_auto(monkeypatch):
    machine(monkeypatch, 0)
    assert resolve_device("auto") == torch.device("cpu")
    machine(monkeypatch, 1)
    assert resolve_device("auto") == torch.device("cuda")


def test_named_devices(monkeypatch):
    machine(monkeypatch, 2)
    assert resolve_device("cpu") == torch.device("cpu")
    assert resolve_device("cuda") == torch.device("cuda")
    assert resolve_device("cuda:1") == torch.device("cuda:1")


@pytest.mark.parametrize(("asked", "present"), [("cuda", 0), ("cuda:0", 0), ("cuda:2", 2)])
def test_a_device_that_is_not_there(monkeypatch, asked, present):
    machine(monkeypatch, present)
    with pytest.raises(CapabilityError, match=f"no device {asked}: PyTorch sees {present}"):
        resolve_device(asked)


@pytest.mark.parametrize("asked", ["gpu", "cuda:", "cuda:one", "cpu:0", "cudax", ""])
def test_other_words(asked):
    with pytest.raises(ParameterError, match=r"embed\.device"):
        resolve_device(asked)
