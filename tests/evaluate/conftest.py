"""A small synthetic project in memory: features with a known signal, and models with known margins."""

import numpy as np
import pandas as pd
import pytest
import torch

from roadwork.data.vocabulary import VocabulariesConfig, VocabularyConfig
from roadwork.model.metadata import Metadata
from roadwork.model.metadata_config import MetadataConfig
from roadwork.train.embeddings import Resident
from roadwork.train.features import FeatureTable

SPLITS = {"train": 60, "val": 24, "test": 30, "holdout": 16}


@pytest.fixture(scope="session")
def metadata_config():
    vocabulary = VocabularyConfig(values=("a", "b"), aliases={})
    vocabularies = VocabulariesConfig(weather=vocabulary, daytime=vocabulary, scene=vocabulary, nulls=("",))
    return MetadataConfig(
        fields=("gps", "weather"), dropout=0.5, gps_dim=8, category_dim=4, text_dim=3, vocabularies=vocabularies
    )


@pytest.fixture(scope="session")
def table(metadata_config):
    """130 images: channel 0 of every view holds the label and noise, weather is the label itself."""
    rng = np.random.default_rng(4)
    split = np.repeat(list(SPLITS), list(SPLITS.values()))
    n = len(split)
    labels = rng.permutation(np.arange(n) % 2)
    labels[:2], labels[60:62], labels[84:86], labels[-2:] = [0, 1], [0, 1], [0, 1], [0, 1]
    embeddings = rng.normal(size=(n, 4, 6))
    embeddings[:, :, 0] += 2.0 * labels[:, None] - 1
    fold = np.where(split == "test", np.arange(n) % 3, -1)
    roles = np.array([["" if part < 0 else "test" if part == k else "train" for k in range(3)] for part in fold])
    return FeatureTable(
        image_ids=[f"{i:064x}" for i in range(n)],
        embeddings=Resident(torch.from_numpy(embeddings.astype(np.float16))),
        metadata=Metadata.null(n, metadata_config)._replace(weather=torch.from_numpy(labels)),
        labels=torch.from_numpy(labels.astype(np.int64)),
        split=split.astype(np.str_),
        block=(np.arange(n) // 2).astype(np.int32),
        roles=roles,
        fingerprint="f" * 64,
        digest="d" * 64,
    )


@pytest.fixture(scope="session")
def model():
    """Margins from pixels alone, or with the weather added: a stand-in for a head whose answers can be worked out."""

    def margins(table):
        pixels = table.embeddings.tensor[:, :, 0].double().mean(1).numpy()
        weather = 4.0 * (table.metadata.weather.double().numpy() - 0.5)
        return {"image_only": pixels, "with_metadata": pixels + weather}

    return margins


@pytest.fixture(scope="session")
def oof(table, model):
    test = table.rows(table.split == "test")
    return pd.DataFrame(
        {
            "image_id": test.image_ids,
            "label": pd.array(test.labels.numpy(), dtype="Int8"),
            "block": test.block,
            "fold": np.flatnonzero(table.split == "test") % 3,
            "margin_image_only": model(test)["image_only"],
            "margin_with_metadata": model(test)["with_metadata"],
        }
    )
