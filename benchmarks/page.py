"""The part of README.md that is written from the results, between two marks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.results import read_results, rows_of
from benchmarks.suite import CPU, GPU, RAY
from benchmarks.table import markdown_table

BEGIN, END = "<!-- results: written by `python -m benchmarks` -->", "<!-- end of results -->"


def with_results(page: str, folder: Path) -> str:
    """`page` with everything between its marks replaced by the results in `folder`.

    Raises ValueError where the page hasn't both marks, in order.
    """
    begin, end = page.find(BEGIN), page.find(END)
    if begin < 0 or end < begin:
        raise ValueError(f"the page needs the lines {BEGIN!r} and {END!r}, in this order")
    documents = [found for path in sorted(folder.glob("*.json")) if (found := read_results(path)) is not None]
    body = "\n\n".join(_machine(document) for document in documents) or "Nothing was measured yet."
    return f"{page[:begin]}{BEGIN}\n\n{body}\n\n{page[end:]}"


def _machine(document: Mapping[str, Any]) -> str:
    facts = document["machine"]
    gpu = f", {facts['gpu']['name']}" if facts["gpu"] else ", no GPU"
    libraries = ", ".join(f"{name} {facts['libraries'][name]}" for name in ("torch", "timm", "zarr", "dvc"))
    parts = [
        f"### {facts['cpu']}, {facts['cpu_cores']} cores, {facts['memory_gib']:g} GiB{gpu}",
        f"Python {facts['python']}, {libraries}; {', '.join(facts['cpu_flags'])}",
    ]
    for name in dict.fromkeys((*CPU, *GPU, *RAY)):
        if name in document["benchmarks"]:
            taken = document["benchmarks"][name]["taken"]
            parts.append(f"#### `{name}`\n\n{markdown_table(rows_of(document, name))}\n\n{_when(taken)}")
    return "\n\n".join(parts)


def _when(taken: Mapping[str, Any]) -> str:
    load = "" if taken["load"] is None else f", load before it {taken['load']:g}"
    return f"<sub>{taken['date']}, commit {taken['commit']}, took {taken['seconds']:.0f} s{load}</sub>"
