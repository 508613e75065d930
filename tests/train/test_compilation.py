import shutil

import pytest
import torch
from torch._dynamo.exc import BackendCompilerFailed

from roadwork.errors import CapabilityError
from roadwork.train.compilation import forward_of
from roadwork.train.pretrain import fresh_head


def test_off_is_the_head_itself(spec):
    head = fresh_head(spec, 1)
    assert forward_of(head, "off") is head


def test_no_compiler_is_a_capability_error(spec, table, monkeypatch):
    def fail(*args, **kwargs):
        raise BackendCompilerFailed(lambda: None, RuntimeError("no C++ compiler"), None)

    monkeypatch.setattr(torch, "compile", lambda head, mode: fail)
    head = fresh_head(spec, 1)
    with pytest.raises(CapabilityError, match=r"(?s)no C\+\+ compiler.*set train.compile to off"):
        forward_of(head, "default")(table.embeddings[:2].float(), table.metadata.index(torch.arange(2)))


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
    given = (table.embeddings[:6].float(), table.metadata.index(torch.arange(6)))
    plain, compiled = head(*given), forward_of(head, mode)(*given)
    assert torch.allclose(plain.logits, compiled.logits, atol=1e-5)
    assert torch.equal(plain.kept, compiled.kept)
    return compiled
