"""The key of a feature: equal facts, equal key; any fact that changes a vector changes it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import pytest

from roadwork.embed import fingerprint as module
from roadwork.embed.fingerprint import Fingerprint, feature_fingerprint
from roadwork.views.geometry import ViewsConfig

VIEWS = ViewsConfig(grid=3, overlap=0.25, size_px=224, decoder="cpu")


@dataclass
class Model:
    identity: dict[str, Any] = field(default_factory=lambda: {"name": "tiny", "pool": "cls", "weights_digest": "ab"})
    device: str = "cpu"
    batch_images: int = 1


def test_the_key_is_the_sha256_of_canonical_json() -> None:
    facts = {"b": 1, "a": {"d": [1, 2], "c": "é"}}
    text = '{"a":{"c":"\\u00e9","d":[1,2]},"b":1}'
    assert Fingerprint(facts).key == hashlib.sha256(text.encode()).hexdigest()
    assert Fingerprint({"a": {"c": "é", "d": [1, 2]}, "b": 1}).key == Fingerprint(facts).key


def test_nan_has_no_fingerprint() -> None:
    with pytest.raises(ValueError, match="JSON"):
        _ = Fingerprint({"x": float("nan")}).key


def test_device_and_batch_do_not_count() -> None:
    assert feature_fingerprint(Model(), VIEWS) == feature_fingerprint(Model(device="cuda", batch_images=64), VIEWS)


def test_backbone_views_and_decoder_count(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {feature_fingerprint(Model(), VIEWS).key}
    for name in ("name", "pool", "weights_digest"):
        keys.add(feature_fingerprint(Model({**Model().identity, name: "other"}), VIEWS).key)
    for change in ({"grid": 2}, {"overlap": 0.5}, {"size_px": 512}, {"decoder": "cuda"}):
        keys.add(feature_fingerprint(Model(), VIEWS.model_copy(update=change)).key)
    monkeypatch.setattr(module, "DECODER_VERSION", "another")
    keys.add(feature_fingerprint(Model(), VIEWS).key)
    assert len(keys) == 9
