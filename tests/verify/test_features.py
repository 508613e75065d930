"""Vectors, provenance, cache: what their checks find, and that they find nothing in what is right."""

import numpy as np
import pytest

from roadwork.embed.backbone_config import BackboneConfig
from roadwork.embed.cache_block import write_block
from roadwork.embed.fingerprint import Fingerprint
from roadwork.embed.local_blocks import LocalBlocks
from roadwork.embed.text_config import TextConfig
from roadwork.verify.cache_blocks import check_blocks
from roadwork.verify.fault import Faults
from roadwork.verify.provenance import check_attributes, check_image_provenance, check_text_provenance
from roadwork.verify.vectors import check_image_vectors, check_text_vectors
from roadwork.views.decode import DECODER_VERSION
from roadwork.views.geometry import ViewsConfig

IDS = [f"{number:064x}" for number in range(6)]
VIEWS = ViewsConfig(grid=1, overlap=0.25, size_px=32, decoder="cpu")
BACKBONE = BackboneConfig(
    name="a", weights="random", weights_sha256=None, kwargs={"depth": 2}, pool="auto", precision="auto"
)


def found(check, *arguments, **options):
    faults = Faults()
    check(*arguments, faults, **options)
    return [fault.what + " " + fault.fix for fault in faults.found]


@pytest.fixture
def embeddings():
    return np.random.default_rng(0).normal(size=(6, 4, 32)).astype(np.float16)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda e: e[2, 1].fill(0), "zero"),
        (lambda e: e[2, 3].fill(0.5), "one number repeated"),
        (lambda e: np.multiply(e[2, 0], 50, out=e[2, 0]), "factor 10"),
        (lambda e: np.divide(e[2, 0], 50, out=e[2, 0]), "factor 10"),
    ],
)
def test_image_vectors(embeddings, change, match):
    assert found(check_image_vectors, embeddings, IDS, where="s") == []
    change(embeddings)
    (fault,) = found(check_image_vectors, embeddings, IDS, where="s")
    assert match in fault
    assert IDS[2] in fault
    assert "embed_images" in fault


def test_no_images_have_no_vectors():
    assert check_image_vectors(np.zeros((0, 4, 32), np.float16), [], Faults(), where="s") == (0.0, 0.0)


@pytest.mark.parametrize(("row", "value", "match"), [(0, 2.0, "length 1"), (0, 0.0, "length 1"), (1, 0.01, "not zero")])
def test_text_vectors(row, value, match):
    present = np.array([True, False] * 3)
    embeddings = np.zeros((6, 4), np.float16)
    embeddings[present, 0] = 1
    sentences = ["a", " ", "b", None, "c", np.nan]
    assert found(check_text_vectors, embeddings, present, sentences, IDS, where="s") == []
    embeddings[row, 0] = value
    (fault,) = found(check_text_vectors, embeddings, present, sentences, IDS, where="s")
    assert match in fault


def test_text_rows_that_are_marked_against_the_manifest():
    present = np.array([True, False] * 3)
    embeddings = np.zeros((6, 4), np.float16)
    embeddings[present, 0] = 1
    (fault,) = found(check_text_vectors, embeddings, present, ["a", "b", "c", "", "e", ""], IDS, where="s")
    assert "against the manifest" in fault
    assert found(check_text_vectors, embeddings, present, None, IDS, where="s") == []


@pytest.fixture
def attributes():
    facts = {
        "backbone": {"name": "a", "kwargs": {"depth": 2}, "pool": "cls", "precision": "fp32"},
        "views": VIEWS.model_dump(mode="json"),
        "decoder": DECODER_VERSION,
    }
    return {"fingerprint": Fingerprint(facts).key, "provenance": facts | {"weights": "random"}, "manifest_digest": "m"}


NAMES = ("backbone", "views", "decoder")


def test_attributes(attributes):
    assert found(check_attributes, attributes, NAMES, "m", where="s", stage="x") == []
    assert found(check_attributes, attributes, NAMES, None, where="s", stage="x") == []
    (fault,) = found(check_attributes, attributes, NAMES, "n", where="s", stage="x")
    assert "made from the manifest m" in fault
    attributes["provenance"]["views"] = {}
    (fault,) = found(check_attributes, attributes, NAMES, "m", where="s", stage="x")
    assert "the fingerprint is" in fault


@pytest.mark.parametrize(
    ("backbone", "views", "name"),
    [
        ({"name": "b"}, {}, "backbone.name"),
        ({"kwargs": {}}, {}, "backbone.kwargs"),
        ({"weights": "pretrained"}, {}, "backbone.weights"),
        ({"pool": "mean"}, {}, "backbone.pool"),
        ({"precision": "bf16"}, {}, "backbone.precision"),
        ({}, {"size_px": 64}, "views.size_px"),
        ({}, {"overlap": 0.5}, "views.overlap"),
    ],
)
def test_image_provenance_against_the_parameters(attributes, backbone, views, name):
    made = attributes["provenance"]
    assert found(check_image_provenance, made, BACKBONE, VIEWS, where="s") == []
    asked = BACKBONE.model_copy(update=backbone), VIEWS.model_copy(update=views)
    (fault,) = found(check_image_provenance, made, *asked, where="s")
    assert f"`{name}`" in fault


def test_another_decoder(attributes):
    made = attributes["provenance"] | {"decoder": -1}
    (fault,) = found(check_image_provenance, made, BACKBONE, VIEWS, where="s")
    assert "decoded" in fault


def test_text_provenance():
    text = TextConfig(model="a", weights_sha256=None, batch_size=1)
    assert found(check_text_provenance, {"model": "a"}, text, where="s") == []
    (fault,) = found(check_text_provenance, {"model": "b"}, text, where="s")
    assert "`text.model` is 'a'" in fault


def test_the_cache(embeddings, tmp_path):
    (tmp_path / "c").mkdir()
    first = write_block(tmp_path / "c", IDS[:3], embeddings[:3])
    write_block(tmp_path / "c", ["f" * 64], embeddings[:1])

    def faults():
        return found(check_blocks, LocalBlocks(tmp_path / "c"), embeddings, IDS, where="s")

    assert faults() == [], "rows that the cache lacks, and rows of other projects, are no faults"
    assert check_blocks(LocalBlocks(tmp_path / "c"), embeddings, IDS, Faults(), where="s") == "2 blocks, 3 of 6 rows"
    assert found(check_blocks, LocalBlocks(tmp_path / "cleared"), embeddings, IDS, where="s") == []
    embeddings[1, 0, 0] += 1
    (fault,) = faults()
    assert IDS[1] in fault
    content = bytearray(first.read_bytes())
    content[-1] ^= 1
    first.write_bytes(content)
    (fault,) = faults()
    assert "damaged" in fault
