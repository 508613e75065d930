"""`roadwork cache info` and `roadwork cache clear`."""

from __future__ import annotations

from dataclasses import asdict

from pipeline.outcome import Outcome
from roadwork.cache_root import cache_root
from roadwork.embed.cache_admin import CacheEntry, cache_info, clear_cache


def info() -> Outcome:
    """What the cache holds, a line for every fingerprint."""
    root, entries = cache_root(), cache_info(cache_root())
    lines = [f"{root}: {_total(entries)}", *(_line(entry) for entry in entries)]
    return Outcome({"root": str(root), "fingerprints": [asdict(entry) for entry in entries]}, "\n".join(lines))


def question(fingerprint: str | None) -> str | None:
    """What to ask before `clear`; None where there is nothing to delete."""
    entries = [entry for entry in cache_info(cache_root()) if entry.key.startswith(fingerprint or "")]
    return f"Delete {_total(entries)}? They cost a forward pass each to get back." if entries else None


def clear(fingerprint: str | None) -> Outcome:
    """Delete every fingerprint, or the one whose key starts with `fingerprint`; StoreError where none or several do."""
    removed = clear_cache(cache_root(), fingerprint)
    text = f"deleted {_total(removed)}" if removed else "the cache is empty"
    return Outcome({"deleted": [asdict(entry) for entry in removed]}, text)


def _line(entry: CacheEntry) -> str:
    backbone, views = entry.fields.get("backbone", {}), entry.fields.get("views", {})
    facts = [str(backbone.get("name", "unknown backbone")), f"{views.get('size_px', '?')} px"]
    damaged = f", {entry.damaged_blocks} damaged blocks" if entry.damaged_blocks else ""
    return f"  {entry.key[:12]}  {entry.rows:>7} images  {_size(entry.size_bytes):>10}  {', '.join(facts)}{damaged}"


def _total(entries: list[CacheEntry]) -> str:
    rows, size = sum(entry.rows for entry in entries), sum(entry.size_bytes for entry in entries)
    return f"{rows} cached images of {len(entries)} fingerprints, {_size(size)}"


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:.1f} MiB"
