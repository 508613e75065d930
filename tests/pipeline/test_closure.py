from __future__ import annotations

from pathlib import Path

from pipeline.closure import import_closure


def project(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_lazy_nested_and_package_imports_are_followed(tmp_path: Path) -> None:
    project(
        tmp_path,
        {
            "pipeline/__init__.py": "",
            "pipeline/stage.py": "import json\nfrom roadwork.a import thing\n",
            "roadwork/__init__.py": "",
            "roadwork/a.py": "def thing():\n    from roadwork.deep import b\n",
            "roadwork/deep/__init__.py": "",
            "roadwork/deep/b.py": "import roadwork.c\n",
            "roadwork/deep/page.html.j2": "",
            "roadwork/deep/notes.txt": "",
            "roadwork/c.py": "import numpy\n",
            "roadwork/unused.py": "",
        },
    )
    assert import_closure(tmp_path / "pipeline/stage.py", tmp_path) == [
        "pipeline/stage.py",
        "roadwork/__init__.py",
        "roadwork/a.py",
        "roadwork/c.py",
        "roadwork/deep/__init__.py",
        "roadwork/deep/b.py",
        "roadwork/deep/page.html.j2",
    ]


def test_imports_in_a_circle_end(tmp_path: Path) -> None:
    project(
        tmp_path,
        {"roadwork/__init__.py": "", "roadwork/a.py": "import roadwork.b", "roadwork/b.py": "import roadwork.a"},
    )
    closure = import_closure(tmp_path / "roadwork/a.py", tmp_path)
    assert closure == ["roadwork/__init__.py", "roadwork/a.py", "roadwork/b.py"]
