"""Neutral sentences and category values that are true of a drawn street and silent about roadwork."""

from __future__ import annotations

from roadwork.data.sources.sample.dice import Dice
from roadwork.data.sources.sample.street import Street

_WEATHER_WORDS: dict[str, tuple[str, ...]] = {
    "sunny": ("sunny", "Sunny"),
    "clear": ("clear", "Clear"),
    "cloudy": ("cloudy", "Partly Cloudy"),
    "overcast": ("overcast", "Overcast"),
    "rainy": ("rainy", "Rain"),
    "foggy": ("foggy", "Fog"),
    "snowy": ("snowy", "Snow"),
}
_SKY: dict[str, tuple[str, ...]] = {
    "sunny": ("under a bright sky", "in clear sunshine", "with the sun out"),
    "clear": ("under a clear sky", "in clear weather"),
    "cloudy": ("under a cloudy sky", "with clouds passing"),
    "overcast": ("under a grey sky", "under a closed cover of cloud"),
    "rainy": ("in the rain", "with a wet surface and falling rain"),
    "foggy": ("in fog", "with the far end lost in mist"),
    "snowy": ("in falling snow", "with snow on the ground"),
}
_HOUR: dict[str, tuple[str, ...]] = {
    "day": ("", "by day"),
    "dawn": ("at dawn", "early in the morning"),
    "dusk": ("at dusk", "in the evening light"),
    "night": ("at night", "after dark"),
}
_PLACE: dict[str, tuple[str, ...]] = {
    "urban": ("street between tall houses", "city street lined with blocks of flats"),
    "commercial": ("street with shop fronts", "shopping street"),
    "residential": ("street of family houses", "quiet residential street"),
    "industrial": ("road past large sheds", "street in an industrial area"),
    "rural": ("country road through fields", "rural road with open land on both sides"),
    "highway": ("highway with guard rails", "motorway carriageway"),
}
_LANES = {2: "two-lane", 3: "three-lane", 4: "four-lane"}


def category_values(dice: Dice, street: Street) -> dict[str, str]:
    """Weather, daytime and scene in the spellings that real tables use."""
    weather = dice.pick(_WEATHER_WORDS[street.weather])
    return {"weather": weather, "daytime": street.daytime, "scene": dice.pick((street.scene, street.scene.title()))}


def describe(dice: Dice, street: Street) -> str:
    """One sentence such as "A two-lane street of family houses under a grey sky."."""
    parts = ["A", _LANES[street.lanes], dice.pick(_PLACE[street.scene]), dice.pick(_HOUR[street.daytime])]
    return " ".join(part for part in (*parts, dice.pick(_SKY[street.weather])) if part) + "."
