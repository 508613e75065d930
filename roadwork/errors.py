"""Every error that a user's mistake can raise.

RoadworkError
├── ParameterError        params.yaml: unknown, mistyped or out-of-range value
├── DataError             a source, table or manifest as a whole can't be used
│   ├── PhotographError   one photograph can't be read (becomes a reject)
│   └── SplitError        too few images, groups or classes to divide
├── SamplingError         the training distribution misses the reference regions
├── BackboneError         unknown model, bad input size, weights that can't be had or don't fit
├── StoreError            a feature store or cache block is missing, stale or damaged
├── TrainingError         the numbers went wrong, or a resumable state doesn't fit
├── BundleError           a trained model is missing, damaged, or of another backbone
└── CapabilityError       this machine lacks what was asked for (GPU, operator, package)

An error tells four things: what happened, where (file, row, column or parameter), the rule it broke, and the fix.
A bug is none of these: it keeps its traceback.
"""

from __future__ import annotations

from roadwork.masking import masked
from roadwork.printable import printable


class RoadworkError(Exception):
    """What went wrong, where, by which rule, and what to do about it.

    `str(error)` is the one message that the command line prints: the first line says what, each further line one of
    the other three, in the order where, rule, fix. Empty parts are left out.
    """

    def __init__(self, what: str, *, where: str = "", rule: str = "", fix: str = "") -> None:
        what, where, rule, fix = (masked(text) for text in (what, where, rule, fix))
        self.what, self.where, self.rule, self.fix = what, where, rule, fix
        parts = [printable(what, keep="\n")]
        more = (("where", printable(where)), ("rule", printable(rule, keep="\n")), ("fix", printable(fix, keep="\n")))
        parts += [f"  {name}: {text}" for name, text in more if text]
        super().__init__("\n".join(parts))


class ParameterError(RoadworkError):
    """A value of `params.yaml` that no section accepts."""


class DataError(RoadworkError):
    """A source, table or manifest that can't be used as a whole."""


class PhotographError(DataError):
    """One photograph that can't be read; ingest turns it into a row of `data/rejects.csv`."""


class SplitError(DataError):
    """Too few images, groups or classes for the division that was asked for."""


class SamplingError(RoadworkError):
    """The weighted training distribution misses the reference regions."""


class BackboneError(RoadworkError):
    """A backbone that timm doesn't know, an input size it can't take, or weights that can't be had or don't fit."""


class StoreError(RoadworkError):
    """A feature store or cache block that is missing, stale or damaged."""


class TrainingError(RoadworkError):
    """Numbers that went wrong in training, or a resumable state that doesn't fit."""


class BundleError(RoadworkError):
    """A trained model that is missing, damaged, or made for another backbone or view geometry."""


class CapabilityError(RoadworkError):
    """Something was asked for that this machine can't do."""
