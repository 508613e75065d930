"""The page `docs/ablation.md`, written from `metrics/ablation.json` alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from roadwork.ablation.variants import FINETUNING
from roadwork.templates import markdown, plain

HELPS, OPEN, HARMS = "helps", "not shown to matter", "harms"

_INSTEAD = {HELPS: "worse than the full head", OPEN: "no difference shown", HARMS: "better than the full head"}


def page(ablation: Mapping[str, Any]) -> str:
    """The page as Markdown: what was measured, the table sorted by effect, what it shows and what it can't."""
    environment = markdown("roadwork.ablation")
    environment.filters |= {"score": _score, "signed": _signed, "interval": _interval, "share": _share, "ratio": _ratio}
    full, *others = sorted_rows(ablation)
    key = interval_key(ablation)
    tuned = ablation["finetuning"]
    verdicts = {row["name"]: verdict(row["difference"], key) for row in others}
    minus = [(row["title"].removeprefix("without "), row["name"]) for row in others if row["group"] == "minus"]
    if tuned:
        verdicts[FINETUNING] = verdict(tuned["difference"], key)
        minus.append(("fine-tuning", FINETUNING))
    return environment.get_template("page.md.j2").render(
        ablation=ablation,
        data=ablation["data"],
        rows=[full, *others],
        tuned=tuned,
        key=key,
        percent=f"{100 * ablation['confidence']:g} %",
        verdicts=verdicts,
        helps=_listed(title for title, name in minus if verdicts[name] == HELPS),
        open=_listed(title for title, name in minus if verdicts[name] == OPEN),
        harms=_listed(title for title, name in minus if verdicts[name] == HARMS),
        instead=[(row["title"], _INSTEAD[verdicts[row["name"]]]) for row in others if row["group"] == "instead"],
        compared=len(verdicts),
        one_in=round(1 / (1 - ablation["confidence"])),
        untrained=ablation["data"]["weights"] == "random",
        drawn=ablation["data"]["source"] == "sample",
    )


def verdict(difference: Mapping[str, Any] | None, key: str) -> str:
    """What "variant minus full head" says of the block that the variant lacks.

    `HELPS` where the whole interval lies below 0 and so does the difference of every seed, `HARMS` where all of that
    lies above, else `OPEN`. The interval alone knows nothing of the seeds' spread.
    """
    interval = None if difference is None else difference[key]
    if difference is None or interval is None:
        return OPEN
    values = [*interval, *difference["mcc_by_seed"]]
    return HELPS if max(values) < 0 else HARMS if min(values) > 0 else OPEN


def interval_key(ablation: Mapping[str, Any]) -> str:
    """The key of a difference's interval: `mcc_ci95` at a confidence of 0.95."""
    return f"mcc_ci{100 * ablation['confidence']:g}"


def sorted_rows(ablation: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The rows, the full head first and then from the largest loss to the largest gain."""
    full, *others = ablation["rows"]
    return [full, *sorted(others, key=_effect)]


def _effect(row: Mapping[str, Any]) -> tuple[bool, float]:
    """Sorts the largest loss first, rows without a difference last."""
    difference = row["difference"]
    return difference is None, 0.0 if difference is None else difference["mcc"]


def _listed(titles: Iterable[str]) -> str:
    return ", ".join(map(plain, titles)) or "nothing"


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _signed(value: float | None) -> str:
    """With a sign, a true minus, and no sign at 0."""
    if value is None:
        return "–"
    text = f"{value:+.3f}".replace("-", "−")
    return text.lstrip("+−") if not float(f"{value:.3f}") else text


def _interval(pair: Sequence[float] | None) -> str:
    return "–" if pair is None else f"[{_signed(pair[0])}, {_signed(pair[1])}]"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
