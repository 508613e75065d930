import dataclasses
import json
import subprocess
import sys

import pytest

from roadwork.bundle.load import load_bundle
from roadwork.errors import BundleError


def contents(folder):
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_bundle_is_its_members_a_description_and_a_card(folder):
    assert set(contents(folder)) == {
        "bundle.json", "README.md", "members/2/head.safetensors", "members/2/head.json", "members/0/head.safetensors",
        "members/0/head.json",
    }  # fmt: skip


def test_the_description_holds_what_the_spec_asks_for(folder, origin):
    told = json.loads((folder / "bundle.json").read_text())
    assert [member["fold"] for member in told["members"]] == [2, 0]
    assert told["spec"]["metadata"]["vocabularies"]["weather"]["values"] == ["a", "b"]
    assert told["views"] == {"grid": 2, "overlap": 0.25, "size_px": 32, "decoder": "cpu"}
    assert told["identity"]["weights_digest"] == origin.identity["weights_digest"]
    assert told["calibrations"]["image_only"] == {"scale": 2.0, "threshold": 0.25}
    assert told["metrics"]["oof"]["mcc_ci95"] == [0.7, 0.9]
    assert (told["feature_fingerprint"], told["training_data_digest"]) == (origin.feature_fingerprint, "d" * 64)
    assert {"python", "roadwork", "torch", "timm"} <= set(told["versions"])


def test_writing_twice_gives_the_same_bytes(write, tmp_path):
    write(tmp_path / "one")
    write(tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_an_earlier_bundle_is_replaced_as_a_whole(write, folder, members):
    write(folder, members=members[:1])
    assert len(load_bundle(folder).heads) == 1
    assert not (folder / "members/0").exists()


@pytest.mark.parametrize("name", ["feature_fingerprint", "data_digest"])
def test_a_member_of_other_features_is_refused_and_the_earlier_bundle_stays(write, folder, members, name):
    before = contents(folder)
    with pytest.raises(BundleError, match="other features or data"):
        other = members[1].trained_on._replace(**{name: "0" * 64})
        write(folder, members=[members[0], dataclasses.replace(members[1], trained_on=other)])
    assert contents(folder) == before


def test_members_are_copied_byte_for_byte(folder, members):
    for member in members:
        copied, trained = (place / "head.safetensors" for place in (folder / f"members/{member.fold}", member.folder))
        assert copied.read_bytes() == trained.read_bytes()


def test_weights_that_change_while_they_are_copied_are_refused(write, folder, members, tmp_path):
    before = contents(folder)
    other = dataclasses.replace(members[1], weights_sha256="0" * 64)
    with pytest.raises(BundleError, match=r"a moment ago it was 000000000000"):
        write(folder, members=[members[0], other])
    assert contents(folder) == before


def test_a_bundle_is_written_without_torch():
    code = "import sys, roadwork.bundle.save, roadwork.bundle.read; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
