"""Stage `embed_text`: descriptions to sentence vectors.

On the CPU always: a sentence takes milliseconds there, and the features don't depend on the machine's GPU.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from pipeline.paths import MANIFEST, PARAMS, TEXT_STORE
from roadwork.config import load_section
from roadwork.data.manifest import read_manifest
from roadwork.embed.provenance import TEXT_LIBRARIES, store_attributes
from roadwork.embed.store import write_text_store
from roadwork.embed.text import SentenceEncoder, embed_text, text_fingerprint
from roadwork.embed.text_config import TextConfig
from roadwork.embed.text_folder import text_folder, text_revision
from roadwork.embed.text_model import open_text_model


def run(params: Path = PARAMS) -> dict[str, Any]:
    """Write `features/text.zarr`; returns the counts of rows, of rows with a sentence, and of distinct sentences."""
    config = load_section(params, "text", TextConfig)
    manifest = read_manifest(MANIFEST)
    folder = text_folder(config.model)
    encoder = SentenceEncoder(
        open_text_model(folder, torch.device("cpu"), sha256=config.weights_sha256, called=config.model)
    )
    image_ids = manifest.frame["image_id"].tolist()
    rows = embed_text(
        manifest.frame["description"].tolist(),
        image_ids,
        encode=encoder.encode,
        length=encoder.length,
        batch_size=config.batch_size,
    )
    fingerprint = text_fingerprint(encoder)
    attributes = store_attributes(
        fingerprint,
        manifest_digest=manifest.digest,
        libraries=TEXT_LIBRARIES,
        source={"model": config.model, "revision": text_revision(folder)},
    )
    write_text_store(TEXT_STORE, image_ids, rows.embeddings, rows.present, attributes=attributes)
    return {
        "rows": len(image_ids),
        "present": int(rows.present.sum()),
        "sentences": rows.sentences,
        "fingerprint": fingerprint.key,
    }
