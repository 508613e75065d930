"""The bytes against `dvc.lock`."""

import os
import re

import pytest

from roadwork.verify.fault import Faults
from roadwork.verify.recorded import Digests, check_outputs, check_stages, expanded, path_md5, value_of


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("out/b/c.txt", "out/a.txt", "out/b-d.txt", "out/b.txt", "out/ü/é.txt", "in.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def test_a_folders_digest_is_dvcs_own(folder):
    """Held to DVC's library, names in an order that paths and texts sort differently included."""
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.tree import Tree

    tree = Tree()
    for file in (folder / "out").rglob("*"):
        if file.is_file():
            tree.add(file.relative_to(folder / "out").parts, None, HashInfo("md5", path_md5(file)))
    tree.digest()
    assert path_md5(folder / "out") == tree.hash_info.value
    (folder / "out/__pycache__").mkdir()
    (folder / "out/__pycache__/x.pyc").write_text("x")
    (folder / "out/.a.txt.1.partial").write_text("x")
    assert path_md5(folder / "out") == tree.hash_info.value


@pytest.fixture
def stages(folder):
    return {
        "make": {
            "cmd": "x",
            "deps": [{"path": "in.txt", "md5": path_md5(folder / "in.txt")}],
            "params": {"params.yaml": {"a.b": 1, "c": [1, 2]}},
            "outs": [
                {"path": "out", "md5": path_md5(folder / "out")},
                {"path": "gone", "md5": "0" * 32},
            ],
        }
    }


DECLARED = {"make": {"cmd": "x", "deps": ["in.txt"], "params": ["a.b", "c"]}}
PARAMS = {"a": {"b": 1, "z": 3}, "c": [1, 2]}


def test_outputs(folder, stages):
    faults = Faults()
    assert check_outputs(stages, Digests(), faults) == "1 outputs as recorded, 1 not there"
    assert not faults.found
    status = (folder / "out/a.txt").stat()
    (folder / "out/a.txt").write_text("out/b.txt")
    os.utime(folder / "out/a.txt", ns=(status.st_atime_ns, status.st_mtime_ns))  # as a bit that rots leaves it
    check_outputs(stages, Digests(), faults)
    (fault,) = faults.found
    assert fault.where == "out"
    assert "dvc repro -f make" in fault.fix


@pytest.mark.parametrize(
    ("declared", "params", "match"),
    [
        (DECLARED, PARAMS | {"c": [1, 3]}, "parameter c"),
        (DECLARED, {"c": [1, 2]}, r"parameter a\.b"),
        ({"make": DECLARED["make"] | {"cmd": "y"}}, PARAMS, "its command"),
        ({"make": DECLARED["make"] | {"params": ["a.b", "c", "d"]}}, PARAMS, "parameter d"),
        ({"make": DECLARED["make"] | {"deps": ["in.txt", "more.txt"]}}, PARAMS, r"more\.txt"),
        ({"make": DECLARED["make"] | {"deps": []}}, PARAMS, r"in\.txt"),
    ],
)
def test_a_stage_that_is_out_of_date(stages, declared, params, match):
    faults = Faults()
    assert check_stages(stages, DECLARED, PARAMS, Digests(), faults) == "1 stages up to date"
    assert not faults.found
    check_stages(stages, declared, params, Digests(), faults)
    (fault,) = faults.found
    assert re.search(match, fault.what)
    assert fault.fix == "run `dvc repro make`"


def test_an_input_that_changed(folder, stages):
    (folder / "in.txt").write_text("other")
    faults = Faults()
    check_stages(stages, DECLARED, PARAMS, Digests(), faults)
    assert "in.txt changed" in faults.found[0].what


def test_an_input_that_is_a_damaged_output_is_told_as_that_alone(folder, stages):
    stages["use"] = {"cmd": "x", "deps": [{"path": "out", "md5": path_md5(folder / "out")}], "outs": []}
    stages["use"]["outs"] = [{"path": "in.txt", "md5": path_md5(folder / "in.txt")}]
    (folder / "out/a.txt").write_text("rotten")
    faults = Faults()
    declared = {"use": {"cmd": "x", "deps": ["out"]}}
    assert check_stages(stages, declared, {}, Digests(), faults) == "1 stages up to date"
    assert not faults.found


def test_a_stage_without_outputs_is_passed_over(folder, stages):
    stages["make"]["outs"] = stages["make"]["outs"][1:]
    faults = Faults()
    assert check_stages(stages, DECLARED, {}, Digests(), faults) == "0 stages up to date"
    assert not faults.found


def test_a_matrix_is_a_stage_for_each_item():
    declared = {"fit": {"matrix": {"fold": "${finetune.folds}"}, "cmd": "fit ${item.fold}", "outs": ["m/${item.fold}"]}}
    found = expanded(declared, {"finetune": {"folds": [0, 3]}})
    assert [stage["cmd"] for stage in found.values()] == ["fit 0", "fit 3"]
    assert list(found) == ["fit@0", "fit@3"]


def test_a_parameter_by_its_dotted_name():
    assert value_of({"a": {"b": {"c": 5}}}, "a.b.c") == 5
    assert value_of({"a": 1}, "a.b") is None
