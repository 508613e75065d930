"""A weights file from a stranger: its pickle is never executed, whatever its name and format."""

from __future__ import annotations

import io
import os
import pickle
import tarfile
import zipfile
from pathlib import Path

import pytest
import torch

from roadwork.embed.backbone import build_backbone
from roadwork.embed.backbone_config import BackboneConfig
from roadwork.errors import BackboneError

NAME = "vit_tiny_patch16_224"


class Bomb:
    """Makes the folder `marker` when its pickle is executed."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.mkdir, (str(self.marker),))


def zipped(bomb: Bomb, path: Path) -> None:
    torch.save({"state_dict": {"norm.weight": torch.zeros(1)}, "extra": bomb}, path)


def legacy(bomb: Bomb, path: Path) -> None:
    torch.save({"x": bomb}, path, _use_new_zipfile_serialization=False)


def plain(bomb: Bomb, path: Path) -> None:
    path.write_bytes(pickle.dumps({"x": bomb}))


def archive(bomb: Bomb, path: Path) -> None:
    """A TorchScript archive holds code beside its pickles."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps(bomb))
        file.writestr("archive/constants.pkl", pickle.dumps(bomb))
        file.writestr("archive/code/__torch__.py", "import os\n")
        file.writestr("archive/version", "3")


def tarred(bomb: Bomb, path: Path) -> None:
    """The format of PyTorch before 0.1.10."""
    with tarfile.open(path, "w") as file:
        for name in ("sys_info", "pickle", "storages", "tensors"):
            content = pickle.dumps(bomb)
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))


@pytest.mark.parametrize("write", [zipped, legacy, plain, archive, tarred])
@pytest.mark.parametrize("suffix", [".pth", ".pt", ".bin", ".safetensors"])
def test_a_pickle_bomb_is_refused_and_does_not_go_off(tmp_path, suffix, write):
    path, marker = tmp_path / f"weights{suffix}", tmp_path / "executed"
    write(Bomb(marker), path)
    config = BackboneConfig(
        name=NAME, weights=str(path), weights_sha256=None, kwargs={"depth": 1}, pool="cls", precision="fp32"
    )
    with pytest.raises(BackboneError) as caught:
        build_backbone(config, size_px=224, seed=1, device="cpu")
    assert not marker.exists()
    assert "weights_only" not in str(caught.value), "no advice to switch the protection off"


def test_the_bomb_would_go_off(tmp_path):
    marker = tmp_path / "executed"
    zipped(Bomb(marker), tmp_path / "w.pth")
    torch.load(tmp_path / "w.pth", weights_only=False)
    assert marker.is_dir()
