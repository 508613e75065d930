"""A head without weights has the shapes of a real one, costs nothing, and is a real one once it is filled."""

import subprocess
import sys
import tracemalloc

import pytest
import torch

from roadwork.model.metadata import Metadata
from roadwork.train.checkpoint import build_head
from roadwork.train.hollow import hollow_head
from roadwork.train.pretrain import fresh_head


def with_head(spec, **changes):
    return spec.model_copy(update={"head": spec.head.model_copy(update=changes)})


def variants(spec):
    """Each box of the head that can be switched off, switched off."""
    yield spec
    yield with_head(spec, standardise=False)
    for part in ("pruning", "pyramid", "view_fusion"):
        yield with_head(spec, **{part: getattr(spec.head, part).model_copy(update={"enabled": False})})
    yield with_head(spec, attention=spec.head.attention.model_copy(update={"gate": "none"}))
    yield spec.model_copy(update={"metadata": spec.metadata.model_copy(update={"fields": ()})})


def test_names_and_shapes_are_those_of_a_head(spec):
    for each in variants(spec):
        expected = {name: (value.shape, value.dtype) for name, value in fresh_head(each, 1).state_dict().items()}
        assert {name: (value.shape, value.dtype) for name, value in hollow_head(each).state_dict().items()} == expected


def test_a_filled_head_is_the_head_that_the_weights_are_of(spec, table):
    for each in variants(spec):
        head = fresh_head(each, 1).eval()
        filled = build_head(each, head.state_dict())
        buffers = dict(filled.named_buffers())
        assert all(torch.equal(buffers[name], value) for name, value in head.named_buffers()), "computed ones as well"
        embeddings, metadata = table.embeddings.tensor[:5].float(), Metadata.null(5, each.metadata)
        assert torch.equal(head(embeddings, metadata).logits, filled(embeddings, metadata).logits)


def test_a_filled_head_has_weights_of_its_own_that_can_be_trained(spec):
    state = fresh_head(spec, 1).state_dict()
    before = {name: value.clone() for name, value in state.items()}
    filled = build_head(spec, state)
    assert all(parameter.requires_grad for parameter in filled.parameters())
    with torch.no_grad():
        for parameter in filled.parameters():
            parameter.add_(1)
    assert all(torch.equal(state[name], value) for name, value in before.items())


def test_no_random_number_is_drawn_and_no_memory_taken(spec):
    huge = with_head(spec, projection=spec.head.projection.model_copy(update={"dim": 4096}))
    state = torch.get_rng_state()
    tracemalloc.start()
    try:
        hollow = hollow_head(huge.model_copy(update={"embedding_dim": 2**16}))
        assert tracemalloc.get_traced_memory()[1] < 16 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert sum(parameter.numel() for parameter in hollow.parameters()) > 2**28
    assert all(parameter.is_meta for parameter in hollow.parameters())
    assert torch.equal(state, torch.get_rng_state())


def test_weights_that_do_not_fit_are_refused(spec):
    state = fresh_head(spec, 1).state_dict()
    del state["view_classifier.bias"]
    with pytest.raises(RuntimeError, match="view_classifier"):
        build_head(spec, state)


def test_a_head_is_built_without_the_symbolic_machinery(spec):
    """`torch.device("meta")` would load it, which takes longer than everything else about a head."""
    code = f"""
import sys
from roadwork.model.head_config import HeadSpec
from roadwork.train.hollow import hollow_head
hollow_head(HeadSpec.model_validate_json({spec.model_dump_json()!r}))
print([name for name in ("sympy", "torch._dynamo") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
