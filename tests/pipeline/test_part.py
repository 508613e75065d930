import pytest
from pydantic import Field

from pipeline.part import load_part
from roadwork.config import Section
from roadwork.errors import ParameterError


class Part(Section):
    size: int = Field(description="of it", ge=1)


def written(tmp_path, text):
    (tmp_path / "params.yaml").write_text(text)
    return tmp_path / "params.yaml"


def test_other_keys_are_left_to_the_owner(tmp_path):
    path = written(tmp_path, "train: {size: 3, lr: whatever}")
    assert load_part(path, "train", Part).size == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train: {size: 0}", r"train\.size"),
        ("train: {size: '3'}", r"train\.size"),
        ("train: {lr: 1}", r"`train\.size` is missing"),
        ("train: null", "section `train` is missing or empty"),
        ("seed: 1", "section `train` is missing or empty"),
    ],
)
def test_faults_name_the_parameter(tmp_path, text, message):
    with pytest.raises(ParameterError, match=message):
        load_part(written(tmp_path, text), "train", Part)
