"""Where the cache folder lies."""

from __future__ import annotations

from pathlib import Path

import pytest
from platformdirs import user_cache_path

from roadwork.cache_root import cache_root
from roadwork.errors import ParameterError


def test_the_variable_overrides_the_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ROADWORK_CACHE", str(tmp_path / "cache"))
    assert cache_root() == tmp_path / "cache"
    assert not (tmp_path / "cache").exists()


def test_a_relative_or_home_path_is_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROADWORK_CACHE", "here")
    assert cache_root() == tmp_path / "here"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ROADWORK_CACHE", "~/there")
    assert cache_root() == tmp_path / "home" / "there"


@pytest.mark.parametrize("value", [None, "", "  "])
def test_without_it_the_platform_decides(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("ROADWORK_CACHE", raising=False)
    if value is not None:
        monkeypatch.setenv("ROADWORK_CACHE", value)
    assert cache_root() == user_cache_path("roadwork", appauthor=False)


def test_a_home_that_nobody_has_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROADWORK_CACHE", "~nobody-of-this-name/cache")
    with pytest.raises(ParameterError, match="knows no such home"):
        cache_root()
