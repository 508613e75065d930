"""Descriptions to rows: nulls, duplicates, and vectors that don't depend on their neighbours."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from roadwork.config import load_section
from roadwork.embed.text import SentenceEncoder, TextRows, embed_text, text_fingerprint
from roadwork.embed.text_config import TextConfig
from roadwork.embed.text_model import load_text_model
from roadwork.errors import BackboneError, StoreError

COMMITTED = Path(__file__).resolve().parents[2] / "params.yaml"
SENTENCES = [
    "Orange cones narrow the right lane.",
    "A clear road without any work.",
    "Workers in high-visibility vests dig a trench beside the bus stop while a flagger stops the traffic.",
    "Orange cones narrow the left lane.",
    "Night.",
]


def ids(count: int) -> list[str]:
    return [hashlib.sha256(str(number).encode()).hexdigest() for number in range(count)]


class Fake:
    """Encodes a sentence as its length in every place; remembers its calls."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def encode(self, sentences: list[str]) -> np.ndarray:
        self.calls.append(sentences)
        vectors = np.repeat(np.array([[len(text)] for text in sentences], np.float32), 384, axis=1)
        vectors[:, -1] = 0
        return vectors


def rows(descriptions: list[object], fake: Fake, batch_size: int = 2) -> TextRows:
    return embed_text(descriptions, ids(len(descriptions)), encode=fake.encode, length=len, batch_size=batch_size)


def test_null_and_blank_descriptions_are_zero_and_absent() -> None:
    result = rows(["abc", None, float("nan"), "", " \t\n", "abcd"], Fake())
    assert result.present.tolist() == [True, False, False, False, False, True]
    assert result.embeddings.dtype == np.float16
    assert result.embeddings.shape == (6, 384)
    assert result.embeddings[:, 7].tolist() == [3, 0, 0, 0, 0, 4]


def test_identical_sentences_are_encoded_once() -> None:
    fake = Fake()
    result = rows(["one", "two", "one", " one ", "three"], fake)
    assert sorted(text for call in fake.calls for text in call) == ["one", "three", "two"]
    assert result.sentences == 3
    assert np.array_equal(result.embeddings[0], result.embeddings[3])


def test_only_equal_lengths_share_a_call() -> None:
    fake = Fake()
    rows(["aaa", "b", "ccc", "ddd", "e", "ff"], fake, batch_size=2)
    assert fake.calls == [["b", "e"], ["ff"], ["aaa", "ccc"], ["ddd"]]


def test_no_description_at_all_needs_no_model() -> None:
    fake = Fake()
    result = rows([None, None], fake)
    assert fake.calls == []
    assert not result.present.any()
    assert not result.embeddings.any()


def test_a_vector_beyond_float16_names_the_image() -> None:
    with pytest.raises(StoreError, match=ids(2)[1]):
        embed_text(
            [None, "x"], ids(2), encode=lambda s: np.full((len(s), 384), np.inf, np.float32), length=len, batch_size=1
        )


def test_a_sentence_without_a_vector_names_its_image() -> None:
    with pytest.raises(StoreError, match=ids(2)[1]):
        embed_text([None, "x"], ids(2), encode=lambda s: np.zeros((len(s), 384), np.float32), length=len, batch_size=1)


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    config = load_section(COMMITTED, "text", TextConfig)
    return SentenceEncoder(load_text_model(config.model, torch.device("cpu"), sha256=config.weights_sha256))


def encoded(encoder: SentenceEncoder, descriptions: list[str], batch_size: int) -> np.ndarray:
    return embed_text(
        descriptions,
        ids(len(descriptions)),
        encode=encoder.encode,
        length=encoder.length,
        batch_size=batch_size,
    ).embeddings


def test_real_vectors_have_length_one_and_mean_something(encoder: SentenceEncoder) -> None:
    vectors = encoded(encoder, SENTENCES, 8).astype(np.float64)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    likeness = vectors @ vectors.T
    assert likeness[0, 3] > 0.8
    assert likeness[0, 3] > likeness[0, 1] > likeness[0, 4]


def test_real_vectors_are_those_of_the_library(encoder: SentenceEncoder) -> None:
    alone = np.stack([encoder.model.encode([text], normalize_embeddings=True)[0] for text in SENTENCES])
    assert np.array_equal(encoded(encoder, SENTENCES, 8), np.asarray(alone).astype(np.float16))


def test_real_vectors_do_not_depend_on_company_order_or_batch(encoder: SentenceEncoder) -> None:
    more = [f"Orange cones narrow the {word} lane." for word in ("next", "first", "last", "only")] + SENTENCES
    whole = encoded(encoder, more, 64)
    for batch_size in (1, 2, 3):
        assert encoded(encoder, more, batch_size).tobytes() == whole.tobytes()
    assert encoded(encoder, more[::-1], 3)[::-1].tobytes() == whole.tobytes()
    assert encoded(encoder, SENTENCES, 64).tobytes() == whole[4:].tobytes()


def test_length_counts_tokens_up_to_the_model_s_limit(encoder: SentenceEncoder) -> None:
    assert encoder.length("Night.") == 4  # [CLS] night . [SEP]
    assert encoder.length("word " * 5000) == encoder.model.max_seq_length


def test_another_width_is_a_backbone_error(encoder: SentenceEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder.model, "get_embedding_dimension", lambda: 768)
    with pytest.raises(BackboneError, match="768 numbers") as caught:
        SentenceEncoder(encoder.model)
    assert "384" in caught.value.rule


def test_the_fingerprint_follows_the_weights(encoder: SentenceEncoder) -> None:
    before = text_fingerprint(encoder)
    assert before.key == text_fingerprint(encoder).key
    weight = next(encoder.model.parameters())
    held = weight[0, 0].item()
    try:
        weight[0, 0] += 1
        assert text_fingerprint(encoder).key != before.key
    finally:
        weight[0, 0] = held
    assert text_fingerprint(encoder) == before
