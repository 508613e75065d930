import json

import pytest
import torch

from roadwork.errors import BundleError
from roadwork.model.metadata import Metadata
from roadwork.publish import write_json
from roadwork.sealed_json import seal
from roadwork.train.checkpoint import build_head, load_head, save_head
from roadwork.train.head_folder import DESCRIPTION, WEIGHTS
from roadwork.train.pretrain import fresh_head


@pytest.fixture
def saved(tmp_path, spec):
    head = fresh_head(spec, 1)
    save_head(tmp_path, head, spec, {"best_epoch": 3})
    return tmp_path, head


def test_round_trip(saved, spec, table):
    folder, head = saved
    loaded, loaded_spec, details = load_head(folder)
    assert loaded_spec == spec
    assert details == {"best_epoch": 3}
    assert not loaded.training
    embeddings, metadata = table.embeddings.tensor[:5].float(), Metadata.null(5, spec.metadata)
    head.eval()
    assert torch.equal(head(embeddings, metadata).logits, loaded(embeddings, metadata).logits)


def test_equal_heads_give_equal_bytes(saved, spec, tmp_path):
    folder, head = saved
    again = tmp_path / "again"
    again.mkdir()
    save_head(again, build_head(spec, head.state_dict()), spec, {"best_epoch": 3})
    for name in (WEIGHTS, DESCRIPTION):
        assert (folder / name).read_bytes() == (again / name).read_bytes()


def test_changed_weights_are_refused(saved):
    folder, _ = saved
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (folder / WEIGHTS).write_bytes(content)
    with pytest.raises(BundleError, match="digest"):
        load_head(folder)


@pytest.mark.parametrize("name", [WEIGHTS, DESCRIPTION])
def test_a_missing_file_is_named(saved, name):
    folder, _ = saved
    (folder / name).unlink()
    with pytest.raises(BundleError, match=name):
        load_head(folder)


@pytest.mark.parametrize("text", ["{", '{"spec": {}}', "[]"])
def test_a_damaged_description_is_refused(saved, text):
    folder, _ = saved
    (folder / DESCRIPTION).write_text(text)
    with pytest.raises(BundleError, match=DESCRIPTION):
        load_head(folder)


def test_a_spec_that_does_not_fit_the_weights_is_refused(saved):
    folder, _ = saved
    description = json.loads((folder / DESCRIPTION).read_text())
    description["spec"]["head"]["classifier"]["hidden"] = 17
    write_json(folder / DESCRIPTION, seal(description))
    with pytest.raises(BundleError, match="doesn't fit"):
        load_head(folder)


def test_every_bit_of_the_description_is_under_its_seal(saved):
    folder, _ = saved
    raw = (folder / DESCRIPTION).read_bytes()
    for bit in range(0, len(raw) * 8, 41):
        bad = bytearray(raw)
        bad[bit // 8] ^= 1 << bit % 8
        (folder / DESCRIPTION).write_bytes(bad)
        with pytest.raises(BundleError, match=r"(?s)head\.json.*dvc repro"):
            load_head(folder)


@pytest.mark.parametrize(
    "change", [{"weights_sha256": 7}, {"details": []}, {"spec": None}, {"surprise": 1}, {"spec": {"head": {}}}]
)
def test_wrong_types_under_the_right_seal(saved, change):
    folder, _ = saved
    write_json(folder / DESCRIPTION, seal(json.loads((folder / DESCRIPTION).read_text()) | change))
    with pytest.raises(BundleError, match=DESCRIPTION):
        load_head(folder)


def test_a_spec_that_breaks_a_rule_of_the_parameters_is_the_files_fault(saved):
    folder, _ = saved
    told = json.loads((folder / DESCRIPTION).read_text())
    told["spec"]["head"]["pruning"]["keep"] = told["spec"]["views"] + 1
    write_json(folder / DESCRIPTION, seal(told))
    with pytest.raises(BundleError, match=DESCRIPTION):
        load_head(folder)


def test_building_a_head_leaves_the_global_generator_alone(spec):
    state = fresh_head(spec, 1).state_dict()
    before = torch.get_rng_state()
    build_head(spec, state)
    assert torch.equal(before, torch.get_rng_state())
