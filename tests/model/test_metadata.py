from __future__ import annotations

from pathlib import Path

import pytest
import torch

from roadwork.config import parse_section, read_params
from roadwork.errors import ParameterError
from roadwork.model.metadata import Metadata, MetadataEncoder
from roadwork.model.metadata_config import MetadataConfig

pytestmark = pytest.mark.usefixtures("seeded")
PARAMS = Path(__file__).resolve().parents[2] / "params.yaml"
ALL = ["gps", "weather", "daytime", "scene", "text"]


@pytest.fixture
def config(toy_spec) -> MetadataConfig:
    return toy_spec().metadata


@pytest.fixture
def known(config, some_metadata) -> Metadata:
    """Four images; nothing is known of the second and fourth."""
    return some_metadata(4, config)


def same(a: Metadata, b: Metadata) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_default_widths_add_up_to_704(default_spec):
    encoder = MetadataEncoder(default_spec.metadata)
    assert default_spec.metadata.dim == encoder.dim == 704
    assert encoder(Metadata.null(2, default_spec.metadata)).shape == (2, 704)
    assert {name: tuple(table.weight.shape) for name, table in encoder.categories.items()} == {
        "weather": (8, 64),
        "daytime": (6, 64),
        "scene": (7, 64),
    }


def test_parts_stand_in_a_fixed_order_whatever_the_order_of_fields(toy_spec, known):
    torch.manual_seed(1)
    forward = MetadataEncoder(toy_spec({"metadata.fields": ALL}).metadata)
    backward = MetadataEncoder(toy_spec({"metadata.fields": ALL[::-1]}).metadata)
    backward.load_state_dict(forward.state_dict())
    assert torch.equal(forward(known), backward(known))
    assert forward.text is not None
    assert forward.gps is not None
    code = forward(known)
    torch.testing.assert_close(code[:, :8], forward.gps(known.gps_deg, known.gps_present))
    torch.testing.assert_close(code[0, 8:12], forward.categories["weather"].weight[known.weather[0]])
    torch.testing.assert_close(code[0, 12:16], forward.categories["daytime"].weight[known.daytime[0]])
    torch.testing.assert_close(code[0, 16:20], forward.categories["scene"].weight[known.scene[0]])
    torch.testing.assert_close(code[:, 20:], known.text @ forward.text.weight.T)


@pytest.mark.parametrize(
    ("fields", "dim"), [([], 0), (["gps"], 8), (["weather"], 4), (["text"], 6), (["scene", "daytime"], 8), (ALL, 26)]
)
def test_only_the_chosen_fields_are_encoded(toy_spec, known, fields: list[str], dim: int):
    config = toy_spec({"metadata.fields": fields}).metadata
    encoder = MetadataEncoder(config)
    assert encoder.dim == config.dim == dim
    assert encoder(known).shape == (4, dim)
    changes = {
        "gps": known._replace(gps_deg=known.gps_deg + 1),
        "weather": known._replace(weather=(known.weather + 1) % 7),
        "daytime": known._replace(daytime=(known.daytime + 1) % 5),
        "scene": known._replace(scene=(known.scene + 1) % 6),
        "text": known._replace(text=-known.text),
    }
    seen = [name for name in ALL if not torch.equal(encoder(changes[name]), encoder(known))]
    assert seen == [name for name in ALL if name in fields]


def test_a_field_that_is_not_chosen_has_no_weights(toy_spec):
    encoder = MetadataEncoder(toy_spec({"metadata.fields": ["daytime"]}).metadata)
    assert list(encoder.state_dict()) == ["categories.daytime.weight"]


def test_absent_text_is_exactly_zero(config, known):
    code = MetadataEncoder(config)(known)
    assert torch.equal(code[1, -6:], torch.zeros(6))
    assert code[0, -6:].abs().max() > 0


def test_null_is_the_last_row_of_each_table_and_so_is_minus_one(config):
    encoder = MetadataEncoder(config)
    null = Metadata.null(3, config)
    assert [null.weather[0].item(), null.daytime[0].item(), null.scene[0].item()] == [7, 5, 6]
    code = encoder(null)
    torch.testing.assert_close(code[0, 8:12], encoder.categories["weather"].weight[-1])
    assert torch.equal(code, encoder(null.hide(torch.tensor([True, True, True]))))


def test_an_index_beyond_the_vocabulary_is_an_error(config):
    null = Metadata.null(1, config)
    with pytest.raises(IndexError):
        MetadataEncoder(config)(null._replace(weather=torch.tensor([8])))
    with pytest.raises(IndexError):
        MetadataEncoder(config)(null._replace(weather=torch.tensor([-2])))


def test_learned_nulls_learn_when_nothing_is_known(config):
    encoder = MetadataEncoder(config)
    encoder(Metadata.null(4, config)).square().add(encoder(Metadata.null(4, config))).sum().backward()
    assert encoder.gps is not None
    assert encoder.gps.absent.grad is not None
    assert encoder.gps.absent.grad.abs().min() > 0
    for table in encoder.categories.values():
        grad = table.weight.grad
        assert grad is not None
        assert torch.isfinite(grad).all()
        assert grad[-1].abs().min() > 0
        assert torch.equal(grad[:-1], torch.zeros_like(grad[:-1]))


def test_hide_hides_those_rows_and_no_other(config, known):
    hidden = known.hide(torch.tensor([True, False, False, False]))
    encoder = MetadataEncoder(config)
    code = encoder(hidden)
    assert torch.equal(code[0], encoder(Metadata.null(1, config))[0])
    assert same(hidden.index(torch.tensor([1, 2, 3])), known.index(torch.tensor([1, 2, 3])))
    assert known.gps_present[0], "the original is untouched"


def test_index_takes_positions_or_a_mask(known):
    assert same(known.index(torch.tensor([0, 2])), known.index(torch.tensor([True, False, True, False])))
    assert len(known.index(torch.tensor([0, 2])).text) == 2


def test_to_moves_every_part(known):
    assert {part.device.type for part in known.to("meta")} == {"meta"}


def test_hide_some_hides_the_share_and_follows_its_generator(config):
    metadata = Metadata.null(4000, config)._replace(gps_present=torch.ones(4000, dtype=torch.bool))
    hidden = metadata.hide_some(0.3, torch.Generator().manual_seed(1))
    again = metadata.hide_some(0.3, torch.Generator().manual_seed(1))
    other = metadata.hide_some(0.3, torch.Generator().manual_seed(2))
    assert 1 - hidden.gps_present.float().mean().item() == pytest.approx(0.3, abs=0.03)
    assert same(hidden, again)
    assert not same(hidden, other)


@pytest.mark.parametrize(("share", "left"), [(0.0, 4000), (1.0, 0)])
def test_hide_some_at_its_ends(config, share: float, left: int):
    metadata = Metadata.null(4000, config)._replace(gps_present=torch.ones(4000, dtype=torch.bool))
    assert metadata.hide_some(share).gps_present.sum() == left


@pytest.mark.parametrize(
    ("change", "dotted", "rule"),
    [
        ({"fields": ["gps", "gps"]}, "metadata", "each field at most once"),
        ({"fields": ["gps", "wether"]}, "metadata.fields.1", "'weather'"),
        ({"gps_dim": 30}, "metadata.gps_dim", "multiple of 4"),
        ({"gps_dim": 0}, "metadata.gps_dim", "greater than 0"),
        ({"dropout": 1.5}, "metadata.dropout", "less than or equal to 1"),
    ],
)
def test_a_wrong_parameter_is_named_with_its_rule(change, dotted: str, rule: str):
    section = {**read_params(PARAMS)["metadata"], **change}
    with pytest.raises(ParameterError) as caught:
        parse_section(section, "metadata", MetadataConfig, where=PARAMS)
    assert caught.value.where.endswith(f": {dotted}")
    assert rule in str(caught.value)
