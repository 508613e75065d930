"""Read a source once: its good rows in their order, and a reject for every fault of the others."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field

from roadwork.data.examine import Examined, examine
from roadwork.data.images import Images
from roadwork.data.probe import Probe
from roadwork.data.record import Source
from roadwork.data.rejects import Reject
from roadwork.data.row import Row
from roadwork.data.vocabulary import VocabulariesConfig, is_null, normal, words
from roadwork.progress import progress


@dataclass
class Gathered:
    """What reading a source gave.

    `rows` are manifest rows, `split` still None where the source gives none. `count` is the number of records read,
    `rejected` how many of them have rejects, `unknown` the words per field that no vocabulary has, with their counts,
    `from_exif` how many positions came from EXIF.
    """

    rows: list[dict[str, object]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    count: int = 0
    rejected: int = 0
    unknown: dict[str, Counter[str]] = field(default_factory=dict)
    from_exif: int = 0


def gather(
    source: Source, name: str, vocabularies: VocabulariesConfig, *, max_pixels: int, images: Images, workers: int
) -> Gathered:
    """Examine every record of `source` (called `name`) in `workers` threads; photographs without a file go to `images`.

    The result doesn't depend on the number of threads. Of photographs with the same bytes the first good one counts.
    """
    gathered = Gathered(unknown={field: Counter() for field in vocabularies.vocabularies()})
    seen: dict[str, Examined] = {}
    with nullcontext() if source.own_progress else progress("reading photographs", source.count) as advance:
        for found in _examined(source, max_pixels, workers):
            gathered.count += 1
            if advance is not None:
                advance()
            rejects = [*found.rejects, *_duplicate(found, seen)]
            if rejects or found.row is None or found.probe is None:
                gathered.rejected += 1
                gathered.rejects += rejects
                continue
            seen[found.probe.image_id] = found
            path = images.path_of(found.record, found.probe, found.path)
            gathered.rows.append(_manifest_row(found.row, found.probe, path, name, vocabularies, gathered))
    return gathered


def _examined(source: Source, max_pixels: int, workers: int) -> Iterator[Examined]:
    """The records in their order; only a few per thread are in memory, because some carry their photograph."""
    with ThreadPoolExecutor(workers, thread_name_prefix="ingest") as pool:
        window: deque[Future[Examined]] = deque()
        for record in source.records:
            window.append(pool.submit(examine, record, source.root, max_pixels))
            if len(window) >= 2 * workers:
                yield window.popleft().result()
        while window:
            yield window.popleft().result()


def _duplicate(found: Examined, seen: dict[str, Examined]) -> list[Reject]:
    first = seen.get(found.probe.image_id) if found.probe else None
    if first is None:
        return []
    differs = found.row is not None and first.row is not None and found.row.label != first.row.label
    detail = first.record.place + (f", which has label {first.row.label}" if differs and first.row else "")
    return [Reject(found.record.place, "path", found.record.name, f"duplicate of: {detail}")]


def _manifest_row(
    row: Row, probe: Probe, path: str, source: str, vocabularies: VocabulariesConfig, gathered: Gathered
) -> dict[str, object]:
    nulls = frozenset(normal(word) for word in vocabularies.nulls)
    position = row.position or probe.gps_deg
    gathered.from_exif += row.position is None and position is not None
    values: dict[str, object] = {
        "image_id": probe.image_id, "path": path, "width_px": probe.width_px, "height_px": probe.height_px,
        "split": row.split, "label": row.label,
        "latitude_deg": position[0] if position else None, "longitude_deg": position[1] if position else None,
        "description": None if is_null(row.description, nulls) else row.description,
        "group": row.group, "source": row.source or source,
    }  # fmt: skip
    for name, vocabulary in vocabularies.vocabularies().items():
        raw = getattr(row, name)
        values[name], known = vocabulary.canonical(raw)
        if not known:
            gathered.unknown[name].update(word for word in words(raw) if not vocabulary.canonical(word)[1])
    return values
