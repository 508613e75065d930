"""Which of the project's files a stage's code consists of.

DVC sees only the files that a stage's `deps` name and follows no imports, so `dvc.yaml` must list the whole import
closure of each stage. This module computes it from the source text: imports inside functions count as well, the
interpreter's own and third-party modules don't.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGES = ("pipeline", "roadwork")


def stage_closure(stage: str, root: Path) -> list[str]:
    """Sorted paths, relative to `root`, of all project files that `pipeline/<stage>.py` imports, itself included.

    A package's data files (templates, style sheets) count as imported with any module of that package.
    """
    return import_closure(root / "pipeline" / f"{stage}.py", root)


def import_closure(start: Path, root: Path) -> list[str]:
    """As `stage_closure`, from any file of the project."""
    found: set[Path] = set()
    waiting = [start]
    while waiting:
        file = waiting.pop()
        if file in found:
            continue
        found.add(file)
        for name in _imported_names(file):
            waiting += [module for module in _files_of(name, root) if module not in found]
    folders = {file.parent for file in found}
    data = {
        file
        for folder in folders
        for file in folder.iterdir()
        if file.is_file() and file.suffix in {".j2", ".css"} and folder != root
    }
    return sorted(str(file.relative_to(root).as_posix()) for file in found | data)


def _imported_names(file: Path) -> Iterator[str]:
    """Dotted names of the project that `file` imports; `from a import b` gives both `a` and `a.b`."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"), filename=str(file))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] in PACKAGES)


def _files_of(name: str, root: Path) -> list[Path]:
    """The module's file and the `__init__.py` of every package above it; empty where `name` is no module."""
    parts = name.split(".")
    path = root.joinpath(*parts)
    module = path.with_suffix(".py")
    if not module.is_file():
        module = path / "__init__.py"
    if not module.is_file():
        return []
    inits = [root.joinpath(*parts[:depth]) / "__init__.py" for depth in range(1, len(parts))]
    return [init for init in inits if init.is_file()] + [module]
