"""What ends an ingest: too many bad rows, a photograph in two splits, a missing class, unknown words under `strict`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from roadwork.data.gather import Gathered
from roadwork.data.left_out import RULE
from roadwork.errors import DataError, SplitError


def require_one_split(gathered: Gathered, path: Path) -> None:
    """SplitError where the source gives one photograph to two splits; `path` is the file of rejects."""
    across = [pair for pair in gathered.duplicates if pair.across_splits]
    if not across:
        return
    first = across[0]
    conflicts = sum(pair.labels_conflict for pair in across)
    conflicting = f"; with another label: {conflicts}" if conflicts else ""
    raise SplitError(
        f"{first.dropped.described} is the same photograph as {first.kept.described} "
        f"(such rows: {len(across)}{conflicting})",
        where=f"the source's split column; {path} lists them all as `duplicate in another split`",
        rule="a photograph belongs to one split: what was trained on can't be tested on",
        fix="take one of the two rows out of the source, or set ingest.allow_duplicates to true: the photograph then "
        "stays in the split that is scored (holdout before test, val, train), and its other row is dropped",
    )


def require_few_rejects(gathered: Gathered, max_fraction: float, path: Path, *, allow_duplicates: bool) -> None:
    """DataError where more than `max_fraction` of the rows are bad.

    Duplicates that are allowed are not bad, nor is what was left out on demand.
    """
    allowed = {pair.reject for pair in gathered.duplicates} if allow_duplicates else set()
    bad = gathered.rejected - gathered.left_out - (len(gathered.duplicates) if allow_duplicates else 0)
    if bad <= max_fraction * gathered.count:
        return
    blamed = (each for each in gathered.rejects if each not in allowed and not each.rule.startswith(f"{RULE}: "))
    kinds = Counter(reject.kind for reject in blamed)
    kind, times = kinds.most_common(1)[0]
    raise DataError(
        f"{bad} of {gathered.count} rows are bad ({bad / gathered.count:.1%}); most often ({times}×) {kind}",
        where=str(path),
        rule=f"at most ingest.max_reject_fraction, {max_fraction:g}, of the rows",
        fix="mend the rows listed there, or raise ingest.max_reject_fraction",
    )


def unknown_words(gathered: Gathered) -> str:
    """The words that no vocabulary has, with their counts: `weather 'Hazy' (1×)`; "" where there are none."""
    return ", ".join(
        f"{field} {word!r} ({times}×)"
        for field, counts in gathered.unknown.items()
        for word, times in sorted(counts.items())
    )


def require_known_words(gathered: Gathered) -> None:
    """DataError where a category is unknown."""
    if unknown := unknown_words(gathered):
        raise DataError(
            f"unknown categories: {unknown}",
            where="params.yaml: ingest.strict",
            rule="under ingest.strict every category is a value, an alias or a null of metadata.vocabularies",
            fix="add them there as aliases, or set ingest.strict to false, which makes them null",
        )


def require_both_classes(gathered: Gathered) -> None:
    """DataError where no image has roadwork, or none is without."""
    labels = Counter(row["label"] for row in gathered.rows)
    if not labels[0] or not labels[1]:
        raise DataError(
            f"{labels[1]} images with roadwork, {labels[0]} without, {labels[None]} unlabelled",
            where="the source's labels",
            rule="a classifier needs images of both classes",
            fix="add images of the missing class, or check the labels",
        )
