"""From any source to one validated manifest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from roadwork.data.blocks import blocks
from roadwork.data.gather import gather
from roadwork.data.images import Images
from roadwork.data.ingest_checks import (
    require_both_classes,
    require_few_rejects,
    require_known_words,
    require_one_split,
)
from roadwork.data.ingest_config import IngestConfig
from roadwork.data.ingest_metrics import ingest_metrics
from roadwork.data.ingest_notes import tell_of_demands, tell_of_duplicates, tell_of_leaks, tell_what_is_left_out
from roadwork.data.left_out import LeftOut
from roadwork.data.manifest import Manifest, manifest_frame
from roadwork.data.probing import Probing
from roadwork.data.rejects import Reject, write_rejects
from roadwork.data.sources.opening import open_sample, open_source
from roadwork.data.split import assign_splits
from roadwork.data.vocabulary import VocabulariesConfig
from roadwork.seeding import derive


@dataclass(frozen=True)
class IngestResult:
    """The manifest, every reject, and what `metrics/ingest.json` holds."""

    manifest: Manifest
    rejects: list[Reject]
    metrics: dict[str, Any]


def ingest(
    config: IngestConfig,
    vocabularies: VocabulariesConfig,
    *,
    seed: int,
    data_root: Path,
    images_dir: Path,
    draft: Path,
    rejects_path: Path,
    probing: Probing,
    left_out: LeftOut,
) -> IngestResult:
    """Read, check and divide the source that `config` names.

    A source without files of its own has its photographs written into the empty folder `draft`, which the caller
    publishes as `images_dir` (below `data_root`) once this returns. Rejects are published at `rejects_path` also when
    the run then fails, so that they can be looked at. Rows keep the source's order; the result doesn't depend on
    `probing`, whose limits are `config.limits`. What is `left_out` has its reject, and doesn't count as bad.

    Raises DataError where the source as a whole can't be used, more than `max_reject_fraction` of its rows are bad, a
    class is missing, or, under `strict`, a category is unknown; SplitError where it can't be divided, or where it gives
    one photograph to two splits and `allow_duplicates` is false.
    """
    if config.source == "sample":
        sample = config.sample
        source = open_sample(draft, seed=seed, images=sample.images, max_width_px=sample.max_width_px)
    else:
        source = open_source(config.source, config.path)
    gathered = gather(
        source,
        config.source,
        vocabularies,
        probing=probing,
        images=Images(draft, images_dir, data_root),
        left_out=left_out,
    )
    write_rejects(gathered.rejects, rejects_path)
    if not config.allow_duplicates:
        require_one_split(gathered, rejects_path)
    allow_duplicates = config.allow_duplicates
    require_few_rejects(gathered, config.max_reject_fraction, rejects_path, allow_duplicates=allow_duplicates)
    if config.strict:
        require_known_words(gathered)
    tell_what_is_left_out(source, gathered)
    tell_of_demands(gathered, left_out)
    tell_of_duplicates(gathered)
    require_both_classes(gathered)

    frame = manifest_frame(gathered.rows)
    given = frame["split"].fillna("").to_numpy(dtype=str)
    frame["split"] = assign_splits(
        frame["label"].fillna(-1).to_numpy(dtype=np.int64),
        blocks(frame, config.group_radius_m),
        given,
        test_fraction=config.test_fraction,
        val_fraction=config.val_fraction,
        holdout_fraction=config.holdout_fraction,
        seed=derive(seed, "ingest", "split"),
    )
    frame["split"] = frame["split"].astype("str")
    in_images_dir = config.source in ("sample", "natix")
    manifest = Manifest(frame, data_root if in_images_dir else source.root)
    metrics = ingest_metrics(manifest, gathered, source, splits_given=int((given != "").sum()))
    tell_of_leaks(metrics["nulls_by_label"])
    return IngestResult(manifest, gathered.rejects, metrics)
