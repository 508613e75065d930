"""What ingest tells about a source that is usable and yet not what it seems."""

from __future__ import annotations

from typing import Any

from roadwork.data.gather import Gathered
from roadwork.data.ingest_checks import unknown_words
from roadwork.data.left_out import LeftOut
from roadwork.data.null_tables import telling_fields
from roadwork.data.record import Source
from roadwork.progress import note


def tell_what_is_left_out(source: Source, gathered: Gathered) -> None:
    """Columns that nothing reads, files that no row names, words that became null."""
    if source.ignored_columns:
        note(f"ingest: columns that nothing reads: {', '.join(source.ignored_columns)}")
    if source.unlisted:
        note(f"ingest: {source.unlisted} image files are not in the table")
    if unknown := unknown_words(gathered):
        note(f"ingest: unknown words became null: {unknown}")


def tell_of_demands(gathered: Gathered, left_out: LeftOut) -> None:
    """How many rows were left out on demand, and what of the demands met none."""
    if gathered.left_out:
        note(f"ingest: {gathered.left_out} rows left out on demand")
    if unused := left_out.unused(gathered.left_out_names):
        note(f"ingest: {len(unused)} photographs to leave out are not in the source, such as {unused[0]}")


def tell_of_duplicates(gathered: Gathered) -> None:
    """Photographs that were taken out of a split, and bytes that have two labels."""
    if across := sum(pair.across_splits for pair in gathered.duplicates):
        note(
            f"ingest: {across} rows dropped whose photograph another split has too; it stays in the split that is "
            "scored (ingest.allow_duplicates)"
        )
    conflicts = [pair for pair in gathered.duplicates if pair.labels_conflict]
    if conflicts:
        kept, dropped = conflicts[0].kept.described, conflicts[0].dropped.described
        note(
            f"warning: the same photograph with two labels, {len(conflicts)}×: {dropped} was dropped for {kept}; "
            "one of the labels is wrong"
        )


def tell_of_leaks(tables: dict[str, dict[str, Any]]) -> None:
    """Fields that are known almost only for one class: `tables` are those of `null_tables`."""
    for field in telling_fields(tables):
        known, null = tables[field]["known"], tables[field]["null"]
        shares = [f"{known[label]} of {known[label] + null[label]}" for label in ("roadwork", "none")]
        note(
            f"warning: {field} is known for {shares[0]} images with roadwork and {shares[1]} without, so that its "
            f"being there tells the label (MCC {tables[field]['mcc']:.2f}); take {field} out of metadata.fields, or "
            "read scores with metadata as scores of that"
        )
