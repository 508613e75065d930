import numpy as np
import pytest
import torch

from roadwork.data.vocabulary import VocabulariesConfig, VocabularyConfig
from roadwork.evaluate.metadata_features import metadata_features
from roadwork.model.metadata import Metadata
from roadwork.model.metadata_config import MetadataConfig


def config(*fields):
    vocabulary = VocabularyConfig(values=("a", "b"), aliases={})
    vocabularies = VocabulariesConfig(weather=vocabulary, daytime=vocabulary, scene=vocabulary, nulls=("",))
    return MetadataConfig(fields=fields, dropout=0.5, gps_dim=8, category_dim=4, text_dim=3, vocabularies=vocabularies)


def metadata():
    known = Metadata.null(3, config())
    return known._replace(
        gps_deg=torch.tensor([[0.0, 0.0], [0.0, 90.0], [0.0, 0.0]]),
        gps_present=torch.tensor([True, True, False]),
        weather=torch.tensor([0, 1, -1]),
        text=torch.tensor([[0.6, 0.8, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]),
    )


def test_positions_are_points_on_the_unit_sphere_with_a_flag():
    expected = [[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 0, 0]]
    assert metadata_features(metadata(), config("gps")) == pytest.approx(np.array(expected))


def test_categories_are_one_hot_and_null_is_the_last_column():
    assert metadata_features(metadata(), config("weather")).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert metadata_features(metadata(), config("scene")).tolist() == [[0, 0, 1]] * 3


def test_text_has_a_presence_flag():
    assert metadata_features(metadata(), config("text"))[:, 3].tolist() == [1, 0, 1]


def test_fields_stand_side_by_side_and_none_gives_a_constant():
    assert metadata_features(metadata(), config("gps", "weather", "text")).shape == (3, 4 + 3 + 4)
    assert metadata_features(metadata(), config()).tolist() == [[0], [0], [0]]
