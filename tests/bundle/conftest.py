"""A tiny bundle over a tiny random backbone; everything is real but small."""

import pytest
import torch

from roadwork.bundle.card import Facts
from roadwork.bundle.description import Calibrations
from roadwork.bundle.save import Origin, TrainedMember, save_bundle
from roadwork.data.vocabulary import VocabulariesConfig, VocabularyConfig
from roadwork.embed.backbone import build_backbone
from roadwork.embed.backbone_config import BackboneConfig
from roadwork.embed.fingerprint import feature_fingerprint
from roadwork.evaluate.calibration import Calibration
from roadwork.model.head import Head
from roadwork.model.head_config import (
    AttentionConfig,
    ClassifierConfig,
    HeadConfig,
    HeadSpec,
    ProjectionConfig,
    PruningConfig,
    PyramidConfig,
    ViewFusionConfig,
)
from roadwork.model.metadata_config import MetadataConfig
from roadwork.train.checkpoint import save_head
from roadwork.train.provenance import TrainedOn
from roadwork.views.geometry import ViewsConfig

VIEWS = ViewsConfig(grid=2, overlap=0.25, size_px=32, decoder="cpu")
BACKBONE = BackboneConfig(
    name="vit_tiny_patch16_224",
    weights="random",
    weights_sha256=None,
    kwargs={"depth": 1, "dynamic_img_size": True},
    pool="cls",
    precision="fp32",
)
SEED = 5


@pytest.fixture(scope="session")
def spec():
    vocabulary = VocabularyConfig(values=("a", "b"), aliases={})
    vocabularies = VocabulariesConfig(weather=vocabulary, daytime=vocabulary, scene=vocabulary, nulls=("",))
    head = HeadConfig(
        dropout=0.0,
        standardise=True,
        pruning=PruningConfig(enabled=True, keep=4, hidden=8),
        projection=ProjectionConfig(dim=16, view_embedding=True),
        pyramid=PyramidConfig(enabled=True, dims=(16, 8, 4)),
        attention=AttentionConfig(layers=1, heads=2, gate="elementwise", backend="sdpa"),
        view_fusion=ViewFusionConfig(enabled=True, heads=2, gate_hidden=8),
        classifier=ClassifierConfig(hidden=8),
    )
    metadata = MetadataConfig(
        fields=("gps", "weather"), dropout=0.5, gps_dim=8, category_dim=4, text_dim=3, vocabularies=vocabularies
    )
    return HeadSpec(head=head, metadata=metadata, embedding_dim=192, views=7)


@pytest.fixture(scope="session")
def backbone():
    return build_backbone(BACKBONE, size_px=VIEWS.size_px, seed=SEED, device="cpu")


@pytest.fixture(scope="session")
def origin(backbone):
    return Origin(
        views=VIEWS,
        backbone=BACKBONE,
        identity=backbone.identity,
        seed=SEED,
        feature_fingerprint=feature_fingerprint(backbone, VIEWS).key,
        training_data_digest="d" * 64,
        manifest_digest="e" * 64,
    )


@pytest.fixture(scope="session")
def members(spec, origin, tmp_path_factory):
    made = []
    for fold, mcc in ((2, 0.75), (0, 0.5)):
        with torch.random.fork_rng():
            torch.manual_seed(fold)
            head = Head(spec).eval()
        folder = tmp_path_factory.mktemp("finetuned")
        digest = save_head(folder, head, spec, {"fold": fold})
        trained_on = TrainedOn(origin.feature_fingerprint, origin.training_data_digest)
        made.append(TrainedMember(fold, mcc, folder, spec, digest, "p" * 64, trained_on))
    return made


@pytest.fixture(scope="session")
def facts():
    counts = {"images": 10, "roadwork": 4, "none": 5}
    return Facts(
        splits={"train": counts, "test": counts},
        sources=("sample",),
        transductive=True,
        shared_images=0,
        metadata_fields=("gps", "weather"),
        confidence=0.95,
        licence="apache-2.0",
        digests={"manifest": "e" * 64},
        calibrations={mode: {"scale": 2.0, "threshold": 0.25} for mode in ("image_only", "with_metadata")},
    )


@pytest.fixture(scope="session")
def write(members, origin, facts):
    def call(folder, **changes):
        row: dict = {"n": 40, "blocks": 12}
        for name in ("mcc", "auroc", "f1", "ece", "brier"):
            row |= {name: 0.8125, f"{name}_ci95": [0.7, 0.9]}
        given = {
            "members": members,
            "origin": origin,
            "calibrations": Calibrations(
                image_only=Calibration(scale=2.0, threshold=0.25), with_metadata=Calibration(scale=1.0, threshold=0.0)
            ),
            "metrics": {"oof": row, "oof_with_metadata": row},
            "facts": facts,
        }
        return save_bundle(folder, **(given | changes))

    return call


@pytest.fixture
def folder(write, tmp_path):
    write(tmp_path / "bundle")
    return tmp_path / "bundle"
