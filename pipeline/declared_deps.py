"""Keep the code dependencies of `dvc.yaml` equal to what each stage imports: `python -m pipeline.declared_deps`."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from pipeline.closure import stage_closure
from pipeline.stages import STAGES
from roadwork.publish import published_file


def is_code(dep: str) -> bool:
    """Whether a dependency is a file of the project's own packages rather than data."""
    return dep.startswith(("roadwork/", "pipeline/"))


def with_code_deps(dvc_yaml: str, root: Path) -> str:
    """The text of `dvc.yaml` with every stage's code dependencies replaced by its import closure.

    Comments, order and data dependencies stay as they are; code comes after data.
    """
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    document: Any = yaml.load(dvc_yaml)
    for name in STAGES:
        stage = document["stages"][name]
        data = [dep for dep in stage.get("deps", []) if not is_code(dep)]
        stage["deps"] = data + stage_closure(name, root)
    text = StringIO()
    yaml.dump(document, text)
    return text.getvalue()


def main() -> None:
    """Rewrite `dvc.yaml` in the current folder."""
    path = Path("dvc.yaml")
    text = with_code_deps(path.read_text(encoding="utf-8"), Path.cwd())
    with published_file(path) as aside:
        aside.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
