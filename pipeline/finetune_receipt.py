"""Which fine-tuning the heads in `models/finetuned` are of.

A stage that trains the other folds too leaves out those that lie there already. The heads themselves don't tell all
that they were made from; so each gets a receipt, outside of what DVC keeps.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from pipeline.paths import FINETUNE_RECEIPTS, FINETUNED
from roadwork.publish import write_json
from roadwork.sealed_json import parse_sealed, read_bytes, seal

_DESCRIPTION = "head.json"  # it holds the digest of the weights


def write_receipt(fold: int, digest: str) -> None:
    """Note that the published head of `fold` is the result of the run `digest`."""
    write_json(_receipt(fold), seal({"run": digest, "head": _head(fold)}))


def is_published(fold: int, digest: str) -> bool:
    """Whether the head of `fold` that lies in the project is known to be the result of the run `digest`."""
    try:
        found = parse_sealed(read_bytes(_receipt(fold)))
        return (found["run"], found["head"]) == (digest, _head(fold))
    except (OSError, ValueError, KeyError):
        return False


def _receipt(fold: int) -> Path:
    return FINETUNE_RECEIPTS / f"{fold}.json"


def _head(fold: int) -> str:
    return hashlib.sha256((FINETUNED / str(fold) / _DESCRIPTION).read_bytes()).hexdigest()
