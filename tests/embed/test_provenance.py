"""The attributes of a store."""

from __future__ import annotations

import json
import platform

import numpy as np
import pytest
import torch

from roadwork.embed.fingerprint import Fingerprint
from roadwork.embed.provenance import IMAGE_LIBRARIES, TEXT_LIBRARIES, store_attributes


@pytest.mark.parametrize("libraries", [IMAGE_LIBRARIES, TEXT_LIBRARIES])
def test_attributes_hold_what_the_features_were_made_from(libraries: tuple[str, ...]) -> None:
    fingerprint = Fingerprint({"backbone": {"name": "tiny"}, "decoder": 1})
    attributes = store_attributes(fingerprint, manifest_digest="cd", libraries=libraries, source={"weights": "random"})
    assert set(attributes) == {"fingerprint", "provenance", "manifest_digest"}
    assert attributes["fingerprint"] == fingerprint.key
    assert attributes["manifest_digest"] == "cd"
    provenance = attributes["provenance"]
    assert provenance["backbone"] == {"name": "tiny"}
    assert provenance["weights"] == "random"
    versions = provenance["libraries"]
    assert list(versions) == ["python", *libraries]
    assert versions["python"] == platform.python_version()
    assert versions["numpy"] == np.__version__
    assert torch.__version__.startswith(versions["torch"])
    assert json.loads(json.dumps(attributes)) == attributes
