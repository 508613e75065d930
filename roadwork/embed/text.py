"""Descriptions to sentence vectors (all-MiniLM-L6-v2: 384 numbers, mean of the tokens, length 1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

from roadwork.embed.fingerprint import Fingerprint
from roadwork.embed.half import refuse_flat, to_float16
from roadwork.embed.text_config import TEXT_DIM
from roadwork.embed.text_model import weights_sha256
from roadwork.errors import BackboneError
from roadwork.progress import progress


@dataclass(frozen=True)
class TextRows:
    """One row per image."""

    embeddings: NDArray[np.float16]  # image 384; zeros where not present
    present: NDArray[np.bool_]  # image
    sentences: int  # distinct ones, each encoded once


def embed_text(
    descriptions: Sequence[object],
    image_ids: Sequence[str],
    *,
    encode: Callable[[list[str]], NDArray[np.float32]],
    length: Callable[[str], int],
    batch_size: int,
) -> TextRows:
    """Rows for `descriptions`, of which null (None, NaN) and blank ones give zeros and `present` false.

    `encode` turns sentences into unit vectors `[sentence 384]`; `length` counts a sentence's tokens. Only sentences of
    equal length share a forward pass, so nothing is padded and no vector depends on its neighbours, and an identical
    sentence is encoded once. Raises StoreError for values that float16 can't hold, and for a sentence whose vector has
    only equal numbers.
    """
    texts = [text.strip() if isinstance(text, str) else "" for text in descriptions]
    lengths = {text: length(text) for text in sorted({text for text in texts if text})}
    vectors: dict[str, NDArray[np.float32]] = {}
    with progress("encoding text", len(lengths), "sentences") as advance:
        for group in _equal(lengths, batch_size):
            vectors.update(zip(group, encode(group), strict=True))
            advance(len(group))
    rows = np.zeros((len(texts), TEXT_DIM), np.float32)
    present = np.array([bool(text) for text in texts], dtype=np.bool_)
    for row in np.flatnonzero(present):
        rows[row] = vectors[texts[row]]
    half = to_float16(rows, image_ids)
    refuse_flat(half[present], [image_id for image_id, there in zip(image_ids, present, strict=True) if there])
    return TextRows(half, present, len(lengths))


@dataclass(frozen=True)
class SentenceEncoder:
    """A sentence-transformers model as `embed_text` uses it."""

    model: SentenceTransformer

    def __post_init__(self) -> None:
        dim = self.model.get_embedding_dimension()
        if dim != TEXT_DIM:
            raise BackboneError(
                f"the text model gives {dim} numbers per sentence",
                where="params.yaml: text.model",
                rule=f"{TEXT_DIM}, the width that the head's metadata encoder takes",
                fix="use all-MiniLM-L6-v2, or another model of that width",
            )

    def length(self, sentence: str) -> int:
        """Tokens of `sentence` as the model sees it, cut at the model's longest."""
        return len(self.model.tokenizer(sentence, truncation=True, max_length=self.model.max_seq_length)["input_ids"])

    def encode(self, sentences: list[str]) -> NDArray[np.float32]:
        """Unit vectors `[sentence 384]` from one forward pass."""
        vectors = self.model.encode(
            sentences,
            batch_size=len(sentences),
            show_progress_bar=False,
            normalize_embeddings=True,
            convert_to_numpy=True,
        )
        return np.asarray(vectors, np.float32)


def text_fingerprint(encoder: SentenceEncoder) -> Fingerprint:
    """What a sentence's vector depends on, beside the sentence."""
    facts = {
        "weights_sha256": weights_sha256(encoder.model),
        "dim": TEXT_DIM,
        "most_tokens": encoder.model.max_seq_length,
        "normalised": True,
        "precision": "fp32",
    }
    return Fingerprint({"text": facts})


def _equal(lengths: Mapping[str, int], most: int) -> Iterator[list[str]]:
    """The sentences in groups of equal length and at most `most`, in a fixed order."""
    by_length = sorted(lengths, key=lambda text: (lengths[text], text))
    for _, equal in groupby(by_length, key=lengths.__getitem__):
        group = list(equal)
        for start in range(0, len(group), most):
            yield group[start : start + most]
