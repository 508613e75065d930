"""The ablation as a table for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadwork.ablation.page import interval_key, sorted_rows, verdict


def table(ablation: Mapping[str, Any]) -> str:
    """A line per variant, the largest loss first: MCC, its spread over seeds, difference, interval, and the verdict."""
    key = interval_key(ablation)
    lines = [(row["title"], row["mcc"], row["mcc_sd"], row["difference"]) for row in sorted_rows(ablation)]
    if tuned := ablation["finetuning"]:
        after, before = tuned["oof"], tuned["oof_unadapted"]
        lines.append(("fine-tuned, out of fold", after["mcc"], after["mcc_sd"], None))
        lines.append(("without fine-tuning, same images", before["mcc"], before["mcc_sd"], tuned["difference"]))
    width = max(len(title) for title, *_ in lines)
    text = [_line(title.ljust(width), mcc, deviation, difference, key) for title, mcc, deviation, difference in lines]
    return "\n".join(text + [f"missing: {one['name']} with seed {one['seed']}" for one in ablation["missing"]])


def _line(title: str, mcc: float, deviation: float | None, difference: Mapping[str, Any] | None, key: str) -> str:
    line = f"{title}  {mcc:6.3f} ± {'  –  ' if deviation is None else f'{deviation:.3f}'}"
    if difference is None:
        return line
    interval = "" if difference[key] is None else "  [{:+.3f}, {:+.3f}]".format(*difference[key])
    return f"{line}  {difference['mcc']:+.3f}{interval}  {verdict(difference, key)}"
