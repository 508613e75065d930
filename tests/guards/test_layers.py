"""Imports run one way: along the data's own route."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# A module may import its own layer and those before it. Names without a dot after `roadwork` are single files.
LAYERS = (
    ("errors", "masking", "printable", "user_path", "yaml_file"),
    (
        "config",
        "publish",
        "progress",
        "seeding",
        "cache_root",
        "device",
        "templates",
        "sealed_json",
        "disk_fault",
        "draft",
        "locks",
        "stopping",
        "storage",
        "isolation",
    ),
    ("data",),
    ("views",),
    ("embed",),
    ("cluster",),
    ("model",),
    ("train",),
    ("evaluate",),
    ("evidence", "ablation"),
    ("bundle",),
    ("predict", "overlays", "check", "photograph_files"),
    ("report",),
    ("verify",),
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
FILES = sorted((ROOT / "roadwork").rglob("*.py"))


def imported(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            names.add(node.module or "")
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def layer(file: Path) -> str:
    return file.relative_to(ROOT / "roadwork").parts[0].removesuffix(".py")


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_go_downwards(file: Path) -> None:
    names = imported(file)
    assert not {name for name in names if name.split(".")[0] == "pipeline"}, "the library never imports the pipeline"
    if file == ROOT / "roadwork" / "__init__.py":
        return
    above = {name for name in names if name.startswith("roadwork.") and RANK[name.split(".")[1]] > RANK[layer(file)]}
    assert not above, f"{file.relative_to(ROOT)} reaches upwards"


@pytest.mark.parametrize("file", [f for f in FILES if layer(f) == "model"], ids=lambda file: file.name)
def test_the_model_knows_neither_files_nor_backbones(file: Path) -> None:
    allowed = {"config", "errors", "seeding", "model"}
    for name in imported(file):
        if name.startswith("roadwork."):
            assert name.split(".")[1] in allowed or name.startswith("roadwork.data.vocabulary"), name
    assert not imported(file) & {"zarr", "pandas", "pyarrow", "PIL", "timm"}


@pytest.mark.parametrize("file", [f for f in FILES if layer(f) == "train"], ids=lambda file: file.name)
def test_training_knows_the_stores_and_nothing_else_of_embedding(file: Path) -> None:
    embed = {name for name in imported(file) if name.startswith("roadwork.embed")}
    assert all(name.startswith("roadwork.embed.store") or name == "roadwork.embed" for name in embed), embed


# What turns pixels into views is tensors; where views lie isn't, and light stages know only that.
OF_TENSORS = {"resample.py", "matrix_resample.py", "device_decode.py", "decoder.py"}


@pytest.mark.parametrize("file", [f for f in FILES if layer(f) in {"data", "views"}], ids=lambda file: file.name)
def test_data_and_views_need_no_torch(file: Path) -> None:
    if layer(file) == "views" and file.name in OF_TENSORS:
        return
    assert not {name for name in imported(file) if name.split(".")[0] in {"torch", "timm", "torchvision"}}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_pickle_and_no_code_from_a_hub(file: Path) -> None:
    names = imported(file)
    picklers = {name for name in names if name.split(".")[0] in {"pickle", "cloudpickle", "dill", "joblib", "shelve"}}
    assert picklers in (set(), {"pickle", "pickle.UnpicklingError"}), "only the error may be named, to be caught"
    source = file.read_text(encoding="utf-8")
    assert "trust_remote_code=True" not in source
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
            assert any(k.arg == "weights_only" and ast.unparse(k.value) == "True" for k in node.keywords)


@pytest.mark.parametrize("file", sorted(ROOT.glob("roadwork/**/__init__.py")), ids=lambda file: file.parent.name)
def test_packages_do_nothing_when_imported(file: Path) -> None:
    body = ast.parse(file.read_text(encoding="utf-8")).body
    assert all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body)
