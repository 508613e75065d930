"""From a change of probability to a colour and a strength, on one scale per photograph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from roadwork.evidence.view import ViewEvidence

Rgb = tuple[int, int, int]

# Okabe and Ito's colours, which people with any colour vision tell apart (jfly.uni-koeln.de/color, 2008).
TOWARD: Rgb = (213, 94, 0)  # vermilion: speaks for roadwork
AGAINST: Rgb = (0, 114, 178)  # blue: speaks against it
NEUTRAL: Rgb = (108, 117, 125)
PAPER: Rgb = (255, 255, 255)
INK: Rgb = (29, 39, 51)
FAINT: Rgb = (92, 104, 117)
MIST: Rgb = (238, 241, 244)

_SMALLEST = 0.02
_NEUTRAL_BELOW = 0.06


@dataclass(frozen=True)
class Scale:
    """A diverging scale: `largest` is the change of probability that has full strength."""

    largest: float

    @classmethod
    def of(cls, views: Sequence[ViewEvidence]) -> Scale:
        """The scale of one photograph: its largest change, whichever the direction, but at least 0.02.

        A photograph without any view that matters thus stays pale.
        """
        return cls(max([_SMALLEST, *(abs(view.deletion) for view in views)]))

    def strength(self, deletion: float) -> float:
        """0 (changes nothing) to 1 (the largest change)."""
        return min(1.0, abs(deletion) / self.largest)

    def colour(self, deletion: float) -> Rgb:
        """Vermilion toward roadwork, blue against it, grey where the change is next to nothing."""
        if self.strength(deletion) < _NEUTRAL_BELOW:
            return NEUTRAL
        return TOWARD if deletion > 0 else AGAINST


def mixed(colour: Rgb, share: float) -> Rgb:
    """`colour` laid over paper, `share` (0 to 1) of it."""
    red, green, blue = (round(paper + share * (full - paper)) for paper, full in zip(PAPER, colour, strict=True))
    return red, green, blue
