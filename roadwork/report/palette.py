"""Colours that readers with any colour vision tell apart (Okabe and Ito 2008, "Color Universal Design")."""

from __future__ import annotations

BLUE = "#0072b2"
VERMILION = "#d55e00"
GREEN = "#009e73"
ORANGE = "#e69f00"
PURPLE = "#cc79a7"
INK = "#1f2328"
GREY = "#8c959f"
LINE = "#d0d7de"
