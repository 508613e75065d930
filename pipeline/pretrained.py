"""The pretrained head, opened together with the features that it was trained on."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.known_head import RETRAIN
from pipeline.paths import FOLDS, IMAGE_STORE, MANIFEST, PRETRAINED, TEXT_STORE
from roadwork.model.head import Head
from roadwork.model.head_config import HeadSpec
from roadwork.train.checkpoint import load_head
from roadwork.train.config import TrainConfig
from roadwork.train.features import FeatureTable, load_features
from roadwork.train.head_folder import DESCRIPTION, WEIGHTS, file_sha256
from roadwork.train.provenance import TrainedOn, check_trained_on


@dataclass(frozen=True)
class Pretrained:
    """What `models/pretrained` holds, and the feature table that it belongs to."""

    head: Head
    spec: HeadSpec
    weights_sha256: str
    table: FeatureTable
    trained_on: TrainedOn  # of the table as well as of the head


def open_pretrained(*, views: int | None = None, train: TrainConfig | None = None) -> Pretrained:
    """The head and the project's features, which it was trained on, row for row; `views` of an image, where given.

    `train` says where the embeddings are to be, for a stage that trains.
    Raises BundleError where the head is missing, damaged or of other features or data, and what `load_features` raises.
    """
    head, spec, details = load_head(PRETRAINED)
    place = (
        {}
        if train is None
        else {
            "features": train.features,
            "window_images": train.window_images,
            "chunk_cache_gigabytes": train.chunk_cache_gigabytes,
        }
    )
    table = load_features(IMAGE_STORE, TEXT_STORE, MANIFEST, FOLDS, spec.metadata, views=views, **place)
    now = TrainedOn.from_table(table)
    check_trained_on(
        TrainedOn.from_details(details),
        now,
        model="the pretrained head",
        where=str(PRETRAINED / DESCRIPTION),
        fix=RETRAIN,
    )
    return Pretrained(head, spec, file_sha256(PRETRAINED / WEIGHTS), table, now)
