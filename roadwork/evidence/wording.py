"""Evidence in words and figures, as pictures say it."""

from __future__ import annotations

from collections.abc import Sequence

from roadwork.evidence.view import ViewEvidence

_MINUS = "−"


def signed(value: float, decimals: int) -> str:
    """`+0.20`, `−0.20`, `0.00`: a figure that rounds to nothing has no sign."""
    text = f"{abs(value):.{decimals}f}"
    if not text.strip("0."):
        return text
    return f"{'+' if value > 0 else _MINUS}{text}"


def change(deletion: float) -> str:
    """A change of probability; a small one with three decimals."""
    return signed(deletion, 2 if abs(deletion) >= 0.0995 else 3)


def gate(view: ViewEvidence) -> str:
    """`gate 0.62`."""
    return f"gate {view.gate:.2f}"


def logit(view: ViewEvidence) -> str:
    """`logit +0.31`, or `no logit` where no head kept the view."""
    return "no logit" if view.logit is None else f"logit {signed(view.logit, 2)}"


def kept(view: ViewEvidence) -> list[str]:
    """`kept by 67%` where some heads kept the view and others didn't; nothing otherwise."""
    return [] if view.kept in (0, 1) else [f"kept by {view.kept:.0%}"]


def without(probability: float, view: ViewEvidence) -> str:
    """What withholding the view does: `0.736 → 0.519 without it`."""
    return f"{probability:.3f} → {_left(probability, view):.3f} without it"


def reach(probability: float, views: Sequence[ViewEvidence]) -> str:
    """How far any one view could move the answer: `0.519 to 0.742 with one view withheld`."""
    left = [_left(probability, view) for view in views]
    return f"{min(left):.3f} to {max(left):.3f} with one view withheld"


def _left(probability: float, view: ViewEvidence) -> float:
    """The probability without the view; clipped, for a deletion in float32 may miss 0 or 1 by a rounding."""
    return min(1.0, max(0.0, probability - view.deletion))
