import subprocess
import sys

import numpy as np
import pytest
from safetensors import SafetensorError
from safetensors.numpy import save_file

from roadwork.train import weights_file
from roadwork.train.weights_file import check_sound, read_header


@pytest.fixture
def file(tmp_path):
    def write(**tensors):
        path = tmp_path / "weights.safetensors"
        save_file(tensors, path)
        return path

    return write


def test_the_header_tells_type_and_shape(file):
    path = file(a=np.zeros((2, 3), np.float32), b=np.zeros(4, np.float16))
    assert read_header(path) == {"a": ("F32", [2, 3]), "b": ("F16", [4])}


def test_finite_float32_is_sound(file):
    assert check_sound(file(a=np.ones((2, 3), np.float32))) == {"a": ("F32", [2, 3])}


@pytest.mark.parametrize(
    ("tensor", "match"),
    [
        (np.array([1, np.nan], np.float32), "`a` hold NaN or infinity"),
        (np.array([1, -np.inf], np.float32), "`a` hold NaN or infinity"),
        (np.zeros(2, np.float64), r"`a` is F64 \[2\], expected is F32"),
    ],
)
def test_what_is_not_sound_is_named(file, tensor, match):
    with pytest.raises(ValueError, match=match):
        check_sound(file(a=tensor))


def test_more_tensors_than_any_head_has(file, monkeypatch):
    monkeypatch.setattr(weights_file, "_MOST_TENSORS", 1)
    with pytest.raises(ValueError, match="2 tensors, at most 1"):
        read_header(file(a=np.zeros(1), b=np.zeros(1)))


def test_a_file_that_is_cut_off(file):
    path = file(a=np.ones(100, np.float32))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(SafetensorError):
        check_sound(path)


def test_no_torch():
    code = "import sys, roadwork.train.weights_file, roadwork.train.head_folder; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
