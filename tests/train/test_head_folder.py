"""What lies beside a head's weights; damage of the two files themselves is tested with `checkpoint`."""

import hashlib

import pytest

from roadwork.errors import BundleError
from roadwork.train.checkpoint import save_head
from roadwork.train.head_folder import file_beside, read_head_folder
from roadwork.train.pretrain import fresh_head


@pytest.fixture
def folder(tmp_path, spec):
    (tmp_path / "said.parquet").write_bytes(b"yes")
    save_head(tmp_path, fresh_head(spec, 1), spec, {"best_epoch": 3}, beside=("said.parquet",))
    return tmp_path


def test_the_description_is_read_without_loading_the_weights(folder, spec):
    found = read_head_folder(folder)
    assert found.spec == spec
    assert found.details["best_epoch"] == 3
    assert found.details["files"] == {"said.parquet": hashlib.sha256(b"yes").hexdigest()}
    assert found.weights_sha256 == hashlib.sha256((folder / "head.safetensors").read_bytes()).hexdigest()


def test_a_file_beside_a_head_is_that_heads(folder):
    path = file_beside(folder, read_head_folder(folder).details, "said.parquet", stage="pretrain")
    assert path.read_bytes() == b"yes"


@pytest.mark.parametrize("content", [b"no", None])
def test_a_file_of_another_head_is_refused(folder, content):
    path = folder / "said.parquet"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(BundleError, match=r"(?s)said\.parquet is.*fix: run `roadwork pretrain` again"):
        file_beside(folder, read_head_folder(folder).details, "said.parquet", stage="pretrain")


def test_a_head_that_tells_of_no_files_has_none(folder, tmp_path, spec):
    save_head(folder, fresh_head(spec, 1), spec, {})
    for name in ("said.parquet", "other.parquet"):
        with pytest.raises(BundleError, match="is"):
            file_beside(folder, read_head_folder(folder).details, name, stage="pretrain")
