"""No line of the project reads a pickle, runs a text as code, or hands one to a shell."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(file for package in ("roadwork", "pipeline") for file in (ROOT / package).rglob("*.py"))

MODULES = {
    "pickle",
    "cPickle",
    "_pickle",
    "joblib",
    "marshal",
    "shelve",
    "dill",
    "cloudpickle",
    "jsonpickle",
    "code",
    "yaml",
}
NAMES = {"eval", "exec", "compile", "__import__", "breakpoint"}
METHODS = {
    "system", "popen", "unsafe_load", "full_load", "read_pickle", "to_pickle", "literal_exec", "unpack_archive",
    "extractall", "mktemp",
}  # fmt: skip
KEYWORDS = {"trust_remote_code": False, "weights_only": True, "allow_pickle": False, "shell": False}
"""Arguments that only ever have this value, written out."""
IMPORTS_BY_NAME = {"pipeline/app.py", "pipeline/owners.py"}
"""Where modules are imported by a computed name, which is one of the project's own."""


def faults(source: str) -> Iterator[str]:
    """What a text of Python does that it mustn't."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names}
            if (node.module or "").split(".")[0] in MODULES and names != {"UnpicklingError"}:
                yield f"from {node.module}"
        elif isinstance(node, ast.Call):
            yield from _of_call(node)


def _of_call(node: ast.Call) -> Iterator[str]:
    called = ast.unparse(node.func)
    method = called.rpartition(".")[2]
    given = {keyword.arg: keyword.value for keyword in node.keywords}
    if isinstance(node.func, ast.Name) and called in NAMES:
        yield called
    if isinstance(node.func, ast.Attribute) and method in METHODS:
        yield called
    if called in ("torch.load", "torch.jit.load", "torch.hub.load") and "weights_only" not in given:
        yield f"{called} without weights_only=True"
    kind = given.get("typ", ast.Constant("rt"))
    if method == "YAML" and not (isinstance(kind, ast.Constant) and kind.value in ("safe", "rt")):
        yield "YAML() of another kind than safe or rt"
    for name, value in KEYWORDS.items():
        if name in given and not (isinstance(given[name], ast.Constant) and ast.literal_eval(given[name]) is value):
            yield f"{name} that isn't {value}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_no_code_out_of_data(file: Path) -> None:
    source = file.read_text(encoding="utf-8")
    assert list(faults(source)) == []
    if file.relative_to(ROOT).as_posix() not in IMPORTS_BY_NAME:
        assert "import_module(" not in source, "modules are imported by name only where the name is the project's own"


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from pickle import load",
        "import joblib.numpy_pickle",
        "from marshal import loads",
        "eval('1')",
        "exec(text)",
        "os.system('ls')",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "torch.load(path, weights_only=flag)",
        "np.load(path, allow_pickle=True)",
        "import yaml",
        "from yaml import Loader",
        "YAML(typ='unsafe')",
        "subprocess.run('ls', shell=True)",
        "SentenceTransformer(x, trust_remote_code=True)",
        "SentenceTransformer(x, trust_remote_code=config.trust)",
        "frame.to_pickle(path)",
        "zipfile.ZipFile(p).extractall()",
        "shutil.unpack_archive(p)",
    ],
)
def test_the_guard_sees(line: str) -> None:
    assert list(faults(line))


@pytest.mark.parametrize(
    "line",
    [
        "from pickle import UnpicklingError",
        "re.compile('x')",
        "torch.load(path, weights_only=True)",
        "YAML(typ='safe', pure=True)",
        "model.eval()",
        "timm.models.load_state_dict(path, weights_only=True)",
    ],
)
def test_the_guard_lets_pass(line: str) -> None:
    assert not list(faults(line))


def test_timm_is_told_to_read_weights_only() -> None:
    """The one place that opens a PyTorch file."""
    places = [file for file in FILES if "weights_only" in file.read_text(encoding="utf-8")]
    assert [file.name for file in places] == ["checkpoint.py"]
