"""Read a bundle and check everything about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from roadwork.bundle.description import BundleDescription, member_folder
from roadwork.bundle.read import FIX, read_bundle
from roadwork.errors import BundleError
from roadwork.model.head import Head
from roadwork.train.checkpoint import load_head


@dataclass(frozen=True)
class Bundle:
    """A checked bundle; `heads` in the order of `description.members`, on the CPU, in evaluation mode."""

    description: BundleDescription
    heads: tuple[Head, ...]


def load_bundle(folder: Path) -> Bundle:
    """The bundle in `folder`, which nobody vouches for: nothing of it is believed, and nothing of it is run.

    Raises BundleError when it is missing, of another format, edited (digest of `bundle.json` or of any file), has
    files missing or too many, doesn't fit its schema, or holds weights that aren't finite or don't fit the spec.
    """
    description = read_bundle(folder)
    return Bundle(description, tuple(_head(folder, member.fold, description) for member in description.members))


def _head(folder: Path, fold: int, description: BundleDescription) -> Head:
    inside = folder / member_folder(fold)
    head, spec, _ = load_head(inside)
    if spec != description.spec:
        raise BundleError("a member has another shape than the bundle says", where=str(inside), fix=FIX)
    return head
