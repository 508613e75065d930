"""A data set in which the description exists only for roadwork, and the photographs show nothing at all.

Whatever is reached with metadata is the leak. The audit must name it, and the image-only headline must not know of it.
"""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch

from roadwork.config import parse_section, read_params
from roadwork.evaluate.answers import unseen_margins
from roadwork.evaluate.bootstrap import Resampling
from roadwork.evaluate.cautions import leak_warnings
from roadwork.evaluate.config import EvaluateConfig
from roadwork.evaluate.headline import headline
from roadwork.evaluate.leak_audit import leak_audit
from roadwork.evaluate.margins import head_margins
from roadwork.model.head_config import HeadConfig, HeadSpec
from roadwork.model.metadata import Metadata
from roadwork.model.metadata_config import MetadataConfig
from roadwork.train.config import TrainConfig
from roadwork.train.embeddings import Resident
from roadwork.train.features import FeatureTable
from roadwork.train.loss_config import LossConfig
from roadwork.train.pretrain import Pretraining, pretrain
from roadwork.train.pretrain_config import PretrainConfig
from roadwork.train.setting import Setting

SPLITS = {"train": 800, "val": 120, "test": 300}
VIEWS, DIM, TEXT = 4, 8, 16
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def params(request):
    """`params.yaml` in small: every size, nothing of the method."""
    params = read_params(request.config.rootpath / "params.yaml")
    params["metadata"] |= {"gps_dim": 8, "category_dim": 4, "text_dim": TEXT}
    head = params["head"]
    head["pruning"] |= {"keep": 3, "hidden": 8}
    head["projection"]["dim"] = 16
    head["pyramid"]["dims"] = [16, 8]
    head["attention"] |= {"layers": 1, "heads": 2, "backend": "sdpa"}
    head["view_fusion"] |= {"heads": 2, "gate_hidden": 8}
    head["classifier"]["hidden"] = 16
    params["train"] |= {"device": "cpu", "precision": "fp32", "batch_size": 16}
    params["pretrain"] |= {"lr": 1e-2, "epochs": 4}
    params["evaluate"] |= {"resamples": 300}
    return params


@pytest.fixture(scope="module")
def section(params):
    return lambda name, config: parse_section(params[name], name, config, where="params.yaml")


@pytest.fixture(scope="module")
def table(section):
    """Noise for features, positions and categories; every image of roadwork, and no other, has a sentence of its own.

    As real ones do, the sentences share a direction: they are all about streets.
    """
    rng = np.random.default_rng(8)
    metadata = section("metadata", MetadataConfig)
    split = np.repeat(list(SPLITS), list(SPLITS.values()))
    count = len(split)
    labels = rng.integers(0, 2, count)
    sentences = (rng.normal(size=TEXT) + 0.5 * rng.normal(size=(count, TEXT))).astype(np.float32)
    sentences /= np.linalg.norm(sentences, axis=1, keepdims=True)
    facts = Metadata.null(count, metadata)
    facts = facts._replace(
        gps_deg=torch.from_numpy(rng.uniform(-60, 60, (count, 2)).astype(np.float32)),
        gps_present=torch.from_numpy(rng.random(count) < 0.8),
        weather=torch.from_numpy(rng.integers(0, metadata.null_index("weather") + 1, count)),
        daytime=torch.from_numpy(rng.integers(0, metadata.null_index("daytime") + 1, count)),
        scene=torch.from_numpy(rng.integers(0, metadata.null_index("scene") + 1, count)),
        text=torch.from_numpy(np.where(labels[:, None] == 1, sentences, 0)),
    )
    return FeatureTable(
        image_ids=[f"{i:064x}" for i in range(count)],
        embeddings=Resident(torch.from_numpy(rng.normal(size=(count, VIEWS, DIM)).astype(np.float16))),
        metadata=facts,
        labels=torch.from_numpy(labels),
        split=split.astype(np.str_),
        block=(np.arange(count) // 2).astype(np.int32),
        roles=np.full((count, 1), "", dtype="<U5"),
        fingerprint="f" * 64,
        digest="d" * 64,
    )


@pytest.fixture(scope="module")
def head(section, table, tmp_path_factory):
    train = table.rows(table.split == "train")
    trained = pretrain(
        Pretraining(
            table=table,
            sampling=pd.DataFrame({"image_id": train.image_ids, "weight": 1.0, "distance_km": 1.0}),
            near_km=100.0,
            spec=HeadSpec(
                head=section("head", HeadConfig),
                metadata=section("metadata", MetadataConfig),
                embedding_dim=DIM,
                views=VIEWS,
            ),
            config=section("pretrain", PretrainConfig),
            setting=Setting(section("train", TrainConfig), section("loss", LossConfig), seed=17, device=CPU),
        ),
        area=tmp_path_factory.mktemp("area"),
        on_epoch=lambda record: None,
    )
    return head_margins(trained.head, CPU)


def test_the_audit_flags_the_text_and_its_being_there_and_nothing_else(section, table):
    parts = {split: table.rows(table.split == split) for split in SPLITS}
    config = section("evaluate", EvaluateConfig)
    audit = leak_audit(parts, section("metadata", MetadataConfig), config, config.resampling(17), seed=17)
    assert audit["flagged"] == ["text", "text_null"]
    text = audit["fields"]["text"]
    assert text["known"]["none"] == text["null"]["roadwork"] == 0
    assert text["null_alone"]["mcc"] == 1
    assert text["mutual_information"]["null"] == audit["label_entropy"]
    [warning] = leak_warnings(audit)
    assert warning.startswith("`text` tells the label")
    assert "`metadata.fields`" in warning


def test_the_leak_carries_the_score_with_metadata_and_not_the_headline(table, head):
    test = headline(unseen_margins(table, head), Resampling(300, 0.95, 1), head_sha256="a").metrics["test"]
    assert test["with_metadata"]["mcc"] > 0.8
    low, high = test["image_only"]["mcc_ci95"]
    assert low < 0 < high
    assert test["with_metadata"]["difference"]["mcc_ci95"][0] > 0.5


def test_the_headline_is_the_same_to_the_bit_without_the_descriptions(table, head):
    tested = torch.from_numpy(table.split == "test").unsqueeze(1)
    without = dataclasses.replace(
        table, metadata=table.metadata._replace(text=table.metadata.text.masked_fill(tested, 0.0))
    )
    rows = table.split == "test"
    given, hidden = head(table.rows(rows)), head(without.rows(rows))
    assert np.array_equal(given["image_only"], hidden["image_only"])
    assert not np.array_equal(given["with_metadata"], hidden["with_metadata"])
    resampling = Resampling(300, 0.95, 1)
    first, second = (
        headline(unseen_margins(each, head), resampling, head_sha256="a").metrics["test"] for each in (table, without)
    )
    assert first["image_only"] == second["image_only"]
    assert second["with_metadata"]["mcc"] < 0.5
