from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from roadwork.errors import CapabilityError, ParameterError
from roadwork.storage import place as place_module
from roadwork.storage.place import is_remote, place_of, reopened


def test_a_path_stays_one_and_its_home_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert place_of("~/cache", parameter="p") == tmp_path / "cache"
    assert place_of("relative", parameter="p") == Path.cwd() / "relative"
    assert not is_remote(place_of("~", parameter="p"))


@pytest.mark.parametrize("text", ["file:///data/a%20b", "file://localhost/data/a%20b"])
def test_a_file_url_is_a_path(text: str) -> None:
    assert place_of(text, parameter="p") == Path("/data/a b")


def test_a_scheme_may_be_written_large() -> None:
    assert str(place_of("MEMORY://bucket/Folder", parameter="p")) == "memory://bucket/Folder"


def test_what_ends_with_its_process_is_no_place_to_keep_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(place_module.PACKAGES, "memory")
    with pytest.raises(ParameterError, match="memory://"):
        place_of("memory://bucket/folder", parameter="p")


def test_an_object_store_is_a_place_that_another_process_finds_again() -> None:
    place = place_of("memory://bucket/folder/", parameter="p")
    assert is_remote(place)
    assert str(place / "a" / "b") == "memory://bucket/folder/a/b"
    assert str(reopened(str(place))) == str(place)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("ftp://host/folder", "ftp://"), ("s3://", "bucket"), ("s3://key:secret@bucket/x", "credentials"),
        ("s3://bucket/x?versionId=1", "credentials"), ("file://host/folder", "host"),
        ("~nobody-of-this-name/x", "no such home"), ("S3x://bucket", "s3x://"),
    ],
)  # fmt: skip
def test_what_is_no_place_is_told_with_its_parameter(text: str, word: str) -> None:
    with pytest.raises(ParameterError) as caught:
        place_of(text, parameter="ROADWORK_CACHE")
    assert word in str(caught.value)
    assert caught.value.where == "ROADWORK_CACHE"
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("scheme", "extra"), [("s3", "s3"), ("gs", "gs"), ("az", "azure")])
def test_a_package_that_is_missing_is_named_with_what_brings_it(
    scheme: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place_module, "find_spec", lambda name: None)
    with pytest.raises(CapabilityError) as caught:
        place_of(f"{scheme}://bucket/x", parameter="p")
    assert f"roadwork[{extra}]" in caught.value.fix


def test_a_local_place_imports_no_object_store() -> None:
    code = """
import sys
from roadwork.cache_root import cache_root
from roadwork.embed.cache import EmbeddingCache
cache_root()
print([name for name in ("upath", "s3fs", "ray") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
