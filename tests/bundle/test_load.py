import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from roadwork.bundle.load import load_bundle
from roadwork.errors import BundleError
from roadwork.publish import write_json
from roadwork.sealed_json import seal
from roadwork.train.checkpoint import load_head
from roadwork.train.head_folder import file_sha256


def redescribed(folder, **changes):
    """The description with `changes`, its own digest put right: an edit that only the other checks can find."""
    path = folder / "bundle.json"
    write_json(path, seal(json.loads(path.read_text()) | changes))


def test_what_was_saved_comes_back(folder, members, origin):
    bundle = load_bundle(folder)
    assert [member.fold for member in bundle.description.members] == [2, 0]
    assert bundle.description.views == origin.views
    for head, member in zip(bundle.heads, members, strict=True):
        assert not head.training
        for name, weight in load_head(member.folder)[0].state_dict().items():
            assert torch.equal(head.state_dict()[name], weight)


def test_no_bundle_says_how_to_make_one(tmp_path):
    with pytest.raises(BundleError, match="dvc repro ensemble"):
        load_bundle(tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["{", "[]", "\udcff"])
def test_a_description_that_is_no_json_object(folder, text):
    (folder / "bundle.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(BundleError, match="JSON"):
        load_bundle(folder)


def test_another_format_version(folder):
    redescribed(folder, format_version=2)
    with pytest.raises(BundleError, match="format 2"):
        load_bundle(folder)


def test_an_edited_description(folder):
    path = folder / "bundle.json"
    path.write_text(path.read_text().replace('"threshold": 0.25', '"threshold": 0.75'))
    with pytest.raises(BundleError, match="changed after it was written"):
        load_bundle(folder)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"surprise": 1}, "surprise"),
        ({"calibrations": {"image_only": {"scale": 1.0, "threshold": 0.0}}}, "calibrations.with_metadata"),
        ({"views": {"grid": "3", "overlap": 0.25, "size_px": 32, "decoder": "cpu"}}, "views.grid"),
        ({"members": []}, "members"),
    ],
)
def test_a_description_that_breaks_its_schema_names_the_field(folder, change, named):
    redescribed(folder, **change)
    with pytest.raises(BundleError, match=named):
        load_bundle(folder)


@pytest.mark.parametrize("name", ["README.md", "members/2/head.safetensors", "members/0/head.json"])
def test_a_missing_file(folder, name):
    (folder / name).unlink()
    with pytest.raises(BundleError, match=f"{name} is missing"):
        load_bundle(folder)


def test_an_extra_file(folder):
    (folder / "members/2/notes.txt").write_text("x")
    with pytest.raises(BundleError, match=r"notes\.txt doesn't belong"):
        load_bundle(folder)


def test_a_member_that_is_not_listed(folder):
    told = json.loads((folder / "bundle.json").read_text())
    redescribed(folder, members=told["members"][:1])
    with pytest.raises(BundleError, match="aren't those of the members"):
        load_bundle(folder)


@pytest.mark.parametrize("name", ["README.md", "members/2/head.safetensors", "members/0/head.json"])
def test_one_changed_byte_is_found_in_every_file(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(bytes(content))
    with pytest.raises(BundleError, match=f"{name} was changed"):
        load_bundle(folder)


def rewritten(folder, change):
    """Member 2's weights with `change` applied, and every digest put right."""
    weights, described = folder / "members/2/head.safetensors", folder / "members/2/head.json"
    state = load_file(weights)
    change(state)
    save_file(state, weights)
    told = json.loads(described.read_text())
    told["weights_sha256"] = file_sha256(weights)
    write_json(described, seal(told))
    files = json.loads((folder / "bundle.json").read_text())["files"]
    files |= {f"members/2/{path.name}": file_sha256(path) for path in (weights, described)}
    redescribed(folder, files=files)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite(folder, value):
    rewritten(folder, lambda state: state["view_classifier.weight"].view(-1)[0].fill_(value))
    with pytest.raises(BundleError, match=r"view_classifier\.weight"):
        load_bundle(folder)


def test_weights_of_another_shape(folder):
    rewritten(folder, lambda state: state.pop("view_classifier.weight"))
    with pytest.raises(BundleError, match="doesn't fit its description"):
        load_bundle(folder)


def test_a_member_of_another_spec_than_the_bundles(folder):
    told = json.loads((folder / "bundle.json").read_text())
    told["spec"]["head"]["dropout"] = 0.75
    redescribed(folder, spec=told["spec"])
    with pytest.raises(BundleError, match="another shape"):
        load_bundle(folder)
