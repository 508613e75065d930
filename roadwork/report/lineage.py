"""Whether the files of a run belong together: results of different models must never share a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from roadwork.errors import StoreError

_RULE = "a report is of one run: its scores, predictions and evidence come from the same weights"
_FIX = "run `roadwork evaluate` again, and whatever it asks for before; or `dvc repro report`"


def check_made_from(
    scorecard: Mapping[str, Any], digests: Mapping[str, str], paths: Iterable[str], *, where: str
) -> None:
    """Raise StoreError unless each of `paths` is the file that the scorecard was made from.

    `scorecard["made_from"]` and `digests` are sha256 by path; `where` is the scorecard's file.
    """
    made_from = scorecard.get("made_from")
    for path in paths:
        noted = made_from.get(path) if isinstance(made_from, dict) else None
        if noted is None:
            raise StoreError(f"{where} doesn't say which {path} it was made from", where=where, rule=_RULE, fix=_FIX)
        if noted != digests[path]:
            raise StoreError(
                f"{path} is not the one that {where} was made from",
                where=f"{path} has sha256 {digests[path][:12]}, the scorecard was made from {noted[:12]}",
                rule=_RULE,
                fix=_FIX,
            )


def check_head(scorecard: Mapping[str, Any], pretrain: Mapping[str, Any], *, where: str, trained: str) -> None:
    """Raise StoreError unless `pretrain`, the metrics in the file `trained`, are of the head that was scored."""
    scored, told = scorecard.get("head_sha256"), pretrain.get("head_sha256")
    if not isinstance(scored, str):
        raise StoreError(f"{where} doesn't say which head it scored", where=where, rule=_RULE, fix=_FIX)
    if not isinstance(told, str):
        raise StoreError(
            f"{trained} doesn't say which head was trained",
            where=trained,
            rule=_RULE,
            fix="run `roadwork pretrain` again, then every stage after it; or `dvc repro report`",
        )
    if scored != told:
        raise StoreError(
            f"{trained} is of another head than {where}",
            where=f"{trained}: head_sha256 {told[:12]}, {where}: {scored[:12]}",
            rule=_RULE,
            fix=_FIX,
        )
