from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from roadwork.errors import CapabilityError
from roadwork.model import attention as module
from roadwork.model.attention import attention, xformers_refusal

TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 2e-2}
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


def qkv(dtype: torch.dtype = torch.float32, device: str = "cpu", dim: int = 8) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    shapes = ((3, 8, 4, dim), (3, 6, 4, dim), (3, 6, 4, dim))
    return [torch.randn(shape, generator=generator).to(device, dtype).requires_grad_() for shape in shapes]


def explicit(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """softmax(q kᵀ / √dim) v in float32, written out."""
    q, k, v = (x.float() for x in (q, k, v))
    weights = torch.einsum("nqhd,nkhd->nhqk", q, k).div(math.sqrt(q.shape[-1])).softmax(dim=-1)
    return torch.einsum("nhqk,nkhd->nqhd", weights, v)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("backend", ["sdpa", "math", "auto"])
def test_it_is_softmax_attention(backend: str, dtype: torch.dtype):
    q, k, v = qkv(dtype)
    out = attention(q, k, v, backend=backend)
    assert out.dtype == dtype
    torch.testing.assert_close(out.float(), explicit(q, k, v), atol=TOLERANCE[dtype], rtol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("tokens", [1, 8, 12])
def test_math_and_sdpa_agree_forward_and_backward(dtype: torch.dtype, tokens: int):
    outs, grads = [], []
    for backend in ("math", "sdpa"):
        generator = torch.Generator().manual_seed(2)
        q, k, v = (torch.randn(3, tokens, 8, 64, generator=generator).to(dtype).requires_grad_() for _ in range(3))
        out = attention(q, k, v, backend=backend)
        grads.append(torch.autograd.grad(out.float().square().sum(), (q, k, v)))
        outs.append(out)
    torch.testing.assert_close(outs[0], outs[1], atol=TOLERANCE[dtype], rtol=TOLERANCE[dtype])
    for ours, theirs in zip(*grads, strict=True):
        torch.testing.assert_close(ours, theirs, atol=5 * TOLERANCE[dtype], rtol=5 * TOLERANCE[dtype])


def test_math_gives_gradients_that_are_the_formulas():
    q, k, v = (x.double().detach().requires_grad_() for x in qkv())
    assert torch.autograd.gradcheck(lambda *x: attention(*x, backend="math"), (q, k, v))


@pytest.mark.parametrize(("dtype", "taken"), [(torch.float32, "sdpa"), (torch.bfloat16, "math")], ids=str)
def test_auto_takes_what_is_fastest_on_the_cpu(dtype: torch.dtype, taken: str):
    q, k, v = qkv(dtype)
    assert torch.equal(attention(q, k, v, backend="auto"), attention(q, k, v, backend=taken))
    other = {"sdpa": "math", "math": "sdpa"}[taken]
    generator = torch.Generator().manual_seed(4)
    large = [torch.randn(16, 8, 8, 64, generator=generator).to(dtype) for _ in range(3)]
    assert not torch.equal(attention(*large, backend="auto"), attention(*large, backend=other))


@pytest.mark.parametrize("backend", ["sdpa", "math"])
def test_a_known_answer(backend: str):
    """Equal keys: the mean of the values, for every query."""
    v = torch.tensor([[1.0, 0.0], [3.0, 4.0]]).reshape(1, 2, 1, 2)
    out = attention(torch.randn(1, 3, 1, 2), torch.ones(1, 2, 1, 2), v, backend=backend)
    torch.testing.assert_close(out, torch.tensor([2.0, 2.0]).expand(1, 3, 1, 2))


def test_xformers_without_a_gpu_is_an_error_that_says_why():
    with pytest.raises(CapabilityError) as caught:
        attention(*qkv(torch.bfloat16), backend="xformers")
    message = str(caught.value)
    assert "no operator for the device `cpu`" in message
    assert "head.attention.backend" in message
    assert "`auto`, `sdpa` or `math`" in message


def test_the_capability_is_asked_of_the_operator_not_of_the_import(monkeypatch: pytest.MonkeyPatch):
    """The package imports, its operator refuses: that is a refusal, with the operator's own reason."""
    ops = pytest.importorskip("xformers.ops")

    def refuse(*_: Tensor) -> Tensor:
        raise NotImplementedError("No operator found for `memory_efficient_attention_forward`")

    monkeypatch.setattr(ops, "memory_efficient_attention", refuse)
    real = torch.zeros
    monkeypatch.setattr(torch, "zeros", lambda *shape, device, **kw: real(*shape, **kw))
    refusal = module._tried.__wrapped__(torch.device("cuda"), torch.bfloat16, 64, False)
    assert refusal == "No operator found for `memory_efficient_attention_forward`"


def test_a_machine_without_a_deterministic_operator_is_told_from_one_with_none(monkeypatch: pytest.MonkeyPatch):
    """xformers dispatches by PyTorch's setting at the time, so an answer holds for that setting only."""
    ops = pytest.importorskip("xformers.ops")

    def operator(q: Tensor, _k: Tensor, _v: Tensor) -> Tensor:
        if torch.are_deterministic_algorithms_enabled():
            raise NotImplementedError("operator is non-deterministic")
        return q

    monkeypatch.setattr(ops, "memory_efficient_attention", operator)
    real = torch.zeros
    monkeypatch.setattr(torch, "zeros", lambda *shape, device, **kw: real(*shape, **kw))
    asked = torch.device("cuda", 7), torch.bfloat16, 64
    assert xformers_refusal(*asked) is None
    torch.use_deterministic_algorithms(True)
    try:
        assert xformers_refusal(*asked) == "operator is non-deterministic"
    finally:
        torch.use_deterministic_algorithms(False)
    assert xformers_refusal(*asked) is None


def test_float32_on_a_gpu_is_refused():
    refusal = xformers_refusal(torch.device("cuda"), torch.float32, 64)
    assert refusal is not None
    assert "this is float32" in refusal


@pytest.mark.gpu
@needs_cuda
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_xformers_and_sdpa_agree_on_a_gpu(dtype: torch.dtype):
    refusal = xformers_refusal(torch.device("cuda:0"), dtype, 64)
    if refusal is not None:
        pytest.skip(refusal)
    outs, grads = [], []
    for backend in ("xformers", "sdpa"):
        q, k, v = qkv(dtype, "cuda:0", dim=64)
        out = attention(q, k, v, backend=backend)
        grads.append(torch.autograd.grad(out.float().square().sum(), (q, k, v)))
        outs.append(out)
    torch.testing.assert_close(outs[0], outs[1], atol=2e-2, rtol=2e-2)
    for ours, theirs in zip(*grads, strict=True):
        torch.testing.assert_close(ours, theirs, atol=6e-2, rtol=6e-2)


@pytest.mark.gpu
@needs_cuda
def test_auto_runs_on_a_gpu_in_any_precision():
    for dtype in (torch.float32, torch.bfloat16):
        q, k, v = qkv(dtype, "cuda:0", dim=64)
        out = attention(q, k, v, backend="auto")
        torch.testing.assert_close(out.float(), explicit(q, k, v), atol=2e-2, rtol=2e-2)
