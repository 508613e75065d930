"""The rules for the fields of one row; every fault is told, not only the first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, ValidationInfo, field_validator

from roadwork.data.coordinates import LATITUDE_LIMIT_DEG, LONGITUDE_LIMIT_DEG, degrees, parse_coordinates
from roadwork.data.rejects import Reject
from roadwork.data.vocabulary import is_null
from roadwork.errors import DataError
from roadwork.printable import beginning

SPLITS = ("train", "val", "test", "holdout")
LABEL_RULE = "0 (no roadwork) or 1 (roadwork)"
NULL_LABEL_RULE = "a training image needs a label; null is allowed in val, test and holdout"
HALF_RULE = "a latitude and a longitude, or neither"
MOST_CHARACTERS = 100_000
TEXT_RULE = f"a text in Unicode of at most {MOST_CHARACTERS:,} characters"
WORDS_RULE = f"a word or a list of words, each {TEXT_RULE}"
_MOST_SHOWN = 2000
# Words for "nothing here" in fields that no vocabulary governs.
_NULLS = frozenset({"", "null", "none", "nan"})


def _text(value: object) -> str | None:
    if is_null(value, _NULLS):
        return None
    if not isinstance(value, (str, int, float, Decimal, date)):
        raise ValueError(TEXT_RULE)
    text = _number_text(value) if isinstance(value, int) else str(value).strip()
    if len(text) > MOST_CHARACTERS or not _is_unicode(text):
        raise ValueError(TEXT_RULE)
    return text


def _number_text(value: int) -> str:
    try:
        return str(value)
    except ValueError:  # Python writes no integer of more than some thousand digits
        raise ValueError(TEXT_RULE) from None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _category(value: object) -> object:
    for word in value if isinstance(value, (list, tuple)) else (value,):
        try:
            _text(word)
        except ValueError:
            raise ValueError(WORDS_RULE) from None
    return value


def _split(value: object) -> str | None:
    text = _text(value)
    if text is not None and text not in SPLITS:
        raise ValueError(f"one of {', '.join(SPLITS)}")
    return text


def _label(value: object) -> int | None:
    if is_null(value, _NULLS):
        return None
    try:
        number = float(value) if isinstance(value, (str, int, float, Decimal)) else None
    except (ValueError, ArithmeticError):
        number = None
    if number not in (0, 1):
        raise ValueError(LABEL_RULE)
    return int(number)


def _digest(value: object) -> str | None:
    text = _text(value)
    if text is not None and not re.fullmatch("[0-9a-f]{64}", text):
        raise ValueError("the SHA-256 of the photograph's bytes, in hex")
    return text


Text = Annotated[str | None, BeforeValidator(_text)]
Category = Annotated[Any, BeforeValidator(_category)]


class Row(BaseModel):
    """The checked fields of one row. `position` is where it was taken; the categories are still the source's words."""

    model_config = ConfigDict(frozen=True, extra="ignore", validate_default=True)

    split: Annotated[str | None, BeforeValidator(_split)] = None
    label: Annotated[int | None, BeforeValidator(_label)] = None
    gps: tuple[float, float] | None = None
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    weather: Category = None
    daytime: Category = None
    scene: Category = None
    description: Text = None
    group: Text = None
    image_id: Annotated[str | None, BeforeValidator(_digest)] = None
    source: Text = None

    @field_validator("label")
    @classmethod
    def _labelled_for_training(cls, label: int | None, info: ValidationInfo) -> int | None:
        if label is None and info.data.get("split") == "train":
            raise ValueError(NULL_LABEL_RULE)
        return label

    @field_validator("gps", mode="before")
    @classmethod
    def _position(cls, value: object) -> tuple[float, float] | None:
        return _ruled(parse_coordinates, value)

    @field_validator("latitude_deg", mode="before")
    @classmethod
    def _latitude(cls, value: object) -> float | None:
        return _ruled(degrees, value, LATITUDE_LIMIT_DEG)

    @field_validator("longitude_deg", mode="before")
    @classmethod
    def _longitude(cls, value: object, info: ValidationInfo) -> float | None:
        longitude = _ruled(degrees, value, LONGITUDE_LIMIT_DEG)
        # A latitude at fault isn't in info.data: its own reject tells enough.
        if "latitude_deg" in info.data and (longitude is None) != (info.data["latitude_deg"] is None):
            raise ValueError(HALF_RULE)
        return longitude

    @property
    def position(self) -> tuple[float, float] | None:
        """(latitude, longitude) in degrees: of the two columns, otherwise of `gps`."""
        if self.latitude_deg is not None and self.longitude_deg is not None:
            return self.latitude_deg, self.longitude_deg
        return self.gps


def _ruled(parse: Any, *values: object) -> Any:
    """`parse(*values)`, its DataError as the ValueError that pydantic collects."""
    try:
        return parse(*values)
    except DataError as error:
        raise ValueError(error.rule) from None


def check_row(place: str, fields: Mapping[str, object]) -> tuple[Row | None, list[Reject]]:
    """The checked Row of the raw `fields`, or None and a Reject for each fault, named by `place`."""
    try:
        return Row.model_validate(dict(fields)), []
    except ValidationError as error:
        faults = error.errors(include_url=False)
    rejects = []
    for fault in faults:
        column = str(fault["loc"][0])
        value = fields.get(column)
        rejects.append(
            Reject(
                place,
                column,
                "" if value is None else beginning(value, most=_MOST_SHOWN),
                fault["msg"].removeprefix("Value error, "),
            )
        )
    return None, rejects
