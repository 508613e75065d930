from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from roadwork.config import parse_section, read_params
from roadwork.errors import CapabilityError, ParameterError
from roadwork.model.head import Head
from roadwork.model.head_config import HeadConfig, HeadSpec
from roadwork.model.metadata import Metadata

pytestmark = pytest.mark.usefixtures("seeded")
ROOT = Path(__file__).resolve().parents[2]
PARAMS = ROOT / "params.yaml"
BLOCKS = {
    "standardisation": 0,
    "pruning": 410_241,
    "projection": 662_016,
    "pyramid": 657_280,
    "attention": 5_257_216,
    "view_classifier": 1_026,
    "view_fusion": 2_169_089,
    "weather_classifier": 133_384,
    "metadata": 148_928,
    "fusion": 624_128,
    "classifier": 131_842,
}


def size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def embeddings(images: int = 4, views: int = 5, dim: int = 10) -> torch.Tensor:
    return torch.randn(images, views, dim, generator=torch.Generator().manual_seed(11))


def test_every_block_has_the_size_of_the_figure(default_spec):
    head = Head(default_spec)
    assert {name: size(block) for name, block in head.named_children()} == BLOCKS
    assert size(head) == 10_195_150


def test_the_model_page_tells_the_same_sizes():
    page = (ROOT / "docs" / "model.md").read_text(encoding="utf-8")
    told = {
        name: int(count.replace(",", "")) for name, count in re.findall(r"^\| `(\w+)` \|.*\| ([\d,]+) \|$", page, re.M)
    }
    assert told == BLOCKS
    assert f"{sum(BLOCKS.values()):,}" in page


def test_default_shapes(default_spec, some_metadata):
    head = Head(default_spec).eval()
    with torch.inference_mode():
        output = head(torch.randn(3, 12, 1280).half(), some_metadata(3, default_spec.metadata))
    assert [tuple(part.shape) for part in output] == [(3, 2), (3, 8, 2), (3, 8), (3, 8), (3, 8)]
    assert output.kept.dtype == torch.int64
    assert (output.kept.diff(dim=1) > 0).all()
    assert ((output.gates > 0) & (output.gates < 1)).all()
    assert all(torch.isfinite(part).all() for part in output)


def test_golden_output(toy_spec, some_metadata):
    """A fixed seed, fixed inputs: guards refactorings. A wanted change of the head changes these numbers."""
    spec = toy_spec()
    torch.manual_seed(2)
    head = Head(spec).eval()
    output = head(embeddings(), some_metadata(4, spec.metadata))
    assert size(head) == 7466
    assert output.kept.tolist() == [[1, 3, 4], [0, 3, 4], [0, 2, 3], [0, 3, 4]]
    for part, expected in (
        (output.logits, [-0.80243, -0.38945, -0.70461, -0.35637, -0.61515, -0.27301, -0.59925, -0.28104]),
        (output.view_logits[0], [-0.26692, 0.38886, 0.1718, 0.50074, -0.2578, -0.13715]),
        (output.weather_logits[0], [0.05553, 0.088, -0.01777, -0.04416, -0.05756, -0.28914, -0.03885, 0.31148]),
        (output.gates[:2], [0.65642, 0.60364, 0.61298, 0.63461, 0.63322, 0.62706]),
    ):
        assert part.flatten().tolist() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("dim", "views", "keep"), [(7, 3, 2), (768, 12, 12), (33, 19, 8), (4, 1, 1)])
def test_any_backbone_width_and_any_number_of_views(toy_spec, some_metadata, dim: int, views: int, keep: int):
    spec = toy_spec({"head.pruning.keep": keep}, embedding_dim=dim, views=views)
    output = Head(spec)(embeddings(2, views, dim), some_metadata(2, spec.metadata))
    assert output.logits.shape == (2, 2)
    assert output.kept.shape == output.gates.shape == (2, keep)
    assert spec.tokens == keep


@pytest.mark.parametrize(
    ("change", "gone"),
    [
        ({"head.pruning.enabled": False}, "pruning"),
        ({"head.pyramid.enabled": False}, "pyramid"),
        ({"head.attention.layers": 0}, "attention"),
        ({"head.view_fusion.enabled": False}, "view_fusion"),
        ({"metadata.fields": []}, "metadata"),
    ],
)
def test_every_block_can_be_switched_off(toy_spec, some_metadata, change, gone: str):
    spec = toy_spec(change)
    head = Head(spec)
    assert size(getattr(head, gone)) == 0
    assert size(getattr(Head(toy_spec()), gone)) > 0
    output = head(embeddings(), some_metadata(4, spec.metadata))
    assert output.kept.shape == (4, spec.tokens)
    output.logits.sum().backward()
    assert all(torch.isfinite(part).all() for part in output)


def test_standardisation_is_fitted_to_training_images_and_can_be_switched_off(toy_spec, some_metadata):
    spec, x = toy_spec({"metadata.fields": []}), embeddings(40)
    head = Head(spec).eval()
    head.fit_standardisation(x)
    shifted = Head(spec).eval()
    shifted.load_state_dict(head.state_dict())
    shifted.fit_standardisation(7 + 3 * x)
    nothing = some_metadata(40, spec.metadata)
    torch.testing.assert_close(shifted(7 + 3 * x, nothing).logits, head(x, nothing).logits)
    plain = Head(toy_spec({"head.standardise": False}))
    plain.fit_standardisation(x)
    assert torch.equal(plain.standardisation(x), x)


def test_all_switched_off_at_once_is_a_small_classifier_of_the_mean(toy_spec, some_metadata):
    off = {
        "head.standardise": False,
        "head.pruning.enabled": False,
        "head.projection.view_embedding": False,
        "head.pyramid.enabled": False,
        "head.attention.layers": 0,
        "head.view_fusion.enabled": False,
        "metadata.fields": [],
    }
    spec = toy_spec(off)
    head = Head(spec).eval()
    x = embeddings()
    expected = head.classifier(head.fusion(head.projection.linear(x).mean(1), torch.zeros(4, 0)))
    torch.testing.assert_close(head(x, some_metadata(4, spec.metadata)).logits, expected)


@pytest.mark.parametrize("gate", ["elementwise", "headwise", "none"])
def test_the_gate_is_a_choice(toy_spec, some_metadata, gate: str):
    spec = toy_spec({"head.attention.gate": gate})
    gates = {"elementwise": 16 * 16 + 16, "headwise": 16 * 4 + 4, "none": 0}
    plain = Head(toy_spec({"head.attention.gate": "none"}))
    head = Head(spec)
    assert size(head.attention) - size(plain.attention) == 2 * gates[gate]
    assert head(embeddings(), some_metadata(4, spec.metadata)).logits.shape == (4, 2)


def test_every_weight_learns(toy_spec, some_metadata):
    """From the classification alone, except the side outputs' own weights; no block is a dead branch."""
    spec = toy_spec()
    head = Head(spec)
    output = head(embeddings(16), some_metadata(16, spec.metadata))
    (output.logits.square().sum() + output.view_logits.square().sum() + output.weather_logits.square().sum()).backward()
    dead = [name for name, parameter in head.named_parameters() if parameter.grad is None or not parameter.grad.any()]
    assert dead == []


def test_weather_is_read_from_the_pixels_alone(toy_spec, some_metadata):
    spec = toy_spec()
    head = Head(spec).eval()
    known = some_metadata(4, spec.metadata)
    a, b = head(embeddings(), known), head(embeddings(), Metadata.null(4, spec.metadata))
    assert torch.equal(a.weather_logits, b.weather_logits)
    assert torch.equal(a.view_logits, b.view_logits)
    assert not torch.equal(a.logits[0], b.logits[0])


def test_images_dont_influence_each_other(toy_spec, some_metadata):
    spec = toy_spec()
    head = Head(spec).eval()
    metadata = some_metadata(4, spec.metadata)
    together = head(embeddings(), metadata)
    alone = head(embeddings()[2:3], metadata.index(torch.tensor([2])))
    torch.testing.assert_close(alone.logits[0], together.logits[2])
    assert torch.equal(alone.kept[0], together.kept[2])


def without(view: int, views: int = 5, images: int = 4) -> torch.Tensor:
    """The indices of all views but one, for every image."""
    return torch.tensor([other for other in range(views) if other != view]).expand(images, -1)


def given(x: torch.Tensor, views: torch.Tensor) -> torch.Tensor:
    return x.gather(1, views.unsqueeze(-1).expand(-1, -1, x.shape[2]))


@pytest.mark.parametrize("change", [{}, {"head.pruning.enabled": False}, {"head.standardise": False}])
def test_naming_all_views_changes_no_bit(toy_spec, some_metadata, change):
    spec = toy_spec(change)
    head = Head(spec).eval()
    head.fit_standardisation(embeddings(40))
    metadata = some_metadata(4, spec.metadata)
    plain = head(embeddings(), metadata)
    named = head(embeddings(), metadata, torch.arange(5).expand(4, -1))
    assert all(torch.equal(one, other) for one, other in zip(plain, named, strict=True))


def test_withholding_a_dropped_view_changes_nothing(toy_spec, some_metadata):
    """Only if the other views keep their own statistics and embeddings does the head give the same answer."""
    spec = toy_spec({"head.pruning.keep": 4})
    head = Head(spec).eval()
    head.fit_standardisation(embeddings(40) + torch.arange(5.0).view(1, 5, 1))
    assert isinstance(head.projection.view_embedding, nn.Embedding)
    nn.init.normal_(head.projection.view_embedding.weight)
    metadata, x = some_metadata(4, spec.metadata), embeddings()
    whole = head(x, metadata)
    dropped = [({*range(5)} - {*kept}).pop() for kept in whole.kept.tolist()]
    views = torch.stack([without(view)[0] for view in dropped])
    rest = head(given(x, views), metadata, views)
    assert torch.equal(rest.kept, whole.kept)
    torch.testing.assert_close(tuple(rest), tuple(whole))
    misnamed = head(given(x, views), metadata, without(4))
    assert not torch.allclose(misnamed.logits, whole.logits)


def test_withholding_a_kept_view_lets_the_next_best_in(toy_spec, some_metadata):
    spec = toy_spec()
    head = Head(spec).eval()
    metadata, x = some_metadata(4, spec.metadata), embeddings()
    scorer = head.pruning.scorer
    assert scorer is not None
    order = scorer(x).squeeze(-1).argsort(dim=1, descending=True)
    views = torch.stack([without(int(best))[0] for best in order[:, 0]])
    rest = head(given(x, views), metadata, views)
    assert torch.equal(rest.kept, order[:, 1:4].sort(dim=1).values)
    assert not torch.allclose(rest.logits, head(x, metadata).logits)


@pytest.mark.parametrize("change", [{"head.pruning.keep": 5}, {"head.pruning.enabled": False}])
def test_of_fewer_views_than_are_kept_all_go_on(toy_spec, some_metadata, change):
    spec = toy_spec(change)
    views = torch.tensor([[1, 3]] * 4)
    output = Head(spec).eval()(given(embeddings(), views), some_metadata(4, spec.metadata), views)
    assert torch.equal(output.kept, views)
    assert output.gates.shape == (4, 2)


def test_metadata_dropout_acts_in_training_only(toy_spec, some_metadata):
    spec = toy_spec({"metadata.dropout": 1.0})
    head = Head(spec)
    known, null = some_metadata(4, spec.metadata), Metadata.null(4, spec.metadata)
    torch.testing.assert_close(head(embeddings(), known).logits, head(embeddings(), null).logits)
    head.eval()
    assert not torch.allclose(head(embeddings(), known).logits[0], head(embeddings(), null).logits[0])


def test_without_fields_metadata_changes_nothing(toy_spec, some_metadata):
    spec = toy_spec({"metadata.fields": []})
    head = Head(spec).eval()
    known, null = some_metadata(4, spec.metadata), Metadata.null(4, spec.metadata)
    assert torch.equal(head(embeddings(), known).logits, head(embeddings(), null).logits)


def test_bfloat16_autocast_stays_close_and_gives_float32(toy_spec, some_metadata):
    spec = toy_spec()
    head = Head(spec).eval()
    metadata = some_metadata(4, spec.metadata)
    expected = head(embeddings(), metadata)
    with torch.autocast("cpu", torch.bfloat16):
        output = head(embeddings().half(), metadata)
    assert {part.dtype for part in output} == {torch.float32, torch.int64}
    assert torch.equal(output.kept, expected.kept)
    torch.testing.assert_close(output.logits, expected.logits, atol=3e-2, rtol=0)
    output.logits.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in head.parameters() if p.grad is not None)


def test_large_float16_embeddings_stay_finite(toy_spec, some_metadata):
    spec = toy_spec()
    output = Head(spec)(embeddings().mul(1e4).half(), some_metadata(4, spec.metadata))
    assert all(torch.isfinite(part).all() for part in output)


def test_a_seed_gives_the_same_weights_and_another_seed_others(toy_spec):
    def weights(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return nn.utils.parameters_to_vector(Head(toy_spec()).parameters())

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_xformers_without_a_gpu_is_an_error(toy_spec, some_metadata):
    spec = toy_spec({"head.attention.backend": "xformers"})
    with pytest.raises(CapabilityError, match="xformers can't run here"):
        Head(spec)(embeddings(), some_metadata(4, spec.metadata))


def test_keeping_more_views_than_there_are_is_the_users_error(toy_spec):
    with pytest.raises(ParameterError) as caught:
        toy_spec({"head.pruning.keep": 6})
    assert "`head.pruning.keep` is 6, but an image has 5 views" in str(caught.value)
    assert "5 or less" in caught.value.fix
    off = toy_spec({"head.pruning.keep": 6, "head.pruning.enabled": False})
    assert off.tokens == 5


@pytest.mark.parametrize(
    ("part", "change", "dotted", "rule"),
    [
        ("attention", {"heads": 7}, "head", "must be a multiple of attention.heads 7"),
        ("view_fusion", {"heads": 3}, "head", "must be a multiple of view_fusion.heads 3"),
        ("attention", {"gate": "rowwise"}, "head.attention.gate", "'headwise'"),
        ("attention", {"backend": "flash"}, "head.attention.backend", "'sdpa'"),
        ("attention", {"layers": -1}, "head.attention.layers", "greater than or equal to 0"),
        ("pyramid", {"dims": []}, "head.pyramid.dims", "at least 1 item"),
        ("pyramid", {"dims": [512, 0]}, "head.pyramid.dims.1", "greater than 0"),
        ("pruning", {"keep": 0}, "head.pruning.keep", "greater than 0"),
    ],
)
def test_a_wrong_parameter_is_named_with_its_rule(part: str, change, dotted: str, rule: str):
    section = read_params(PARAMS)["head"]
    section[part].update(change)
    with pytest.raises(ParameterError) as caught:
        parse_section(section, "head", HeadConfig, where=PARAMS)
    assert caught.value.where.endswith(f": {dotted}")
    assert rule in str(caught.value)


def test_a_spec_survives_json(default_spec):
    assert HeadSpec.model_validate_json(default_spec.model_dump_json(), strict=True) == default_spec


COMPILED = """
import sys
from pathlib import Path
import torch
from roadwork.config import load_section
from roadwork.model.head import Head
from roadwork.model.head_config import HeadConfig, HeadSpec
from roadwork.model.metadata import Metadata
from roadwork.model.metadata_config import MetadataConfig

params = Path(sys.argv[1])
head, metadata = load_section(params, "head", HeadConfig), load_section(params, "metadata", MetadataConfig)
model = Head(HeadSpec(head=head, metadata=metadata, embedding_dim=24, views=12)).eval()
inputs = torch.randn(3, 12, 24), Metadata.null(3, metadata)
expected = model(*inputs)
compiled = torch.compile(model, fullgraph=True, backend="eager")
torch.testing.assert_close(tuple(compiled(*inputs)), tuple(expected))
compiled.train()
compiled(*inputs).logits.sum().backward()
print("compiled whole")
"""


@pytest.mark.slow
def test_torch_compile_takes_the_head_as_one_graph():
    """In a process of its own, where the shape checks of the tests don't stand between."""
    done = subprocess.run(
        [sys.executable, "-c", COMPILED, str(PARAMS)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "compiled whole\n", done.stderr


def test_pruning_saves_three_tenths_of_the_heads_work(default_spec):
    from torch.utils.flop_counter import FlopCounterMode

    def flops(keep: int) -> int:
        pruning = default_spec.head.pruning.model_copy(update={"keep": keep})
        spec = default_spec.model_copy(update={"head": default_spec.head.model_copy(update={"pruning": pruning})})
        head = Head(spec).eval()
        with FlopCounterMode(display=False) as counter, torch.inference_mode():
            head(torch.zeros(1, 12, 1280), Metadata.null(1, spec.metadata))
        return counter.get_total_flops()

    assert 1 - flops(8) / flops(12) == pytest.approx(0.317, abs=0.002)
