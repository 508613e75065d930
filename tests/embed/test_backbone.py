from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from roadwork.config import parse_section
from roadwork.embed.architecture import create_architecture
from roadwork.embed.backbone import Backbone, build_backbone, embed_views
from roadwork.embed.backbone_config import BackboneConfig
from roadwork.errors import BackboneError, CapabilityError, ParameterError
from roadwork.views.decode import decode_rgb
from roadwork.views.geometry import view_boxes
from roadwork.views.resample import cut_views

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared"
MOBILENET = SHARED / "weights" / "mobilenetv2_100.safetensors"
PHOTOS = SHARED / "photos" / "no_roadwork"

DINOV3 = "vit_huge_plus_patch16_dinov3.lvd1689m"


def config(name: str = "vit_small_plus_patch16_dinov3", **changes) -> BackboneConfig:
    values = {
        "name": name,
        "weights": "random",
        "weights_sha256": None,
        "kwargs": {"depth": 1},
        "pool": "auto",
        "precision": "fp32",
    }
    return BackboneConfig(**(values | changes))


def build(name: str = "vit_small_plus_patch16_dinov3", *, size_px: int = 32, seed: int = 17, **changes) -> Backbone:
    return build_backbone(config(name, **changes), size_px=size_px, seed=seed, device="cpu")


def views(images: int, count: int, size: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (images, count, size, size, 3), dtype=torch.uint8, generator=generator)


def normed_tokens(backbone: Backbone, pixels: torch.Tensor) -> torch.Tensor:
    """All tokens of the model's last layer, `[view token dim]`, of uint8 `pixels` `[view size size 3]`."""
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (backbone.mean, backbone.std))
    with torch.inference_mode():
        scaled = (pixels.permute(0, 3, 1, 2).float() / 255 - mean) / std
        return backbone.module.forward_features(scaled)  # pyright: ignore[reportCallIssue]


def scene(seed: int) -> torch.Tensor:
    """A picture-like view `[1 1 64 64 3]`: coloured rectangles."""
    rng = np.random.default_rng(seed)
    pixels = np.full((64, 64, 3), rng.integers(0, 256, 3), dtype=np.uint8)
    for _ in range(8):
        x, y = rng.integers(0, 48, 2)
        pixels[y : y + rng.integers(4, 32), x : x + rng.integers(4, 32)] = rng.integers(0, 256, 3)
    return torch.from_numpy(pixels)[None, None]


def test_shape_type_and_frozen():
    backbone = build()
    vectors = embed_views(backbone, views(2, 3, 32))
    assert vectors.shape == (2, 3, 384)
    assert vectors.dtype == torch.float32
    assert not vectors.requires_grad
    assert not backbone.module.training
    assert not any(parameter.requires_grad for parameter in backbone.module.parameters())
    assert backbone.patch_px == 16


def test_vectors_stay_in_their_places():
    backbone, batch = build(), views(2, 3, 32)
    together = embed_views(backbone, batch)
    for image in range(2):
        for view in range(3):
            alone = embed_views(backbone, batch[image : image + 1, view : view + 1])
            torch.testing.assert_close(together[image, view], alone[0, 0], rtol=1e-4, atol=1e-5)


def test_pixels_are_normalised_by_the_models_own_mean_and_std():
    overlay = {"mean": [0.1, 0.2, 0.3], "std": [0.5, 0.6, 0.7]}
    plain = build(kwargs={"depth": 1})
    assert plain.mean == (0.485, 0.456, 0.406)
    assert plain.std == (0.229, 0.224, 0.225)
    other = build(kwargs={"depth": 1, "pretrained_cfg_overlay": overlay})
    assert other.identity["mean"] == overlay["mean"]
    batch = views(1, 2, 32)
    pixels = batch[0].permute(0, 3, 1, 2).float() / 255
    normalised = (pixels - torch.tensor(overlay["mean"]).view(3, 1, 1)) / torch.tensor(overlay["std"]).view(3, 1, 1)
    with torch.inference_mode():
        expected = other.module(normalised)
    torch.testing.assert_close(embed_views(other, batch)[0], expected)


def test_pools_of_a_vision_transformer():
    batch = views(1, 2, 32)
    auto, cls, mean, default = (build(pool=pool) for pool in ("auto", "cls", "mean", "default"))
    assert [b.pool for b in (auto, cls, mean, default)] == ["cls", "cls", "mean", "mean"]
    assert auto.identity == cls.identity
    tokens = normed_tokens(cls, batch[0])
    torch.testing.assert_close(embed_views(cls, batch)[0], tokens[:, 0])
    torch.testing.assert_close(embed_views(mean, batch)[0], tokens[:, 5:].mean(dim=1))  # class token and 4 registers
    torch.testing.assert_close(embed_views(default, batch), embed_views(mean, batch))


def test_mean_of_a_transformer_that_pools_by_its_class_token():
    backbone = build("vit_tiny_patch16_224", pool="mean")
    batch = views(1, 2, 32)
    assert backbone.pool == "mean"
    torch.testing.assert_close(embed_views(backbone, batch)[0], normed_tokens(backbone, batch[0])[:, 1:].mean(dim=1))


def test_a_model_without_class_token_pools_its_own_way():
    auto = build("mobilenetv2_100", kwargs={"pad_type": "same"})
    assert auto.pool == "mean"
    assert auto.identity == build("mobilenetv2_100", kwargs={"pad_type": "same"}, pool="default").identity
    assert embed_views(auto, views(1, 2, 32)).shape == (1, 2, 1280)
    with pytest.raises(ParameterError, match="no class token") as caught:
        build("mobilenetv2_100", kwargs={}, pool="cls")
    assert "auto, mean or default" in caught.value.fix


def test_mean_needs_something_to_average():
    with pytest.raises(ParameterError, match="doesn't tell its patch tokens"):
        build("pit_ti_224", kwargs={}, pool="mean", size_px=64)


def test_an_argument_the_model_does_not_take_is_named_with_its_fix():
    with pytest.raises(ParameterError, match="mobilenetv2_100 takes no argument `depth`") as caught:
        build("mobilenetv2_100", kwargs={"depth": 2, "pad_type": "same"})
    assert caught.value.where == "params.yaml: backbone.kwargs.depth"
    assert "~backbone.kwargs.depth" in caught.value.fix


@pytest.mark.parametrize("key", ["num_classes", "global_pool", "img_size", "pretrained", "checkpoint_path", "in_chans"])
def test_arguments_that_other_parameters_own_are_refused(key):
    with pytest.raises(ParameterError, match=f"backbone.kwargs.{key}"):
        build(kwargs={key: 1})


def test_an_argument_with_a_wrong_value_is_explained():
    with pytest.raises(BackboneError, match="can't build vit_small_plus_patch16_dinov3"):
        build(kwargs={"depth": "two"})


@pytest.mark.parametrize(
    ("name", "near"),
    [("vit_huge_plus_patch16_dinov4", "vit_huge_plus_patch16_dinov3"), ("mobilenetv2-100", "mobilenetv2_100")],
)
def test_an_unknown_model_gets_the_nearest_names(name, near):
    with pytest.raises(BackboneError, match="no model") as caught:
        build(name)
    assert near in caught.value.fix


def test_an_unknown_tag_gets_the_known_ones():
    with pytest.raises(BackboneError, match="no weights 'lvd'") as caught:
        build("vit_huge_plus_patch16_dinov3.lvd")
    assert DINOV3 in caught.value.fix


def test_size_must_be_a_multiple_of_the_patch():
    with pytest.raises(ParameterError, match="nearest valid sizes are 512 or 528"):
        build(size_px=518)
    with pytest.raises(ParameterError, match="nearest valid sizes are 504 or 518"):
        build("vit_small_patch14_dinov2.lvd142m", size_px=512)


def test_a_model_of_fixed_size_is_built_for_the_views():
    backbone = build("vit_small_patch14_dinov2.lvd142m", size_px=42)
    assert embed_views(backbone, views(1, 1, 42)).shape == (1, 1, 384)


def test_a_size_the_model_cannot_do_is_an_error_at_build():
    with pytest.raises(BackboneError, match="inception_v3 can't take views of 32 px") as caught:
        build("inception_v3", kwargs={}, size_px=32)
    assert "views.size_px" in caught.value.where


def test_dimension_is_that_of_the_vectors():
    backbone = build("efficientvit_b0", kwargs={})  # its head widens the features
    assert backbone.dim == embed_views(backbone, views(1, 1, 32)).shape[2] == 1280


def test_random_weights_follow_the_seed_and_leave_the_global_state():
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first = build(seed=1)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(6)
    again, other = build(seed=1), build(seed=2)
    assert first.weights_digest == again.weights_digest != other.weights_digest
    batch = views(1, 2, 32)
    assert torch.equal(embed_views(first, batch), embed_views(again, batch))


def test_random_weights_say_that_features_are_untrained(capsys):
    assert not build().trained
    captured = capsys.readouterr()
    assert "UNTRAINED" in captured.err
    assert captured.out == ""


def test_random_class_token_depends_on_the_image():
    backbone = build(DINOV3, size_px=64, kwargs={"depth": 2})
    first, second, third = (embed_views(backbone, scene(seed))[0, 0] for seed in (1, 2, 3))
    typical = torch.stack([first, second, third]).norm(dim=1).mean()
    for a, b in ((first, second), (second, third), (first, third)):
        assert (a - b).norm() / typical > 0.05


def test_identity_is_json_and_tells_precision_as_resolved(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {})
    identity = build(precision="auto").identity
    assert json.loads(json.dumps(identity)) == identity
    assert set(identity) == {"name", "kwargs", "weights_digest", "pool", "precision", "dim", "mean", "std"}
    assert identity["precision"] == "fp32"


@pytest.mark.skipif(not torch.cpu.get_capabilities().get("avx512_bf16"), reason="this CPU has no bfloat16")
def test_bf16_agrees_with_fp32():
    full, half = build(DINOV3, precision="fp32", size_px=64), build(DINOV3, precision="bf16", size_px=64)
    assert full.weights_digest == half.weights_digest
    a, b = embed_views(full, scene(1)), embed_views(half, scene(1))
    assert b.dtype == torch.float32
    assert 0 < (a - b).norm() / a.norm() < 0.02


def test_vectors_that_are_not_finite_are_refused():
    backbone = build()
    with torch.no_grad():
        next(backbone.module.parameters()).fill_(float("nan"))
    with pytest.raises(BackboneError, match="2 of 2 vectors hold NaN"):
        embed_views(backbone, views(1, 2, 32))


def test_compile_on_the_cpu_is_refused():
    with pytest.raises(CapabilityError, match=r"embed\.compile"):
        build_backbone(config(), size_px=32, seed=1, device="cpu", compile=True)


def test_committed_parameters_are_valid_and_a_wrong_pool_is_named():
    values = {
        "name": "x",
        "weights": "random",
        "weights_sha256": None,
        "kwargs": {"depth": 2},
        "pool": "auto",
        "precision": "auto",
    }
    assert parse_section(values, "backbone", BackboneConfig, where="params.yaml").kwargs == {"depth": 2}
    with pytest.raises(ParameterError, match=r"backbone\.pool"):
        parse_section(values | {"pool": "token"}, "backbone", BackboneConfig, where="params.yaml")
    with pytest.raises(ParameterError, match=r"weights: random are of no file"):
        parse_section(values | {"weights_sha256": "0" * 64}, "backbone", BackboneConfig, where="params.yaml")
    with pytest.raises(ParameterError, match=r"backbone\.weights_sha256"):
        parse_section(values | {"weights_sha256": "A" * 64}, "backbone", BackboneConfig, where="params.yaml")


def test_a_pin_is_no_part_of_the_features_identity(monkeypatch, tmp_path):
    """Caches go by the identity: to pin a file, or not, must not embed anything again."""
    path = tmp_path / "w.safetensors"
    save_file(build().module.state_dict(), path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    plain, pinned = (build(weights=str(path), weights_sha256=pin) for pin in (None, digest))
    assert plain.identity == pinned.identity
    with pytest.raises(BackboneError, match=r"weights_sha256"):
        build(weights=str(path), weights_sha256="0" * 64)


@pytest.mark.skipif(not MOBILENET.is_file() or not PHOTOS.is_dir(), reason="no real weights and photographs here")
def test_real_weights_tell_photographs_apart():
    backbone = build("mobilenetv2_100", weights=str(MOBILENET), kwargs={"pad_type": "same"}, size_px=96)
    assert backbone.trained
    assert backbone.weights_digest == "ed107b5063d1830dd7c7e1ae00ead481e5be6f0d93011121c6294f84607d8d87"
    vectors = []
    for path in sorted(PHOTOS.glob("*.jpg"))[:2]:
        rgb = decode_rgb(path, max_pixels=200_000_000)
        boxes = view_boxes(rgb.shape[1], rgb.shape[0], grid=3, overlap=0.25)
        vectors.append(embed_views(backbone, torch.from_numpy(cut_views(rgb, boxes, 96))[None])[0])
    first, second = vectors
    assert first.shape == (12, 1280)
    assert torch.isfinite(first).all()
    similarity = torch.nn.functional.cosine_similarity(first[0], second[0], dim=0)
    assert similarity < 0.95
    assert (first.std(dim=0) > 0).float().mean() > 0.5


@pytest.mark.slow
def test_the_whole_production_backbone():
    backbone = build(DINOV3, kwargs={}, size_px=64, precision="auto")
    assert sum(parameter.numel() for parameter in backbone.module.parameters()) == pytest.approx(840.5e6, abs=0.1e6)
    first, second = embed_views(backbone, torch.cat([scene(1), scene(2)]))
    assert first.shape == (1, 1280)
    assert (first - second).norm() / first.norm() > 0.05


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_agrees_with_the_cpu():
    batch = torch.cat([scene(1), scene(2)])
    on_cpu = embed_views(build(DINOV3, size_px=64, kwargs={"depth": 2}), batch)
    cuda = build_backbone(config(DINOV3, kwargs={"depth": 2}, precision="auto"), size_px=64, seed=17, device="cuda")
    on_cuda = embed_views(cuda, batch)
    assert cuda.precision == "bf16"
    assert on_cuda.device.type == "cuda"
    assert (on_cpu - on_cuda.cpu()).norm() / on_cpu.norm() < 0.03


@pytest.mark.parametrize("depth", [0, -1])
def test_a_model_without_a_block_is_refused(depth):
    with pytest.raises(ParameterError, match=r"(?s)depth is .*backbone\.kwargs\.depth.*at least 1 block"):
        build(kwargs={"depth": depth})


def test_random_weights_are_noted_only_once_the_model_works(capsys):
    with pytest.raises(ParameterError):
        build(size_px=33)
    with pytest.raises(BackboneError, match="can't take views"):
        build("densenet121", size_px=8, kwargs={})
    assert "RANDOM" not in capsys.readouterr().err
    build()
    assert capsys.readouterr().err.count("RANDOM") == 1


@pytest.mark.parametrize(
    ("kwargs", "says"),
    [
        ({"embed_dim": 10**9}, r"`backbone\.kwargs\.embed_dim` is 1e\+09"),
        ({"depth": 10**6}, r"backbone\.kwargs\.depth is 1000000"),
        ({"depth": 500, "embed_dim": 16384, "num_heads": 16}, "weights"),
        ({"block_kwargs": {"sizes": [1, 10**8]}}, r"`backbone\.kwargs\.block_kwargs\.sizes\.1` is 1e\+08"),
    ],
)
def test_a_model_too_large_for_any_machine_takes_no_memory(kwargs, says):
    with pytest.raises(ParameterError, match=says):
        create_architecture("vit_tiny_patch16_224", kwargs, size_px=32, pool="cls")


def test_counting_the_weights_leaves_the_random_ones_as_they_were():
    def drawn(kwargs):
        torch.manual_seed(3)
        return create_architecture("test_vit.r160_in1k", kwargs, size_px=160, pool="cls").state_dict()

    counted, plain = drawn({"embed_dim": 64}), drawn({})
    assert all(torch.equal(counted[name], plain[name]) for name in plain)
