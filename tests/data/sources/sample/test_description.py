from __future__ import annotations

import re

from roadwork.data.sources.sample.description import category_values, describe
from roadwork.data.sources.sample.dice import Dice
from roadwork.data.sources.sample.street import plan_street

LEAKS = re.compile(r"roadwork|works?\b|cone|barrier|construct|repair|dig|trench|worker|closed road|sign", re.IGNORECASE)


def test_sentences_are_true_of_the_street_and_never_mention_works():
    for seed in range(300):
        street = plan_street(seed)
        sentence = describe(Dice(seed), street)
        assert not LEAKS.search(sentence), sentence
        assert sentence.startswith(f"A {['two', 'three', 'four'][street.lanes - 2]}-lane ")
        assert sentence.endswith(".")
        assert ("rain" in sentence) == (street.weather == "rainy")
        assert ("night" in sentence or "dark" in sentence) == (street.daytime == "night")


def test_categories_are_spelt_as_the_vocabularies_know_them():
    known = {"sunny", "rainy", "foggy", "cloudy", "clear", "overcast", "snowy", "partly cloudy", "rain", "snow", "fog"}
    for seed in range(300):
        street = plan_street(seed)
        values = category_values(Dice(seed), street)
        assert values["weather"].casefold() in known
        assert values["scene"].casefold() == street.scene
        assert values["daytime"] == street.daytime
