from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import nn

from roadwork.embed import weights as weights_module
from roadwork.embed.architecture import create_architecture
from roadwork.embed.weights import load_weights, weights_digest
from roadwork.errors import BackboneError

NAME = "vit_small_plus_patch16_dinov3.lvd1689m"


def create(depth: int = 1, size_px: int = 32) -> Callable[[], nn.Module]:
    return lambda: create_architecture(NAME, {"depth": depth}, size_px=size_px, pool="auto")


def load(weights: str | Path, depth: int = 1) -> nn.Module:
    return load_weights(str(weights), create(depth), name=NAME, seed=3)


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(1)
    model = create()()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.1)
    return model


def in_reach(monkeypatch: pytest.MonkeyPatch, *, cached: object = None, refusal: str | None = None) -> None:
    monkeypatch.setattr(weights_module, "try_to_load_from_cache", lambda *_, **__: cached)
    monkeypatch.setattr(weights_module, "hub_refusal", lambda: refusal)


def saved(state: dict[str, torch.Tensor], path: Path) -> Path:
    if path.suffix == ".safetensors":
        save_file({name: value.contiguous() for name, value in state.items()}, path)
    else:
        torch.save(state, path)
    return path


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".pt", ".bin"])
def test_a_file_gives_back_the_model(model, tmp_path, suffix):
    loaded = load(saved(model.state_dict(), tmp_path / f"w{suffix}"))
    assert weights_digest(loaded) == weights_digest(model)


@pytest.mark.parametrize("wrapper", ["model", "state_dict"])
def test_a_training_checkpoint_is_unwrapped(model, tmp_path, wrapper):
    path = tmp_path / "w.pth"
    torch.save({wrapper: model.state_dict(), "epoch": 3}, path)
    assert weights_digest(load(path)) == weights_digest(model)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_cast_to_float32(model, tmp_path, dtype):
    half = {name: value.to(dtype) for name, value in model.state_dict().items()}
    loaded = load(saved(half, tmp_path / "w.safetensors"))
    for name, value in loaded.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, half[name].float())


def test_metas_names_are_understood(model, tmp_path, capsys):
    renames = (("reg_token", "storage_tokens"), ("gamma_1", "ls1.gamma"), ("gamma_2", "ls2.gamma"),
               ("mlp.fc1_g", "mlp.w1"), ("mlp.fc1_x", "mlp.w2"), ("mlp.fc2", "mlp.w3"))  # fmt: skip
    meta = {}
    for name, value in model.state_dict().items():
        for ours, theirs in renames:
            name = name.replace(ours, theirs)
        meta[name] = value
    meta["mask_token"] = torch.zeros(1, 384)
    meta["rope_embed.periods"] = torch.ones(16)
    meta["blocks.0.attn.qkv.bias"] = torch.zeros(3 * 384)
    meta["blocks.0.attn.qkv.bias_mask"] = torch.zeros(3 * 384)
    assert weights_digest(load(saved(meta, tmp_path / "w.pth"))) == weights_digest(model)
    assert capsys.readouterr().out == ""


def test_position_grids_are_resampled_to_the_size_of_the_views(tmp_path):
    big = timm.create_model("vit_tiny_patch16_224", num_classes=0, depth=1, img_size=64)
    path = saved(big.state_dict(), tmp_path / "w.safetensors")
    kept = load_weights(
        str(path), lambda: create_architecture("vit_tiny_patch16_224", {"depth": 1}, size_px=32, pool="auto"),
        name="vit_tiny", seed=1,
    )  # fmt: skip
    assert kept.state_dict()["pos_embed"].shape == (1, 5, 192)
    assert torch.equal(kept.state_dict()["blocks.0.attn.qkv.weight"], big.state_dict()["blocks.0.attn.qkv.weight"])


def test_a_classifier_in_the_file_is_left_out(tmp_path):
    whole = timm.create_model("resnet18", num_classes=10)
    path = saved(whole.state_dict(), tmp_path / "w.safetensors")
    loaded = load_weights(
        str(path), lambda: create_architecture("resnet18", {}, size_px=32, pool="auto"), name="resnet18", seed=1
    )
    assert torch.equal(loaded.state_dict()["conv1.weight"], whole.state_dict()["conv1.weight"])


def test_missing_and_left_over_weights_are_listed(model, tmp_path):
    state = model.state_dict()
    state["blocks.0.attn.extra"] = state.pop("norm.weight")
    with pytest.raises(BackboneError, match=r"1 missing: norm.weight; 1 unexpected: blocks.0.attn.extra") as caught:
        load(saved(state, tmp_path / "w.safetensors"))
    assert "backbone.weights" in caught.value.where


def test_misshapen_weights_are_listed(model, tmp_path):
    state = model.state_dict() | {"norm.weight": torch.ones(7)}
    with pytest.raises(BackboneError, match=r"1 of another shape: norm.weight \[7\], needed \[384\]"):
        load(saved(state, tmp_path / "w.safetensors"))


def test_weights_of_a_deeper_model_do_not_fit(model, tmp_path):
    with pytest.raises(BackboneError, match=r"unexpected: blocks.1.*more\)") as caught:
        load(saved(create(2)().state_dict(), tmp_path / "w.safetensors"))
    assert "depth" in caught.value.fix


def test_weights_of_another_model_do_not_fit(tmp_path):
    other = timm.create_model("resnet18", num_classes=0)
    with pytest.raises(BackboneError, match="don't fit"):
        load(saved(other.state_dict(), tmp_path / "w.safetensors"))


def test_a_missing_file_says_where_to_put_it(tmp_path):
    with pytest.raises(BackboneError, match="there is no weights file") as caught:
        load(tmp_path / "none.safetensors")
    assert str(tmp_path / "none.safetensors") in caught.value.fix


def test_another_suffix_is_refused(tmp_path):
    path = tmp_path / "w.npz"
    path.write_bytes(b"x")
    with pytest.raises(BackboneError, match="no kind of weights file"):
        load(path)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("content", [b"", b"not a checkpoint at all", None])
def test_a_damaged_file_is_refused(model, tmp_path, suffix, content):
    path = saved(model.state_dict(), tmp_path / f"w{suffix}")
    path.write_bytes(path.read_bytes()[:5000] if content is None else content)
    with pytest.raises(BackboneError, match="can't read the weights"):
        load(path)


class Trap:
    """Would write a file if its pickle were executed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_code_in_a_checkpoint_is_never_run(tmp_path):
    path, sprung = tmp_path / "w.pth", tmp_path / "sprung"
    torch.save({"x": Trap(sprung)}, path)
    with pytest.raises(BackboneError, match="can't read the weights"):
        load(path)
    assert not sprung.exists()


def test_entries_that_are_no_tensors_are_refused(tmp_path):
    path = tmp_path / "w.pth"
    torch.save({"x": 3}, path)
    with pytest.raises(BackboneError, match="'x' is a int"):
        load(path)


@pytest.mark.parametrize("error", [OSError("no route to the hub"), ConnectionError("offline")])
def test_weights_that_cannot_be_had_say_which_file_to_put_where(monkeypatch, error):
    def refuse(*_, **__):
        raise error

    in_reach(monkeypatch)
    monkeypatch.setattr(weights_module, "hf_hub_download", refuse)
    with pytest.raises(BackboneError, match=f"can't be had.*{error}") as caught:
        load("pretrained")
    assert "timm/vit_small_plus_patch16_dinov3.lvd1689m" in caught.value.rule
    assert "licence" in caught.value.rule
    assert f"weights/{NAME}.safetensors" in caught.value.fix


def test_the_hub_client_offline_gives_the_same_error(monkeypatch, tmp_path):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(BackboneError, match="can't be had"):
        load("pretrained")


def test_hub_weights_are_loaded_strictly(monkeypatch, model, tmp_path):
    path = saved(model.state_dict(), tmp_path / "model.safetensors")

    def download(repository, file, *, revision):
        assert (repository, file, revision) == (f"timm/{NAME}", "model.safetensors", None)
        return str(path)

    in_reach(monkeypatch)
    monkeypatch.setattr(weights_module, "hf_hub_download", download)
    assert weights_digest(load("pretrained")) == weights_digest(model)
    with pytest.raises(BackboneError, match=r"missing: blocks.1"):
        load("pretrained", depth=2)


def test_a_model_without_hub_weights():
    with pytest.raises(BackboneError, match="has no weights for"):
        load_weights(
            "pretrained",
            lambda: create_architecture("vit_base_patch32_plus_256", {}, size_px=32, pool="auto"),
            name="vit_base_patch32_plus_256",
            seed=1,
        )


def test_digest_is_sha256_of_names_types_shapes_and_bytes():
    layer = nn.Linear(2, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 2.0]]))
        layer.bias.copy_(torch.tensor([3.0]))
    expected = hashlib.sha256(b"bias torch.float32 (1,)\n" + layer.bias.detach().numpy().tobytes())
    expected.update(b"weight torch.float32 (1, 2)\n" + layer.weight.detach().numpy().tobytes())
    assert weights_digest(layer) == expected.hexdigest()


def test_digest_does_not_depend_on_the_chunk(model, monkeypatch):
    whole = weights_digest(model)
    monkeypatch.setattr(weights_module, "_CHUNK_BYTES", 1000)
    assert weights_digest(model) == whole


def test_digest_sees_a_single_bit(model):
    before = weights_digest(model)
    with torch.no_grad():
        model.norm.weight[0] = torch.nextafter(model.norm.weight[0], torch.tensor(9.0))
    assert weights_digest(model) != before


@pytest.mark.parametrize("held", [[torch.ones(2)], torch.ones(2), {"model": [torch.ones(2)]}, {3: torch.ones(2)}])
def test_a_file_that_holds_no_table_is_refused(tmp_path, held):
    path = tmp_path / "w.pth"
    torch.save(held, path)
    with pytest.raises(BackboneError, match="no table of names and tensors"):
        load(path)


@pytest.mark.parametrize("content", [b"garbage", b"not a checkpoint at all", None])
def test_nobody_is_advised_to_execute_a_file(tmp_path, content):
    path = tmp_path / "w.pth"
    if content is None:
        torch.save({"x": Trap(tmp_path / "sprung")}, path)
    else:
        path.write_bytes(content)
    with pytest.raises(BackboneError, match="damaged, no PyTorch file") as caught:
        load(path)
    assert "weights_only" not in str(caught.value)


def never(*_: object, **__: object) -> None:
    raise NotImplementedError


def test_a_hub_out_of_reach_is_not_asked(monkeypatch):
    in_reach(monkeypatch, refusal="hub.example can't be reached (no route)")
    monkeypatch.setattr(weights_module, "hf_hub_download", never)
    with pytest.raises(BackboneError, match=r"can't be had: hub\.example can't be reached") as caught:
        load("pretrained")
    assert f"weights/{NAME}.safetensors" in caught.value.fix


def test_weights_in_the_local_cache_need_no_hub(monkeypatch, model, tmp_path):
    path = saved(model.state_dict(), tmp_path / "model.safetensors")
    in_reach(monkeypatch, cached=str(path), refusal="out of reach")
    monkeypatch.setattr(weights_module, "hf_hub_download", never)
    assert weights_digest(load("pretrained")) == weights_digest(model)


def test_the_file_must_have_the_digest_of_the_parameters(model, tmp_path):
    path = saved(model.state_dict(), tmp_path / "w.safetensors")
    right = hashlib.sha256(path.read_bytes()).hexdigest()
    loaded = load_weights(str(path), create(), name=NAME, seed=3, sha256=right)
    assert weights_digest(loaded) == weights_digest(model)
    with path.open("r+b") as stream:  # one bit of one weight
        stream.seek(-1, 2)
        byte = stream.read(1)[0]
        stream.seek(-1, 2)
        stream.write(bytes([byte ^ 1]))
    with pytest.raises(BackboneError, match=r"backbone\.weights_sha256 is " + right) as caught:
        load_weights(str(path), create(), name=NAME, seed=3, sha256=right)
    assert hashlib.sha256(path.read_bytes()).hexdigest() in caught.value.what


def test_the_hub_s_file_must_have_it_too(monkeypatch, model, tmp_path):
    path = saved(model.state_dict(), tmp_path / "model.safetensors")
    in_reach(monkeypatch, cached=str(path))
    with pytest.raises(BackboneError, match=r"backbone\.weights_sha256"):
        load_weights("pretrained", create(), name=NAME, seed=3, sha256="0" * 64)


def test_a_missing_file_with_a_digest_is_a_missing_file(tmp_path):
    with pytest.raises(BackboneError, match="there is no weights file"):
        load_weights(str(tmp_path / "none.pth"), create(), name=NAME, seed=3, sha256="0" * 64)
