"""What a trained model was made from, and the refusal of one that was made from something else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, Self

from roadwork.errors import BundleError


class Features(Protocol):
    """What a feature table tells of itself; here no more of it is needed, so no torch either."""

    @property
    def fingerprint(self) -> str:
        """Of backbone, geometry and decoder."""
        ...

    @property
    def digest(self) -> str:
        """Of all that the table was loaded from."""
        ...


class TrainedOn(NamedTuple):
    """The features and the data behind a model, as digests; empty where a model doesn't tell."""

    feature_fingerprint: str  # backbone, geometry and decoder
    data_digest: str  # of the whole feature table: features, metadata, labels and division

    @classmethod
    def from_details(cls, details: Mapping[str, Any]) -> Self:
        """What a head's `head.json` tells of itself."""
        return cls(str(details.get("feature_fingerprint", "")), str(details.get("data_digest", "")))

    @classmethod
    def from_table(cls, table: Features) -> Self:
        """What a head that is trained on `table` will tell of itself."""
        return cls(table.fingerprint, table.digest)


def check_trained_on(found: TrainedOn, expected: TrainedOn, *, model: str, where: str, fix: str) -> None:
    """Raise BundleError, about `model` at `where`, unless it was trained on exactly the `expected` features and data.

    Its scores would otherwise be of images it may have seen, or of features that mean something else.
    """
    for value, wanted, name in zip(found, expected, ("feature fingerprint", "data digest"), strict=True):
        if value != wanted:
            raise BundleError(
                f"{model} was trained on other features or data: its {name} is {value[:12] or 'not recorded'}, "
                f"expected is {wanted[:12]}",
                where=where,
                rule="a model and the features and data it is used with belong together",
                fix=fix,
            )
