from __future__ import annotations

import pytest
import torch
from torch import nn

from roadwork.embed.precision import cast_weights, has_bf16, resolve_precision
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


def network() -> nn.Sequential:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 1)).eval()
    nn.init.normal_(model.get_buffer("1.running_mean"))
    return model


def test_bf16_weights_but_for_batch_normalisation():
    plain, cast = network(), cast_weights(network(), "bf16")
    before, after = plain.state_dict(), cast.state_dict()
    assert after["0.weight"].dtype == after["3.bias"].dtype == torch.bfloat16
    for name in ("1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked"):
        assert torch.equal(after[name], before[name])
    pixels = torch.randn(1, 3, 8, 8)
    with torch.inference_mode():
        assert cast(pixels.bfloat16()).dtype == torch.bfloat16
        torch.testing.assert_close(cast(pixels.bfloat16()).float(), plain(pixels), rtol=0.05, atol=0.05)


def test_fp32_changes_nothing():
    plain, cast = network(), cast_weights(network(), "fp32")
    assert all(torch.equal(value, plain.state_dict()[name]) for name, value in cast.state_dict().items())
