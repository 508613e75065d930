"""The two lists of pinned packages agree, and name no package index."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LISTS = ("requirements.txt", "requirements-ray.txt")


def pins(name: str) -> set[str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return {line.removesuffix("\\").strip() for line in lines if re.match(r"[a-z0-9]", line)}


def test_what_ray_needs_is_installed_over_the_default_without_changing_it():
    default, with_ray = map(pins, LISTS)
    assert len(default) > 100
    assert default <= with_ray
    assert {pin.partition("==")[0] for pin in with_ray - default} >= {"ray", "s3fs", "moto"}
    assert not {pin.partition("==")[0] for pin in default} & {"ray", "s3fs", "moto", "gcsfs", "adlfs"}


@pytest.mark.parametrize("name", LISTS)
def test_no_index_is_named(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index" not in text
    assert "--extra-index" not in text


@pytest.mark.parametrize("name", LISTS)
def test_every_pin_has_its_hashes(name):
    for block in re.split(r"\n(?=[a-z0-9])", (ROOT / name).read_text(encoding="utf-8")):
        assert "--hash=sha256:" in block, block.splitlines()[0]
