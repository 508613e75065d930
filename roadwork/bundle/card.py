"""The model card of a bundle, filled from the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from roadwork.bundle.description import Member
from roadwork.embed.backbone_config import BackboneConfig
from roadwork.evaluate.score import interval_name
from roadwork.templates import code, markdown

_COLUMNS = {"mcc": "MCC", "auroc": "AUROC", "f1": "F1", "ece": "ECE", "brier": "Brier"}

_MODELS = {
    "test image only": ("test, image only", "the pretrained head, before fine-tuning"),
    "test with metadata": ("test, with metadata", "the pretrained head, before fine-tuning"),
    "oof": ("out-of-fold, image only", "fine-tuned heads, each on the fold it never saw"),
    "oof with metadata": ("out-of-fold, with metadata", "fine-tuned heads, each on the fold it never saw"),
}
"""What each row of the metrics is of: photographs and model."""

_TERMS = {
    "natix": "the NATIX street data (`natix-network-org/roadwork` on the Hugging Face hub). Its licence and terms "
    "apply to the photographs and to what is made from them: whoever uses or passes on this bundle follows them, and "
    "names the data set",
    "roadwork_coco": "the ROADWork data set of Carnegie Mellon University. Its licence and terms apply to the "
    "photographs and to what is made from them: whoever uses or passes on this bundle follows them, and cites the data "
    "set's paper",
    "sample": "street scenes that this project draws itself. No photograph, person or place is in them",
    "folder": "photographs of whoever trained this bundle. Their terms apply; say here which",
}
"""Where photographs of a source come from and whose terms they are under."""

_LICENCES = {
    "dinov3-license": "Meta's **DINOv3 License**. It covers the weights and what is derived from them: whoever passes "
    "them on passes that licence on too. Read it before commercial use",
    "apache-2.0": "the **Apache License 2.0**",
    "mit": "the **MIT License**",
    "cc-by-nc-4.0": "**CC BY-NC 4.0**, which rules commercial use out",
}
"""What a licence, as timm names it, asks for."""


@dataclass(frozen=True)
class Facts:
    """What a card tells of the data and of how it was used.

    `splits`: counts by split (`images`, `roadwork`, `none`). `shared_images`: how many of train and val are of a
    sequence or place that test has images of too. `licence` is that of the backbone's weights, as timm names it.
    `digests` by what they are of; `calibrations`: scale and threshold by mode.
    """

    splits: Mapping[str, Mapping[str, int]]
    sources: Sequence[str]
    transductive: bool
    shared_images: int
    metadata_fields: Sequence[str]
    confidence: float
    licence: str | None
    digests: Mapping[str, str]
    calibrations: Mapping[str, Mapping[str, float]]


class _Row(NamedTuple):
    photographs: str
    model: str
    scores: Sequence[str]
    images: int
    blocks: int


def model_card(
    members: Sequence[Member],
    backbone: BackboneConfig,
    identity: Mapping[str, Any],
    metrics: Mapping[str, Mapping[str, Any]],
    facts: Facts,
) -> str:
    """The text of README.md. It holds no time and no machine, so equal runs give equal cards.

    `metrics` are rows of `roadwork.evaluate.score.score_row` by name: `test image only`, `test with metadata`, `oof`,
    `oof with metadata`, in the order in which they are to stand; underscores count as spaces.
    """
    return (
        markdown("roadwork.bundle")
        .get_template("card.md.j2")
        .render(
            members=members,
            backbone=backbone,
            identity=identity,
            columns=list(_COLUMNS.values()),
            rows=[_row(name, row, facts.confidence) for name, row in metrics.items()],
            facts=facts,
            terms=[(source, _TERMS.get(source, _TERMS["folder"])) for source in facts.sources],
            licence=_LICENCES.get(facts.licence or "", code(facts.licence)),
            untrained=backbone.weights == "random",
        )
    )


def _row(name: str, row: Mapping[str, Any], confidence: float) -> _Row:
    photographs, model = _MODELS[name.replace("_", " ")]
    scores = [_with_interval(row[key], row[f"{key}_{interval_name(confidence)}"]) for key in _COLUMNS]
    return _Row(photographs, model, scores, row["n"], row["blocks"])


def _with_interval(value: float | None, interval: Sequence[float] | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" + ("" if interval is None else f" [{interval[0]:.2f}, {interval[1]:.2f}]")
