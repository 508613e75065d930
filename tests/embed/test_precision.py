from __future__ import annotations

import pytest
import torch

from roadwork.embed.precision import has_bf16, resolve_precision
from roadwork.errors import CapabilityError

CPU = torch.device("cpu")


def pretend(monkeypatch, **capabilities):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)


@pytest.mark.parametrize("feature", ["avx512_bf16", "amx_bf16", "bf16"])
def test_auto_is_bf16_where_the_cpu_has_it(monkeypatch, feature):
    pretend(monkeypatch, **{feature: True})
    assert has_bf16(CPU)
    assert resolve_precision("auto", CPU) == "bf16"
    assert resolve_precision("bf16", CPU) == "bf16"


def test_auto_is_fp32_where_the_cpu_lacks_bf16(monkeypatch):
    pretend(monkeypatch, avx2=True, avx512_bf16=False)
    assert resolve_precision("auto", CPU) == "fp32"


def test_asking_for_missing_bf16_is_an_error(monkeypatch):
    pretend(monkeypatch, avx2=True)
    with pytest.raises(CapabilityError, match=r"backbone\.precision"):
        resolve_precision("bf16", CPU)


def test_fp32_is_always_possible(monkeypatch):
    pretend(monkeypatch)
    assert resolve_precision("fp32", CPU) == "fp32"
