"""`roadwork cache info` and `roadwork cache clear`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from pipeline.outcome import Outcome
from roadwork.cache_root import cache_root, local_root
from roadwork.embed.cache_admin import CacheEntry, TrainingEntry, cache_info, clear_cache, training_info
from roadwork.train import chunk_cache


def info() -> Outcome:
    """What the cache holds: a line for each fingerprint, for each training that isn't published yet, and for copies."""
    root, local = cache_root(), local_root()
    entries, trainings, copies = cache_info(root), training_info(local), chunk_cache.held()
    kept_here = [_training_line(training) for training in trainings]
    if copies.copies:
        size = _size(copies.size_bytes)
        kept_here.append(f"  {'':12}  {copies.copies:>7} chunks  {size:>10}  copies of remote features")
    is_one = local == root
    lines = [f"{root}: {_total(entries, trainings if is_one else [])}", *(_line(entry) for entry in entries)]
    if kept_here and not is_one:
        lines.append(f"{local}, on this machine:")
    lines += kept_here
    result = {
        "root": str(root),
        "fingerprints": [asdict(entry) for entry in entries],
        "trainings": [asdict(training) for training in trainings],
        "chunks": copies._asdict(),
    }
    return Outcome(result, "\n".join(lines))


def question(key: str | None) -> str | None:
    """What to ask before `clear`; None where there is nothing to delete."""
    root, start = cache_root(), key or ""
    entries = [entry for entry in cache_info(root) if entry.key.startswith(start)]
    trainings = [training for training in training_info(local_root()) if training.key.startswith(start)]
    if not entries and not trainings and (start or not chunk_cache.held().copies):
        return None
    return f"Delete {_total(entries, trainings)}? They cost a forward pass each to get back, and epochs of training."


def clear(key: str | None) -> Outcome:
    """Delete everything, or the fingerprint or unfinished training whose key starts with `key`.

    What another process is at work on stays. StoreError where none or several start with `key`, or one that is in use.
    """
    removed = clear_cache(cache_root(), local_root(), key)
    copies = chunk_cache.clear() if key is None else chunk_cache.Held(0, 0)
    found = removed.entries or removed.trainings or removed.busy or copies.copies
    lines = [f"deleted {_total(removed.entries, removed.trainings)}" if found else "the cache is empty"]
    if copies.copies:
        lines.append(f"  and {copies.copies} copies of remote chunks, {_size(copies.size_bytes)}")
    lines += [f"  {busy[:12]}  stays: another process is at work there" for busy in removed.busy]
    result = {
        "deleted": [asdict(entry) for entry in removed.entries],
        "deleted_trainings": [asdict(training) for training in removed.trainings],
        "deleted_chunks": copies._asdict(),
        "busy": removed.busy,
    }
    return Outcome(result, "\n".join(lines))


def _line(entry: CacheEntry) -> str:
    backbone, views = entry.fields.get("backbone"), entry.fields.get("views")
    name = backbone.get("name") if isinstance(backbone, dict) else None
    size_px = views.get("size_px") if isinstance(views, dict) else None
    facts = [str(name or "unknown backbone"), f"{size_px or '?'} px"]
    damaged = f", {entry.damaged_blocks} damaged blocks" if entry.damaged_blocks else ""
    return f"  {entry.key[:12]}  {entry.rows:>7} images  {_size(entry.size_bytes):>10}  {', '.join(facts)}{damaged}"


def _training_line(training: TrainingEntry) -> str:
    size = f"{_size(training.size_bytes):>10}"
    if training.finished:
        return f"  {training.key[:12]}  {'all':>7} epochs  {size}  a finished training that waits for its stage"
    return f"  {training.key[:12]}  {training.epochs:>7} epochs  {size}  an unfinished training"


def _total(entries: Sequence[CacheEntry], trainings: Sequence[TrainingEntry]) -> str:
    size = sum(entry.size_bytes for entry in entries) + sum(training.size_bytes for training in trainings)
    text = f"{sum(entry.rows for entry in entries)} cached images of {len(entries)} fingerprints"
    waiting = sum(training.finished for training in trainings)
    if len(trainings) > waiting:
        text += f", {len(trainings) - waiting} unfinished trainings"
    if waiting:
        text += f", {waiting} finished trainings that wait for their stage"
    return f"{text}, {_size(size)}"


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:.1f} MiB"
