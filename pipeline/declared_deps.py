"""Keep the code dependencies of `dvc.yaml` what each stage consists of: `python -m pipeline.declared_deps`.

DVC reads and writes the whole `dvc.lock` after every stage, most of which is code dependencies; so they are named
briefly. A folder stands for its files where a stage's code is nearly all of it and the rest is code of stages before,
which run again anyway when that is edited. A package's `__init__.py` holds nothing but a docstring (a test sees to
that) and is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.stages import STAGES

_NEARLY_ALL = 0.8
_SEVERAL = 3
_SUFFIXES = {".py", ".j2", ".css"}


def is_code(dep: str) -> bool:
    """Whether a dependency is of the project's own packages rather than data."""
    return dep.startswith(("roadwork/", "pipeline/"))


def code_files(dep: Path) -> list[Path]:
    """The files that the code dependency `dep` stands for."""
    if not dep.is_dir():
        return [dep]
    return sorted(file for file in dep.rglob("*") if file.suffix in _SUFFIXES and file.is_file())


def code_deps(closure: Iterable[str], earlier: Iterable[str], root: Path) -> list[str]:
    """The dependencies that stand for the files `closure` of a stage, `earlier` being those of the stages before it."""
    left = {name for name in closure if not name.endswith("/__init__.py")}
    known = set(earlier) | set(closure)
    folders = sorted({str(parent) for name in left for parent in PurePosixPath(name).parents if len(parent.parts) > 1})
    named: list[str] = []
    for folder in folders:  # a folder comes before those in it
        files = {file.relative_to(root).as_posix() for file in code_files(root / folder)}
        files = {name for name in files if not name.endswith("/__init__.py")}
        inside = files & left
        if len(inside) >= max(_SEVERAL, _NEARLY_ALL * len(files)) and files <= known:
            named.append(folder)
            left -= inside
    return sorted(named + list(left))


def with_code_deps(dvc_yaml: str, root: Path) -> str:
    """The text of `dvc.yaml` with every stage's code dependencies replaced by `code_deps` of its import closure.

    Comments, order and data dependencies stay as they are; code comes after data.
    """
    from ruamel.yaml import YAML

    from pipeline.closure import stage_closure

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    document: Any = yaml.load(dvc_yaml)
    earlier: set[str] = set()
    for name in STAGES:
        stage, closure = document["stages"][name], stage_closure(name, root)
        data = [dep for dep in stage.get("deps", []) if not is_code(dep)]
        stage["deps"] = data + code_deps(closure, earlier, root)
        earlier |= set(closure)
    text = StringIO()
    yaml.dump(document, text)
    return text.getvalue()


def main() -> None:
    """Rewrite `dvc.yaml` in the current folder."""
    from roadwork.publish import published_file

    path = Path("dvc.yaml")
    text = with_code_deps(path.read_text(encoding="utf-8"), Path.cwd())
    with published_file(path) as aside:
        aside.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
