"""`python -m benchmarks.planning`: what so many photographs cost, from measured rates, written into docs/scale.md.

What was measured is read from `results/`, what is assumed from `planning_assumptions.json`; the page names both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.results import FOLDER, read_results, rows_of
from roadwork.config import read_params
from roadwork.embed.zarr_folder import ID_BYTES, piece_images
from roadwork.publish import published_file

PAGE = Path(__file__).resolve().parents[1] / "docs" / "scale.md"
ASSUMPTIONS = Path(__file__).with_name("planning_assumptions.json")
MEASURED = FOLDER / "cpu-amd-epyc-2-cores.json"
PARAMS = Path(__file__).resolve().parents[1] / "params.yaml"
SIZES = (10**4, 10**6, 10**8)
BEGIN, END = "<!-- planning: written by `python -m benchmarks.planning` -->", "<!-- end of planning -->"
_VIEWS, _DIM, _FLOAT16 = 12, 1280, 2


@dataclass(frozen=True)
class Rates:
    """What was measured, on one core."""

    cut_s: float  # CPU seconds: a photograph of 12 Mpx to 12 views of 512 px
    decode_s: float  # CPU seconds: the same photograph decoded, which is what ingest does
    machine: str


@dataclass(frozen=True)
class Plan:
    """What so many photographs cost; what they themselves take is in no price."""

    photographs: int
    photographs_gb: float
    gpu_hours: float
    decode_core_hours: float
    ingest_core_hours: float
    cores_per_gpu: float  # that decode as fast as one GPU computes
    cache_gb: float
    store_gb: float
    writes: int
    reads: int
    compute_dollars: float
    request_dollars: float
    month_dollars: float  # keeping cache and store


def read_rates(path: Path = MEASURED) -> Rates:
    """The rates of the results at `path`."""
    document = read_results(path)
    if document is None:
        raise FileNotFoundError(path)
    (row,) = [row for row in rows_of(document, "views") if row.name == "views.file_to_views_512"]
    machine = f"{document['machine']['cpu']}, {row.detail['photograph']}"
    return Rates(row.detail["ours_ms"] / 1000, row.detail["decode_ms"] / 1000, machine)


def read_assumptions(path: Path = ASSUMPTIONS) -> dict[str, dict[str, Any]]:
    """Value, unit and reason by name."""
    return json.loads(path.read_text(encoding="utf-8"))


def plan(photographs: int, rates: Rates, assumed: Mapping[str, float], *, block_images: int) -> Plan:
    """What `photographs` photographs cost, all of them once.

    A row of the cache and of the store is 12 × 1280 float16 numbers and an id of 32 bytes. Writes: a cache block per
    `block_images` rows, a file of the store per chunk or shard. Training, the transfer of the photographs out of their
    region and keeping the photographs aren't in it.
    """
    row_gb = (_VIEWS * _DIM * _FLOAT16 + ID_BYTES) / 1e9
    blocks = -(-photographs // block_images)
    pieces = -(-photographs // piece_images(photographs))
    model_s = assumed["model_tflop"] / assumed["gpu_tflops"]
    gpu_hours = photographs * model_s / 3600
    decode, ingest = photographs * rates.cut_s / 3600, photographs * rates.decode_s / 3600
    writes = blocks + pieces
    reads = round(photographs * assumed["reads_per_photograph"] + blocks * assumed["reads_per_block"])
    gigabytes = photographs * row_gb
    requests = (writes * assumed["thousand_writes_dollars"] + reads * assumed["thousand_reads_dollars"]) / 1000
    return Plan(
        photographs=photographs,
        photographs_gb=photographs * assumed["photograph_megabytes"] / 1000,
        gpu_hours=gpu_hours,
        decode_core_hours=decode,
        ingest_core_hours=ingest,
        cores_per_gpu=rates.cut_s / model_s,
        cache_gb=gigabytes,
        store_gb=gigabytes,
        writes=writes,
        reads=reads,
        compute_dollars=gpu_hours * assumed["gpu_hour_dollars"] + (decode + ingest) * assumed["core_hour_dollars"],
        request_dollars=requests,
        month_dollars=2 * gigabytes * assumed["gigabyte_month_dollars"],
    )


def planning_table(rates: Rates, assumptions: Mapping[str, Mapping[str, Any]], *, block_images: int) -> str:
    """The table and what stands behind it, as Markdown."""
    assumed = {name: float(entry["value"]) for name, entry in assumptions.items()}
    plans = [plan(size, rates, assumed, block_images=block_images) for size in SIZES]
    lines = [
        ("the photographs themselves, GB", [_number(one.photographs_gb) for one in plans]),
        ("GPU-hours", [_number(one.gpu_hours) for one in plans]),
        ("days on 8 GPUs", [_number(one.gpu_hours / 8 / 24) for one in plans]),
        ("core-hours of decoding and cutting", [_number(one.decode_core_hours) for one in plans]),
        ("core-hours of `ingest` (decoding alone)", [_number(one.ingest_core_hours) for one in plans]),
        ("cores that keep one GPU busy", [_number(one.cores_per_gpu) for one in plans]),
        ("cache, GB", [_number(one.cache_gb) for one in plans]),
        ("feature store, GB", [_number(one.store_gb) for one in plans]),
        ("writes to the object store", [_number(one.writes) for one in plans]),
        ("reads from it", [_number(one.reads) for one in plans]),
        ("computing, once, $", [_number(one.compute_dollars) for one in plans]),
        ("requests, once, $", [_number(one.request_dollars) for one in plans]),
        ("keeping cache and store, $ a month", [_number(one.month_dollars) for one in plans]),
    ]
    table = ["| photographs | " + " | ".join(f"{size:,}" for size in SIZES) + " |", "|---|" + "---:|" * len(SIZES)]
    table += [f"| {name} | " + " | ".join(cells) + " |" for name, cells in lines]
    behind = [
        f"Measured ({rates.machine}): {1000 * rates.cut_s:.0f} ms of one core from file to 12 views of 512 px, "
        f"{1000 * rates.decode_s:.0f} ms to decode it. Counted: {_VIEWS * _DIM * _FLOAT16 + ID_BYTES:,} bytes a row, "
        f"{block_images} rows a cache block. Assumed, in `benchmarks/planning_assumptions.json`:",
        "",
        *(f"- {entry['value']:g} {entry['unit']}: {entry['why']}" for entry in assumptions.values()),
    ]
    return "\n".join([*table, "", *behind])


def with_planning(page: str, table: str) -> str:
    """`page` with what stands between its marks replaced; ValueError where it hasn't both, in order."""
    begin, end = page.find(BEGIN), page.find(END)
    if begin < 0 or end < begin:
        raise ValueError(f"the page needs the lines {BEGIN!r} and {END!r}, in this order")
    return f"{page[:begin]}{BEGIN}\n\n{table}\n\n{page[end:]}"


def planned_page(page: str) -> str:
    """`page` with the table of the rates and assumptions that are in the repository."""
    block_images = read_params(PARAMS)["embed"]["block_images"]
    return with_planning(page, planning_table(read_rates(), read_assumptions(), block_images=block_images))


def _number(value: float) -> str:
    """Two significant digits or whole numbers: nothing here is known better."""
    if value == 0:
        return "0"
    return f"{value:.2g}" if value < 10 else f"{float(f'{value:.2g}'):,.0f}"


def main() -> None:
    """Write the table into the page, and print it."""
    page = planned_page(PAGE.read_text(encoding="utf-8"))
    with published_file(PAGE) as aside:
        aside.write_text(page, encoding="utf-8")
    print(page[page.find(BEGIN) + len(BEGIN) : page.find(END)].strip())


if __name__ == "__main__":
    main()
