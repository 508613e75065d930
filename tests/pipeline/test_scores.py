import pytest

from pipeline import paths, scores
from roadwork.errors import DataError


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths.METRICS.mkdir()


def test_nothing_evaluated_yet():
    with pytest.raises(DataError, match="nothing has been evaluated"):
        scores.run()


@pytest.mark.parametrize("content", [b"", b'{"test": ', b"\xff\xfe"])
def test_a_damaged_scorecard_is_one_message(content):
    paths.EVALUATE_METRICS.write_bytes(content)
    with pytest.raises(DataError, match=r"(?s)not readable as JSON.*metrics/evaluate\.json.*roadwork evaluate"):
        scores.run()
