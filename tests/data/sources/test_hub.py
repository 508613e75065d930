import huggingface_hub
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from roadwork.data.sources.hub import download_dataset
from roadwork.errors import DataError


def test_the_folder_of_the_snapshot(tmp_path, monkeypatch):
    asked = {}

    def snapshot(repository, **options):
        asked.update(options, repository=repository)
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    assert download_dataset("some/set", "data/*.parquet", fix="") == tmp_path
    patterns = {"repo_type": "dataset", "allow_patterns": ["data/*.parquet"]}
    assert asked == {"repository": "some/set", "revision": None, **patterns}
    download_dataset("some/set@v1.2", "data/*.parquet", fix="")
    assert asked == {"repository": "some/set", "revision": "v1.2", **patterns}


@pytest.mark.parametrize("error", [LocalEntryNotFoundError("no network\nmore"), OSError(), ValueError("bad name")])
def test_what_can_t_be_had_says_what_to_do(monkeypatch, error):
    def snapshot(repository, **options):
        raise error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    with pytest.raises(DataError, match="some/set can't be had: ") as caught:
        download_dataset("some/set", "data/*.parquet", fix="put the files there")
    assert caught.value.fix == "put the files there"
    assert "more" not in str(caught.value)
