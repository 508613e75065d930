import json
import struct

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from roadwork.train.checkpoint import save_head
from roadwork.train.head_folder import WEIGHTS
from roadwork.train.head_weights import read_head_weights
from roadwork.train.pretrain import fresh_head


@pytest.fixture
def weights(tmp_path, spec):
    save_head(tmp_path, fresh_head(spec, 1), spec, {})
    return tmp_path / WEIGHTS


def test_what_fits_is_read(weights, spec):
    found, expected = read_head_weights(weights, spec), fresh_head(spec, 1).state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_the_global_generator_is_left_alone(weights, spec):
    before = torch.get_rng_state()
    read_head_weights(weights, spec)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda state: state.pop("view_classifier.bias"), r"`view_classifier\.bias` is missing"),
        (lambda state: state.update(more=torch.zeros(2)), r"`more` is F32 \[2\], expected is missing"),
        (lambda state: state.update({"view_classifier.bias": torch.zeros(3)}), r"F32 \[3\], expected is F32 \[2\]"),
        (lambda state: state.update({"view_classifier.bias": torch.zeros(2).half()}), "F16"),
        (lambda state: state["view_classifier.bias"].fill_(torch.nan), "NaN or infinity"),
        (lambda state: state["view_classifier.bias"].fill_(torch.inf), "NaN or infinity"),
    ],
)
def test_what_does_not_fit_is_named(weights, spec, change, match):
    state = load_file(weights)
    change(state)
    save_file(state, weights)
    with pytest.raises(ValueError, match=match):
        read_head_weights(weights, spec)


def test_a_number_beyond_all_reason_is_refused_first(weights, spec):
    absurd = spec.model_copy(update={"embedding_dim": 2**16 + 1})
    with pytest.raises(ValueError, match="65537"):
        read_head_weights(weights, absurd)


def test_a_header_that_lies(weights, spec):
    header = json.dumps({"x": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}).encode()
    weights.write_bytes(struct.pack("<Q", len(header)) + header)
    with pytest.raises(SafetensorError):
        read_head_weights(weights, spec)
