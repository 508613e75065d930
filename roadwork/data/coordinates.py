"""Positions as people and data sets write them, in WGS 84 degrees."""

from __future__ import annotations

import re
from decimal import Decimal

from geopy.point import Point

from roadwork.data.vocabulary import is_nan
from roadwork.errors import DataError
from roadwork.printable import beginning

LATITUDE_LIMIT_DEG = 90.0
LONGITUDE_LIMIT_DEG = 180.0
RULE = "latitude from -90 to 90 degrees, longitude from -180 to 180"
_MOST_CHARACTERS = 200  # what reads notations may take long over a text made for that
_NULLS = frozenset({"", "null", "none", "nan", "na", "n/a"})


def parse_coordinates(value: object) -> tuple[float, float] | None:
    """(latitude, longitude) in degrees of a text or a pair; None where it says that nothing is known.

    Texts are `[41.5, -81.7]`, `41.5, -81.7`, `41.5 -81.7` and what geopy reads, such as `41°30'0"N 81°42'0"W`. A pair
    is a list or tuple of two numbers.

    Raises DataError for anything else, a position with only one half, and one outside the range of RULE.
    """
    if value is None or is_nan(value):
        return None
    if isinstance(value, str):
        text = value.strip()
        if text.casefold() in _NULLS:
            return None
        if len(text) > _MOST_CHARACTERS:
            raise _unreadable(text)
        pair = _plain(text)
        return _checked(pair[0], pair[1], value) if pair is not None else _notation(text)
    if isinstance(value, (list, tuple)) and len(value) in (0, 2):
        return _checked(value[0], value[1], value) if value else None
    raise _unreadable(value)


def degrees(value: object, limit_deg: float) -> float | None:
    """One number of degrees, None for null; DataError when it is no number or beyond ±`limit_deg`."""
    if value is None or is_nan(value):
        return None
    if isinstance(value, str) and value.strip().casefold() in _NULLS:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        raise DataError(f"{_shown(value)} is no number of degrees", rule=_range(limit_deg))
    try:
        number = float(value)
    except (ValueError, ArithmeticError):
        raise DataError(f"{_shown(value)} is no number of degrees", rule=_range(limit_deg)) from None
    if not abs(number) <= limit_deg:
        raise DataError(f"{_shown(value)} is out of range", rule=_range(limit_deg))
    return number


def _range(limit_deg: float) -> str:
    return f"a number of degrees from {-limit_deg:g} to {limit_deg:g}"


def _plain(text: str) -> tuple[object, object] | None:
    """The two items of `[a, b]`, `(a, b)`, `a, b`, `a; b` or `a b`; None when the text isn't of that form."""
    inner = text[1:-1] if (text[0], text[-1]) in (("[", "]"), ("(", ")")) else text
    items = [item for item in re.split(r"[,;\s]+", inner.strip()) if item]
    if not items and inner != text:
        return None, None
    if len(items) != 2:
        return None
    try:
        first, second = (None if item.casefold() in _NULLS else float(item) for item in items)
    except ValueError:
        return None
    return first, second


def _notation(text: str) -> tuple[float, float] | None:
    try:
        point = Point.from_string(text)
    except ValueError:
        raise _unreadable(text) from None
    # geopy wraps a longitude of 181° to -179° without a word; no minute or second goes beyond 60.
    if any(float(number) > LONGITUDE_LIMIT_DEG for number in re.findall(r"\d+(?:\.\d+)?", text)):
        raise DataError(f"{_shown(text)} is out of range", rule=RULE)
    return _checked(point.latitude, point.longitude, text)


def _checked(latitude: object, longitude: object, value: object) -> tuple[float, float] | None:
    latitude_deg, longitude_deg = degrees(latitude, LATITUDE_LIMIT_DEG), degrees(longitude, LONGITUDE_LIMIT_DEG)
    if latitude_deg is None and longitude_deg is None:
        return None
    if latitude_deg is None or longitude_deg is None:
        raise DataError(f"{_shown(value)} is half a position", rule="a latitude and a longitude, or neither")
    return latitude_deg, longitude_deg


def _unreadable(value: object) -> DataError:
    return DataError(
        f"{_shown(value)} is no position", rule="a position such as [41.5, -81.7] or 41°30'0\"N 81°42'0\"W"
    )


def _shown(value: object) -> str:
    return beginning(value, most=100, write=repr)
