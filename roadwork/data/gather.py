"""Read a source once: its good rows in their order, and a reject for every fault of the others."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, nullcontext
from dataclasses import dataclass, field

from roadwork.data.duplicates import Accepted, Duplicate, choose, faulty_duplicate
from roadwork.data.examine import Examined, examine
from roadwork.data.images import Images
from roadwork.data.left_out import LeftOut
from roadwork.data.probing import Probing
from roadwork.data.record import Source
from roadwork.data.rejects import Reject
from roadwork.data.vocabulary import VocabulariesConfig, is_null, normal, words
from roadwork.progress import progress
from roadwork.storage.place import is_remote


@dataclass
class Gathered:
    """What reading a source gave.

    `rows` are manifest rows, `split` still None where the source gives none. `duplicates` are the good rows that were
    dropped for another one with the same bytes; each has its reject too. `count` is the number of records read,
    `rejected` how many of them have rejects, `unknown` the words per field that no vocabulary has, with their counts,
    `from_exif` how many positions came from EXIF. `left_out` of the rejected were left out on demand, by the image ids
    and paths `left_out_names`.
    """

    rows: list[dict[str, object]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    duplicates: list[Duplicate] = field(default_factory=list)
    count: int = 0
    rejected: int = 0
    unknown: dict[str, Counter[str]] = field(default_factory=dict)
    from_exif: int = 0
    left_out: int = 0
    left_out_names: set[str] = field(default_factory=set)


def gather(
    source: Source,
    name: str,
    vocabularies: VocabulariesConfig,
    *,
    probing: Probing,
    images: Images,
    left_out: LeftOut,
) -> Gathered:
    """Examine every record of `source` (called `name`).

    `probing` probes; a photograph without a file goes to `images`, one of `left_out` to the rejects. The result doesn't
    depend on who probes, and by how many processes. Of photographs with the same bytes one row stays, as `choose` has
    it. Nothing of a photograph's bytes is kept in memory.
    """
    gathered = Gathered(unknown={field: Counter() for field in vocabularies.vocabularies()})
    accepted: dict[str, Accepted] = {}
    shown = nullcontext() if source.own_progress else progress("reading photographs", source.count)
    with closing(_examined(source, probing, left_out)) as examined, shown as advance:
        for found in examined:
            gathered.count += 1
            if advance is not None:
                advance()
            gathered.rejected += not _accept(found, accepted, gathered, images)
            if found.left_out:
                gathered.left_out += 1
                gathered.left_out_names.add(found.left_out)
    gathered.rows = [_manifest_row(good, name, vocabularies, gathered) for good in accepted.values()]
    return gathered


def _accept(found: Examined, accepted: dict[str, Accepted], gathered: Gathered, images: Images) -> bool:
    """Put a good record into `accepted` (by image id, in the source's order); False where a row got a reject."""
    first = accepted.get(found.probe.image_id) if found.probe else None
    if found.rejects or found.row is None or found.probe is None:
        gathered.rejects += found.rejects
        gathered.rejects += [faulty_duplicate(found.record, found.row, first)] if first else []
        return False
    if first is not None and found.record.file is None:
        path = first.path  # the same bytes lie there already
    else:
        path = images.path_of(found.record, found.probe, found.path)
    good = Accepted(found.record.place, found.record.name, found.row, found.probe, path)
    if first is None:
        accepted[found.probe.image_id] = good
        return True
    pair = choose(first, good)
    if pair.kept is good:  # and stands where the source has it
        del accepted[found.probe.image_id]
        accepted[found.probe.image_id] = good
    gathered.duplicates.append(pair.remembered)
    gathered.rejects.append(pair.reject)
    return False


def _examined(source: Source, probing: Probing, left_out: LeftOut) -> Generator[Examined, None, None]:
    """The records in their order; only a few per thread are in memory, because some carry their photograph."""
    threads: ThreadPoolExecutor | None = None
    window: deque[Future[Examined]] = deque()
    try:
        # Closed before the threads are waited for, which frees those that wait.
        with probing.open(remote=is_remote(source.root)) as (probe, at_once):
            threads = ThreadPoolExecutor(at_once, thread_name_prefix="ingest")
            for record in source.records:
                window.append(threads.submit(examine, record, source.root, probe, left_out))
                if len(window) >= 2 * at_once:
                    yield window.popleft().result()
            while window:
                yield window.popleft().result()
            threads.shutdown(wait=True)
    finally:
        if threads is not None:
            threads.shutdown(wait=True, cancel_futures=True)


def _manifest_row(
    good: Accepted, source: str, vocabularies: VocabulariesConfig, gathered: Gathered
) -> dict[str, object]:
    row, probe = good.row, good.probe
    nulls = frozenset(normal(word) for word in vocabularies.nulls)
    position = row.position or probe.gps_deg
    gathered.from_exif += row.position is None and position is not None
    values: dict[str, object] = {
        "image_id": probe.image_id, "path": good.path, "width_px": probe.width_px, "height_px": probe.height_px,
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
