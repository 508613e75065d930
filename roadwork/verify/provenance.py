"""Whether a store says of itself what the parameters ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadwork.embed.backbone_config import BackboneConfig
from roadwork.embed.fingerprint import Fingerprint
from roadwork.embed.text_config import TextConfig
from roadwork.verify.fault import Faults
from roadwork.views.decode import DECODER_VERSION
from roadwork.views.geometry import ViewsConfig

IMAGE_FACTS = ("backbone", "views", "decoder")
TEXT_FACTS = ("text",)


def check_attributes(
    attributes: Mapping[str, Any], facts: tuple[str, ...], manifest_digest: str | None, faults: Faults, *,
    where: str, stage: str,
) -> None:  # fmt: skip
    """Note a fingerprint that isn't the digest of its `facts`, and a manifest that isn't the one of now."""
    fix = f"run `roadwork {stage}` again"
    provenance = attributes["provenance"]
    key = Fingerprint({name: provenance[name] for name in facts}).key
    if attributes["fingerprint"] != key:
        faults.add(
            f"the fingerprint is {str(attributes['fingerprint'])[:12]}, its facts give {key[:12]}",
            where=where,
            rule="a fingerprint is the digest of its facts",
            fix=fix,
        )
    if manifest_digest is not None and attributes["manifest_digest"] != manifest_digest:
        faults.add(
            f"it was made from the manifest {str(attributes['manifest_digest'])[:12]}, "
            f"the manifest is {manifest_digest[:12]}",
            where=where,
            rule="a store is of the manifest of now",
            fix=fix,
        )


def check_image_provenance(
    provenance: Mapping[str, Any], backbone: BackboneConfig, views: ViewsConfig, faults: Faults, *, where: str
) -> None:
    """Note each parameter that isn't what the image features were made with; `auto` agrees with anything."""
    made = provenance["backbone"]
    pairs: dict[str, tuple[Any, Any]] = {
        "backbone.name": (backbone.name, made["name"]),
        "backbone.kwargs": (backbone.kwargs, made["kwargs"]),
        "backbone.weights": (backbone.weights, provenance["weights"]),
    }
    if backbone.pool in ("cls", "mean"):
        pairs["backbone.pool"] = (backbone.pool, made["pool"])
    if backbone.precision != "auto":
        pairs["backbone.precision"] = (backbone.precision, made["precision"])
    asked = views.model_dump(mode="json")
    pairs |= {f"views.{name}": (value, provenance["views"].get(name)) for name, value in asked.items()}
    _compare(pairs, faults, where=where, stage="embed_images")
    if provenance["decoder"] != DECODER_VERSION:
        faults.add(
            f"photographs were decoded in the way {provenance['decoder']!r}, this version has {DECODER_VERSION!r}",
            where=where,
            rule="features are of the decoder of now",
            fix="run `roadwork embed_images` again",
        )


def check_text_provenance(provenance: Mapping[str, Any], text: TextConfig, faults: Faults, *, where: str) -> None:
    """Note where the sentences were encoded with another model than the parameters name."""
    _compare({"text.model": (text.model, provenance["model"])}, faults, where=where, stage="embed_text")


def _compare(pairs: Mapping[str, tuple[Any, Any]], faults: Faults, *, where: str, stage: str) -> None:
    for name, (asked, made) in pairs.items():
        if asked != made:
            faults.add(
                f"`{name}` is {asked!r}, it was made with {made!r}",
                where=f"{where}, params.yaml: {name}",
                rule="a result was made with the parameters of now",
                fix=f"run `roadwork {stage}` again, or set the parameter back",
            )
