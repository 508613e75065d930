"""Which variants are worth training with the parameters at hand, and which of them were asked for."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from roadwork.ablation.variants import FINETUNING, FULL, Variant, variants
from roadwork.errors import ParameterError


@dataclass(frozen=True)
class Choice:
    """`every` variant that isn't pointless here, `chosen` those to train, `skipped` the pointless ones."""

    every: list[Variant]
    chosen: list[Variant]
    skipped: list[Variant]

    @property
    def fine_tune(self) -> bool:
        """Whether fine-tuning was asked for."""
        return any(variant.name == FINETUNING for variant in self.chosen)


def choice(params: Mapping[str, Any], only: Sequence[str]) -> Choice:
    """Of the parameters `params`: all variants, or those of the names `only`; the full head is always among them.

    Raises ParameterError for a name that no variant has, or that of a pointless one.
    """
    all_of_them = variants(params)
    names = [variant.name for variant in all_of_them]
    for name in only:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
            fix = f"did you mean `{near[0]}`?" if near else f"valid names: {', '.join(names)}"
            raise ParameterError(f"there is no variant `{name}`", where="--only", fix=fix)
    every = [variant for variant in all_of_them if not variant.pointless]
    skipped = [variant for variant in all_of_them if variant.pointless]
    for variant in skipped:
        if variant.name in only:
            raise ParameterError(
                f"the variant `{variant.name}` would tell nothing", where="--only", rule=variant.pointless
            )
    chosen = [variant for variant in every if not only or variant.name in (FULL, *only)]
    return Choice(every, chosen, skipped)
