"""The category values that the model knows, and how a source's own words map onto them. Pure: no files, no tables."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import Field, model_validator

from roadwork.config import Section

CATEGORIES = ("weather", "daytime", "scene")


class VocabularyConfig(Section):
    """One field's categories in the model's order, and other words for them."""

    values: tuple[str, ...] = Field(
        min_length=1,
        max_length=1000,
        description="category names in the order of the model's indices; one more, the last, is NULL",
    )
    aliases: dict[str, str] = Field(description="a source's word: the value it stands for; looked up before the values")

    @model_validator(mode="after")
    def _consistent(self) -> VocabularyConfig:
        for word in (*self.values, *self.aliases):
            if word != normal(word):
                raise ValueError(f"words are compared in lower case and without outer spaces: write {normal(word)!r}")
        if len(set(self.values)) < len(self.values):
            raise ValueError("each value may stand once: its place is its index")
        for word, value in self.aliases.items():
            if value not in self.values:
                raise ValueError(f"alias {word!r} stands for {value!r}, which is none of the values")
        return self


class VocabulariesConfig(Section):
    """The vocabularies of the three categorical metadata fields, and the words that mean "not known"."""

    weather: VocabularyConfig = Field(description="weather categories")
    daytime: VocabularyConfig = Field(description="time-of-day categories")
    scene: VocabularyConfig = Field(description="categories of the surroundings")
    nulls: tuple[str, ...] = Field(description="words that mean that nothing is known, in every field")

    def vocabularies(self) -> dict[str, Vocabulary]:
        """A Vocabulary per categorical field, in the order of CATEGORIES."""
        configs: dict[str, VocabularyConfig] = {name: getattr(self, name) for name in CATEGORIES}
        nulls = frozenset(normal(word) for word in self.nulls)
        return {name: Vocabulary(config.values, config.aliases, nulls) for name, config in configs.items()}


@dataclass(frozen=True)
class Vocabulary:
    """Ordered `values`, `aliases` onto them, and the `nulls`, all in normal form."""

    values: tuple[str, ...]
    aliases: Mapping[str, str]
    nulls: frozenset[str]

    def index(self, value: str | None) -> int:
        """The model's index of a value: its place in `values`, and `len(values)` for None (NULL).

        Raises ValueError for a word that isn't one of the values: map it with `canonical` first.
        """
        if value is None:
            return len(self.values)
        if value not in self.values:
            raise ValueError(f"{value!r} is none of {', '.join(self.values)}")
        return self.values.index(value)

    def canonical(self, raw: object) -> tuple[str | None, bool]:
        """The value that a source's `raw` word stands for, and whether the word is known.

        `raw` may be a word, a list of words or a list written as text (`"['Sunny']"`); of a list the first known value
        counts. Aliases go before values, so `light: day` holds although `light` is a value too. Null words give
        (None, True), unknown ones (None, False).
        """
        known = True
        for word in words(raw):
            key = normal(word)
            value = self.aliases.get(key, key)
            if value in self.values:
                return value, True
            known = known and key in self.nulls
        return None, known


def normal(word: str) -> str:
    """The form in which words are compared: lower case, single spaces, none outside."""
    return " ".join(word.casefold().split())


def is_null(value: object, nulls: frozenset[str]) -> bool:
    """Whether `value` is None, NaN, or one of the null words."""
    return value is None or is_nan(value) or (isinstance(value, str) and normal(value) in nulls)


def is_nan(value: object) -> bool:
    """Whether `value` is a NaN of any kind of number."""
    try:
        return value != value
    except ArithmeticError:  # a Decimal that signals
        return True


def words(raw: object) -> list[str]:
    """The words in a raw value: none for None or NaN, one for a word, each item of a list or of a list as text."""
    if raw is None or is_nan(raw):
        return []
    if isinstance(raw, (list, tuple)):
        return [word for item in raw for word in words(item)]
    if isinstance(raw, str) and raw.strip().startswith("[") and raw.strip().endswith("]"):
        try:
            return words(list(ast.literal_eval(raw.strip())))
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return [raw]
    return [str(raw)]
