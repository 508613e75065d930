"""The pretrained head as its folder tells of it: for stages that score what it said and never ask it anything."""

from __future__ import annotations

from pipeline.paths import FOLDS, IMAGE_STORE, MANIFEST, PRETRAINED, TEXT_STORE
from roadwork.embed.store_attributes import read_store_attributes
from roadwork.train.data_digest import data_digest
from roadwork.train.head_folder import DESCRIPTION, HeadDescription, read_head_folder
from roadwork.train.provenance import TrainedOn, check_trained_on

RETRAIN = "run `roadwork pretrain` again, and then the stages after it (`dvc repro` does both)"


def data_of_now() -> TrainedOn:
    """The project's features and data as they are; StoreError and DataError where a part is missing or damaged."""
    fingerprint = str(read_store_attributes(IMAGE_STORE, stage="embed_images").get("fingerprint"))
    return TrainedOn(fingerprint, data_digest(IMAGE_STORE, TEXT_STORE, MANIFEST, FOLDS))


def known_head(now: TrainedOn) -> HeadDescription:
    """What is told of the pretrained head, which was trained on the features and data `now`.

    Raises BundleError where it is missing, damaged, or was trained on others.
    """
    description = read_head_folder(PRETRAINED)
    where = str(PRETRAINED / DESCRIPTION)
    found = TrainedOn.from_details(description.details)
    check_trained_on(found, now, model="the pretrained head", where=where, fix=RETRAIN)
    return description
