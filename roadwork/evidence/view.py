"""What is known of one view of one photograph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ViewEvidence:
    """One view's part in the answer.

    gate       importance in the view fusion, 0 to 1; 0 where pruning dropped the view. Several heads: their mean
    kept       share of the heads whose pruning kept the view; 0 or 1 with one head
    logit      margin of the view's own classifier, which learns only to agree with the other views: to be compared
               between views of one photograph; None where no head kept it. Several heads: the mean over those that did
    deletion   probability of roadwork with all views minus that with this one withheld: above 0 the view speaks for
               roadwork, below 0 against it
    """

    name: str
    gate: float
    kept: float
    logit: float | None
    deletion: float


def most_telling(views: Sequence[ViewEvidence], count: int) -> list[int]:
    """Positions in `views` of the `count` largest changes, whichever their direction, strongest first.

    A view whose withholding changes nothing at all is none of them. Equal changes: the earlier view first.
    """
    telling = [place for place, view in enumerate(views) if view.deletion != 0]
    return sorted(telling, key=lambda place: (-abs(views[place].deletion), place))[:count]
