"""`roadwork ablate --list`: the variants, what each changes, and how many of its experiments are finished."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.ablation.choice import choice
from pipeline.ablation.determinants import Determinants
from pipeline.ablation.experiments import experiments
from pipeline.ablation.repository import Repository
from pipeline.outcome import Outcome
from roadwork.ablation.variants import FINETUNING, FULL, override


def run(*, seeds: int, only: Sequence[str] = ()) -> Outcome:
    """Look at the project's experiments without running any; the errors are those of `roadwork ablate`."""
    root = Path.cwd()
    repository = Repository.opened(root)
    project = Determinants.of(root)
    chosen = choice(project.params, only)
    finished = repository.experiments()
    asked = experiments(chosen.chosen, range(1, seeds + 1), project, finished=finished, fine_tune=chosen.fine_tune)
    rows = []
    for variant in (*chosen.chosen, *(chosen.skipped if not only else ())):
        own = [one for one in asked if one.variant.name == (FULL if variant.name == FINETUNING else variant.name)]
        rows.append(
            {
                "name": variant.name,
                "title": variant.title,
                "group": variant.group,
                "changes": [override(path, value) for path, value in variant.changes.items()],
                "skipped": variant.pointless or None,
                "experiments": [one.name for one in own],
                "finished": sum(one.name in finished for one in own),
            }
        )
    width = max(len(row["name"]) for row in rows)
    lines = [f"{row['name']:{width}}  {_state(row, seeds)}  {row['title']}{_changes(row)}" for row in rows]
    return Outcome(result={"seeds": list(range(1, seeds + 1)), "variants": rows}, text="\n".join(lines))


def _state(row: dict, seeds: int) -> str:
    return "-" * len(f"{seeds}/{seeds}") if row["skipped"] else f"{row['finished']}/{seeds}"


def _changes(row: dict) -> str:
    if row["skipped"]:
        return f": not run ({row['skipped']})"
    return f": {' '.join(row['changes'])}" if row["changes"] else ""
