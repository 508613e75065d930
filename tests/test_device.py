"""The word in the parameters to a device of this machine."""

from __future__ import annotations

import pytest
import torch

from roadwork.device import resolve_device
from roadwork.errors import CapabilityError, ParameterError


@pytest.fixture
def cuda_devices(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: request.param > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: request.param)


@pytest.mark.parametrize(
    ("cuda_devices", "asked", "device"),
    [(0, "auto", "cpu"), (2, "auto", "cuda"), (2, "cpu", "cpu"), (2, "cuda", "cuda"), (2, "cuda:1", "cuda:1")],
    indirect=["cuda_devices"],
)
@pytest.mark.usefixtures("cuda_devices")
def test_what_is_there_is_given(asked: str, device: str) -> None:
    assert resolve_device(asked) == torch.device(device)


@pytest.mark.parametrize(
    ("cuda_devices", "asked"), [(0, "cuda"), (0, "cuda:0"), (2, "cuda:2")], indirect=["cuda_devices"]
)
@pytest.mark.usefixtures("cuda_devices")
def test_what_is_not_there_is_a_capability_error(asked: str) -> None:
    with pytest.raises(CapabilityError, match=f"no device {asked}") as caught:
        resolve_device(asked, parameter="train.device")
    assert "train.device" in caught.value.where
    assert "auto" in caught.value.fix


@pytest.mark.parametrize("asked", ["gpu", "cuda:", "cuda:x", "cuda:-1", "cpu:0", ""])
def test_another_word_is_a_parameter_error(asked: str) -> None:
    with pytest.raises(ParameterError, match=r"embed\.device") as caught:
        resolve_device(asked)
    assert "cuda:N" in caught.value.rule


@pytest.mark.parametrize(("cuda_devices", "asked"), [(0, "gpu"), (0, "cuda")], indirect=["cuda_devices"])
@pytest.mark.usefixtures("cuda_devices")
def test_an_option_is_named_as_one(asked: str) -> None:
    with pytest.raises((ParameterError, CapabilityError)) as caught:
        resolve_device(asked, parameter="--device")
    assert caught.value.where == "--device"
    assert caught.value.fix.startswith("pass --device auto")
