import shutil

import pytest
import torch
from torch._dynamo.exc import BackendCompilerFailed

from roadwork.errors import CapabilityError
from roadwork.train.compilation import forward_of
from roadwork.train.pretrain import fresh_head


def test_off_is_the_head_itself(spec):
    head = fresh_head(spec, 1)
    assert forward_of(head, "off", batch_size=2) is head


def test_no_compiler_is_a_capability_error(spec, table, monkeypatch):
    def fail(*args, **kwargs):
        raise BackendCompilerFailed(lambda: None, RuntimeError("no C++ compiler"), None)

    monkeypatch.setattr(torch, "compile", lambda head, mode: fail)
    head = fresh_head(spec, 1)
    with pytest.raises(CapabilityError, match=r"(?s)no C\+\+ compiler.*set train.compile to off"):
        forward_of(head, "default", batch_size=2)(
            table.embeddings.tensor[:2].float(), table.metadata.index(torch.arange(2))
        )


def test_other_batches_than_the_full_ones_are_not_compiled(spec, table, monkeypatch):
    calls = []
    monkeypatch.setattr(torch, "compile", lambda head, mode: lambda *given: calls.append(mode) or head(*given))
    head = fresh_head(spec, 1).eval()
    forward = forward_of(head, "max-autotune", batch_size=4)
    for images in (4, 3, 5, 4):
        given = (table.embeddings.tensor[:images].float(), table.metadata.index(torch.arange(images)))
        assert torch.equal(forward(*given).logits, head(*given).logits)
    assert calls == ["max-autotune-no-cudagraphs"] * 2


@pytest.mark.slow
def test_the_head_can_be_traced(spec, table, monkeypatch):
    """Dynamo on the real head, forwards and backwards; `eager` leaves out the slow C++ compiler."""
    compile_really = torch.compile
    monkeypatch.setattr(torch, "compile", lambda head, mode: compile_really(head, backend="eager"))
    same_answers(spec, table, mode="max-autotune").logits.sum().backward()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_the_compiled_head_says_the_same(spec, table):
    with torch.no_grad():
        same_answers(spec, table, mode="default")


def same_answers(spec, table, mode):
    head = fresh_head(spec, 1).eval()
    given = (table.embeddings.tensor[:6].float(), table.metadata.index(torch.arange(6)))
    plain, compiled = head(*given), forward_of(head, mode, batch_size=6)(*given)
    assert torch.allclose(plain.logits, compiled.logits, atol=1e-5)
    assert torch.equal(plain.kept, compiled.kept)
    return compiled
