import math
from pathlib import Path

import pytest
from pydantic import ValidationError

from roadwork.config import parse_section, read_params
from roadwork.data.vocabulary import VocabulariesConfig, VocabularyConfig, is_null, words

PARAMS = Path(__file__).parents[2] / "params.yaml"


@pytest.fixture(scope="module")
def vocabularies():
    values = read_params(PARAMS)["metadata"]["vocabularies"]
    return parse_section(values, "metadata.vocabularies", VocabulariesConfig, where=PARAMS).vocabularies()


@pytest.mark.parametrize(
    ("field", "raw", "value"),
    [
        ("weather", "Sunny", "sunny"),
        ("weather", "Partly Cloudy", "cloudy"),
        ("weather", " partly  cloudy ", "cloudy"),
        ("weather", "Rain", "rainy"),
        ("weather", "Snow", "snowy"),
        ("weather", "['Sunny']", "sunny"),
        ("weather", '["Rain", "Sunny"]', "rainy"),
        ("weather", ["Unknown", "Fog"], "foggy"),
        ("weather", "['Hail', 'Overcast']", "overcast"),
        ("daytime", "Light", "day"),
        ("daytime", "Dark", "night"),
        ("daytime", "Twilight", "dusk"),
        ("daytime", "Dawn", "dawn"),
        ("scene", "Suburban", "residential"),
        ("scene", "Urban", "urban"),
    ],
)
def test_a_source_s_words_map_onto_the_values(vocabularies, field, raw, value):
    assert vocabularies[field].canonical(raw) == (value, True)


@pytest.mark.parametrize("raw", [None, math.nan, "", "  ", "null", "Unknown", "Other", "None", "[]", [], "['Unknown']"])
def test_null_words_are_known_and_null(vocabularies, raw):
    assert vocabularies["weather"].canonical(raw) == (None, True)


@pytest.mark.parametrize("raw", ["hazy", "['Hazy']", ["Unknown", "Hazy"], 7, "[broken"])
def test_unknown_words_are_null_but_not_known(vocabularies, raw):
    assert vocabularies["weather"].canonical(raw) == (None, False)


def test_indices_are_places_and_null_is_the_last(vocabularies):
    assert [vocabularies["weather"].index(value) for value in ("sunny", "snowy", None)] == [0, 6, 7]
    assert vocabularies["daytime"].index(None) == 5
    assert vocabularies["scene"].index(None) == 6
    with pytest.raises(ValueError, match="hazy"):
        vocabularies["weather"].index("hazy")


@pytest.mark.parametrize(
    ("values", "aliases", "told"),
    [
        (["Sunny"], {}, "'sunny'"),
        (["sunny", "sunny"], {}, "once"),
        (["sunny"], {"bright": "clear"}, "'clear'"),
        (["sunny"], {"Bright": "sunny"}, "'bright'"),
        ([], {}, "at least 1"),
    ],
)
def test_a_senseless_vocabulary_is_refused(values, aliases, told):
    with pytest.raises(ValidationError, match=told):
        VocabularyConfig(values=values, aliases=aliases)


def test_words_and_nulls():
    assert words("['a', ['b']]") == ["a", "b"]
    assert words("[unquoted]") == ["[unquoted]"]
    assert is_null("No  Description", frozenset({"no description"}))
    assert not is_null("no", frozenset({"no description"}))
