"""A bundle that somebody made to do harm: its digests are right, what they seal is not."""

import json
import os
import struct
import tracemalloc

import pytest
import torch
from safetensors.torch import load_file, save_file

from roadwork.bundle.description import BundleDescription
from roadwork.bundle.load import load_bundle
from roadwork.bundle.match import build_matching_backbone
from roadwork.errors import BundleError
from roadwork.publish import write_json
from roadwork.sealed_json import LARGEST_BYTES, seal
from roadwork.train.head_folder import file_sha256

MEMBER = "members/2"


def description(folder):
    return json.loads((folder / "bundle.json").read_text())


def redescribed(folder, **changes):
    write_json(folder / "bundle.json", seal(description(folder) | changes))


def resealed(folder):
    """Every digest put right, as somebody would who means harm."""
    head = folder / MEMBER / "head.json"
    told = json.loads(head.read_text()) | {"weights_sha256": file_sha256(folder / MEMBER / "head.safetensors")}
    write_json(head, seal(told))
    files = {name: file_sha256(folder / name) for name in description(folder)["files"]}
    redescribed(folder, files=files)


def refused(folder, match):
    """The load ends with one BundleError, and takes next to no memory."""
    tracemalloc.start()
    try:
        with pytest.raises(BundleError, match=match):
            load_bundle(folder)
        assert tracemalloc.get_traced_memory()[1] < 64 * 1024 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "name", ["../outside.txt", "/etc/hostname", "members/../../outside.txt", "members/2/../2/head.json", "C:\\x", ""]
)
def test_paths_that_lead_elsewhere(folder, name):
    (folder.parent / "outside.txt").write_text("x")
    before = sorted(folder.parent.rglob("*"))
    redescribed(folder, files=description(folder)["files"] | {name: "0" * 64})
    refused(folder, "aren't those of the members")
    assert sorted(folder.parent.rglob("*")) == before


def test_a_link_to_a_folder(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (folder / "more").symlink_to(tmp_path / "elsewhere")
    refused(folder, "more doesn't belong")


def test_a_member_that_is_a_link_to_a_folder(folder, tmp_path):
    (folder / MEMBER).rename(tmp_path / "elsewhere")
    (folder / MEMBER).symlink_to(tmp_path / "elsewhere")
    refused(folder, "members/2 doesn't belong|is missing")


def test_a_link_to_a_file_is_read_for_what_its_digest_says(folder, tmp_path):
    """DVC can be told to link into its cache (`cache.type symlink`): what is read has the digest all the same."""
    (folder / "README.md").rename(tmp_path / "card")
    (folder / "README.md").symlink_to(tmp_path / "card")
    load_bundle(folder)
    (tmp_path / "card").write_text("other")
    refused(folder, r"README\.md was changed")


@pytest.mark.parametrize("name", ["README.md", "members/2/head.safetensors"])
def test_a_pipe_in_place_of_a_file_is_not_waited_for(folder, name):
    (folder / name).unlink()
    os.mkfifo(folder / name)
    refused(folder, "no regular file")


def test_a_pipe_in_place_of_the_description_is_not_waited_for(folder):
    (folder / "bundle.json").unlink()
    os.mkfifo(folder / "bundle.json")
    refused(folder, "no trained bundle")


def test_a_link_to_nothing(folder):
    (folder / "README.md").unlink()
    (folder / "README.md").symlink_to("nowhere")
    refused(folder, "no regular file")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 60 + "1" + "}" * 60, "nested too deeply"),
        ('{"a": NaN}', "NaN is no number"),
        ('{"a": -Infinity}', "Infinity is no number"),
        ('{"a": 1e999}', "1e999 is no number"),
        ('{"a": 1, "a": 2}', "twice"),
        ('{"a": ' + "1" * 5000 + "}", "digits"),
        ("null", "not a JSON object"),
        ('"\\ud800"', "not a JSON object"),
    ],
)
@pytest.mark.parametrize("name", ["bundle.json", "members/2/head.json"])
def test_json_that_no_writer_wrote(folder, name, text, match):
    (folder / name).write_text(text)
    if name != "bundle.json":
        files = description(folder)["files"] | {name: file_sha256(folder / name)}
        redescribed(folder, files=files)
    refused(folder, match)


def test_a_description_too_large_to_be_one_is_not_read(folder):
    with (folder / "bundle.json").open("wb") as file:
        file.truncate(LARGEST_BYTES + 1)
    refused(folder, "at most")


@pytest.mark.parametrize(
    "change",
    [
        {"files": []},
        {"files": {"README.md": 1}},
        {"members": {"0": {}}},
        {"members": [{"fold": -1, "inner_val_mcc": 0.5}]},
        {"members": [{"fold": 2, "inner_val_mcc": 0.5}, {"fold": 2, "inner_val_mcc": 0.5}]},
        {"identity": {}},
        {"identity": {"weights_digest": "a", "pool": "cls", "precision": "int8"}},
        {"identity": {"weights_digest": "a", "pool": ["cls"], "precision": "fp32"}},
        {"identity": {"weights_digest": "a", "pool": "cls", "precision": "fp32", "dim": 193}},
        {"seed": -1},
        {"seed": 2**63},
        {"seed": "5"},
        {"spec": None},
        {"views": {"grid": 3, "overlap": 0.25, "size_px": 32, "decoder": "cpu"}},
        {"views": {"grid": 10**9, "overlap": 0.25, "size_px": 32, "decoder": "cpu"}},
        {
            "calibrations": {
                "image_only": {"scale": 0.0, "threshold": 0.0},
                "with_metadata": {"scale": 1, "threshold": 0},
            }
        },
        {"backbone": {"name": 1}},
        {"metrics": []},
        {"versions": {"python": 3}},
    ],
)
def test_wrong_types_and_numbers_under_the_right_digest(folder, change):
    redescribed(folder, **change)
    refused(folder, "bundle.json")


NUMBERS = {
    "projection.dim": lambda spec: spec["head"]["projection"].update(dim=10**9),
    "pruning.hidden": lambda spec: spec["head"]["pruning"].update(hidden=10**9),
    "pyramid.dims": lambda spec: spec["head"]["pyramid"].update(dims=[10**9]),
    "attention.layers": lambda spec: spec["head"]["attention"].update(layers=10**9),
    "attention.layers, fewer": lambda spec: spec["head"]["attention"].update(layers=60_000),
    "gps_dim": lambda spec: spec["metadata"].update(gps_dim=10**9),
    "text_dim, unused": lambda spec: spec["metadata"].update(text_dim=10**9),
    "classifier.hidden": lambda spec: spec["head"]["classifier"].update(hidden=60_000),
    "beyond 64 bits": lambda spec: spec["head"]["classifier"].update(hidden=10**30),
    "keep": lambda spec: spec["head"]["pruning"].update(keep=10**9),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_a_spec_of_absurd_numbers_takes_no_memory(folder, name):
    told = description(folder)["spec"]
    NUMBERS[name](told)
    for member in ("members/2", "members/0"):
        head = folder / member / "head.json"
        write_json(head, seal(json.loads(head.read_text()) | {"spec": told}))
    redescribed(folder, spec=told)
    resealed(folder)
    refused(folder, ".")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00" * 7,
        struct.pack("<Q", 2**62) + b"{}",
        struct.pack("<Q", 2**64 - 1) + b"{}",
        struct.pack("<Q", 200_000_000) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 70) + b'{"x":{"dtype":"F32","shape":[1000000000],"data_offsets":[0,4000000000]}}',
        struct.pack("<Q", 61) + b'{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}       ',
    ],
)
def test_weights_files_with_absurd_headers(folder, raw):
    (folder / MEMBER / "head.safetensors").write_bytes(raw)
    resealed(folder)
    refused(folder, "doesn't fit its description")


def changed_weights(folder, change):
    path = folder / MEMBER / "head.safetensors"
    state = load_file(path)
    change(state)
    save_file(state, path)
    resealed(folder)


def test_too_many_tensors(folder):
    changed_weights(folder, lambda state: state.update({f"x{number}": torch.zeros(1) for number in range(10_001)}))
    refused(folder, "at most 10000")


def test_tensors_of_another_type(folder):
    changed_weights(folder, lambda state: state.update({name: tensor.double() for name, tensor in state.items()}))
    refused(folder, "F64")


def test_one_tensor_too_many(folder):
    changed_weights(folder, lambda state: state.update(surprise=torch.zeros(3)))
    refused(folder, r"`surprise` is F32 \[3\], expected is missing")


@pytest.mark.parametrize(
    ("kwargs", "match"),
    [
        ({"depth": 10**9}, "depth is 1000000000"),
        ({"embed_dim": 10**12}, "is -?1e\\+"),
        ({"embed_dim": -(10**12)}, "is -?1e\\+"),
        ({"block": {"widths": [1, [10**9]]}}, "is -?1e\\+"),
        ({"embed_dim": 30_000, "num_heads": 8, "depth": 40}, "432,038,910,000 weights"),
    ],
)
def test_a_backbone_of_absurd_size_is_refused_before_it_is_built(folder, kwargs, match):
    told = BundleDescription.model_validate(
        {key: value for key, value in description(folder).items() if key != "sha256"}
    )
    backbone = told.backbone.model_copy(update={"kwargs": kwargs | {"dynamic_img_size": True}})
    tracemalloc.start()
    with pytest.raises(BundleError, match=match):
        build_matching_backbone(
            told.model_copy(update={"backbone": backbone}),
            folder,
            params=None,
            weights=None,
            device=torch.device("cpu"),
        )
    assert tracemalloc.get_traced_memory()[1] < 64 * 1024 * 1024
    tracemalloc.stop()
