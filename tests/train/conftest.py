"""A small world in memory: features in which every other view of an image shows whether there is roadwork."""

import numpy as np
import pandas as pd
import pytest
import torch

from roadwork.config import read_params
from roadwork.data.vocabulary import VocabulariesConfig, VocabularyConfig
from roadwork.model.head_config import HeadConfig, HeadSpec
from roadwork.model.metadata import Metadata
from roadwork.model.metadata_config import MetadataConfig
from roadwork.train.config import TrainConfig
from roadwork.train.embeddings import Resident
from roadwork.train.features import FeatureTable
from roadwork.train.finetune_config import FinetuneConfig
from roadwork.train.loss_config import LossConfig
from roadwork.train.pretrain import Pretraining
from roadwork.train.pretrain_config import PretrainConfig
from roadwork.train.setting import Setting

VIEWS, DIM = 6, 16
SPLITS = {"train": 120, "val": 40, "test": 60}


@pytest.fixture(autouse=True)
def _one_thread(one_thread):
    """Every test here works on small tensors."""


@pytest.fixture(autouse=True)
def _every_epoch_is_saved(monkeypatch):
    """However short the epochs are; what saves seldom is tested by itself."""
    monkeypatch.setattr("roadwork.train.saving_pace.SHARE", 1.0)


@pytest.fixture(scope="session")
def metadata_config():
    vocabulary = VocabularyConfig(values=("sunny", "rainy", "foggy"), aliases={})
    vocabularies = VocabulariesConfig(weather=vocabulary, daytime=vocabulary, scene=vocabulary, nulls=("",))
    return MetadataConfig(
        fields=("gps", "weather", "text"), dropout=0.5, gps_dim=8, category_dim=4, text_dim=8, vocabularies=vocabularies
    )


@pytest.fixture(scope="session")
def spec(metadata_config, params):
    head = read_params(params)["head"]
    head["pruning"] |= {"keep": 4, "hidden": 8}
    head["projection"]["dim"] = 32
    head["pyramid"]["dims"] = [32, 16, 8]
    head["attention"] |= {"layers": 1, "heads": 4}
    head["view_fusion"] |= {"heads": 4, "gate_hidden": 8}
    head["classifier"]["hidden"] = 16
    return HeadSpec(head=HeadConfig.model_validate(head), metadata=metadata_config, embedding_dim=DIM, views=VIEWS)


@pytest.fixture(scope="session")
def params(request):
    return request.config.rootpath / "params.yaml"


@pytest.fixture(scope="session")
def table(metadata_config):
    """220 images: roadwork lights up channel 0 of views 0, 2 and 4, the rest is noise; half have a weather."""
    rng = np.random.default_rng(5)
    split = np.repeat(list(SPLITS), list(SPLITS.values()))
    n = len(split)
    labels = np.arange(n) % 2
    embeddings = rng.normal(size=(n, VIEWS, DIM))
    embeddings[:, ::2, 0] += 6.0 * labels[:, None]
    test = split == "test"
    roles = np.full((n, 3), "", dtype="<U5")
    for fold in range(3):
        place = np.arange(test.sum()) // 2 % 6
        roles[test, fold] = np.where(place % 3 == fold, "test", np.where(place // 3 == 1, "val", "train"))
    weather = np.where(rng.random(n) < 0.5, rng.integers(0, 3, n), 3)
    metadata = Metadata.null(n, metadata_config)._replace(
        weather=torch.from_numpy(weather),
        gps_deg=torch.from_numpy(rng.uniform(-60, 60, (n, 2)).astype(np.float32)),
        gps_present=torch.from_numpy(rng.random(n) < 0.7),
    )
    return FeatureTable(
        image_ids=[f"{i:064x}" for i in range(n)],
        embeddings=Resident(torch.from_numpy(embeddings.astype(np.float16))),
        metadata=metadata,
        labels=torch.from_numpy(labels.astype(np.int64)),
        split=split.astype(np.str_),
        block=np.arange(n, dtype=np.int32) // 2,
        roles=roles,
        fingerprint="f" * 64,
        digest="d" * 64,
    )


@pytest.fixture(scope="session")
def sampling(table):
    rng = np.random.default_rng(6)
    train = table.rows(table.split == "train")
    distance = np.where(np.arange(len(train)) % 4 == 0, np.nan, rng.uniform(0, 300, len(train)))
    return pd.DataFrame(
        {"image_id": train.image_ids, "weight": np.where(distance < 100, 5.0, 1.0), "distance_km": distance}
    )


@pytest.fixture(scope="session")
def setting():
    return Setting(
        train=TrainConfig(
            device="cpu",
            precision="fp32",
            reproducible=True,
            compile="off",
            features="auto",
            window_images=32768,
            chunk_cache_gigabytes=0,
            batch_size=16,
            accumulation=2,
            clip_norm=1.0,
            seed=None,
        ),
        loss=LossConfig(focal=0.5, consistency=0.3, weather=0.2, gamma=2.0, alpha=0.25, label_smoothing=0.1),
        seed=17,
        device=torch.device("cpu"),
    )


@pytest.fixture(scope="session")
def pretrain_config():
    return PretrainConfig(lr=5e-3, weight_decay=0.01, epochs=6, warmup_steps=500, warmup_max_fraction=0.1, patience=6)


@pytest.fixture(scope="session")
def finetune_config():
    return FinetuneConfig(
        folds=(0, 1, 2),
        inner_val_fraction=0.3,
        lr=1e-3,
        weight_decay=0.02,
        dropout=0.2,
        epochs=3,
        patience=3,
        together=True,
    )


@pytest.fixture
def pretraining(table, sampling, spec, pretrain_config, setting):
    return Pretraining(
        table=table, sampling=sampling, near_km=100.0, spec=spec, config=pretrain_config, setting=setting
    )


@pytest.fixture
def ignore():
    return lambda record: None
