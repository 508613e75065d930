"""Tokens and passwords of the environment reach no file and no message."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from roadwork.config import read_params
from roadwork.errors import DataError, ParameterError
from roadwork.masking import masked

ADDRESS = "https://user:canary-password@host.example/data"


@pytest.mark.slow
def test_no_secret_is_in_anything_that_a_run_writes_or_prints(hostile, canaries):
    files = hostile.files()
    assert {"head.json", "bundle.json", "index.html", "evaluate.json", "README.md"} <= {file.name for file in files}
    texts = {file: file.read_bytes() for file in files}
    texts[Path("printed")] = hostile.printed.encode()
    found = [f"{file}: {secret}" for file, text in texts.items() for secret in canaries if secret.encode() in text]
    assert found == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "changes", "says"),
    [
        ("embed_images", {"backbone__weights": "pretrained"}, "can't be had"),
        ("embed_text", {"text__model": "sentence-transformers/all-MiniLM-L6-v2"}, "can't be had"),
        ("ingest", {"ingest__source": "natix", "ingest__path": "some/set"}, "can't be had"),
    ],
)
def test_no_secret_is_in_the_errors_of_the_hub(hostile, secretly, canaries, tmp_path, stage, changes, says):
    place = tmp_path / "project"
    for name in ("params.yaml", "data", "features/views.parquet", "photographs"):
        source, target = hostile.project / name, place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, target)
    output = secretly(stage, changes=changes, at=place)
    assert says in output
    assert [secret for secret in canaries if secret in output] == []


@pytest.mark.parametrize("value", [ADDRESS, "hf_CanaryCanaryCanaryCanary", "s3://AKIACANARYCANARYCANA@bucket"])
def test_parameters_hold_no_secret(tmp_path, request, value):
    params = read_params(request.config.rootpath / "params.yaml")
    params["ingest"]["path"] = value
    path = tmp_path / "params.yaml"
    YAML(typ="safe", pure=True).dump(params, path)
    with pytest.raises(ParameterError, match=r"`ingest\.path` holds a password or an access token") as caught:
        read_params(path)
    assert "canary" not in str(caught.value).lower()


def test_messages_are_masked(monkeypatch):
    monkeypatch.setenv("SOME_SERVICE_TOKEN", "canary-token")
    monkeypatch.setenv("HARMLESS", "harmless-value")
    text = f"no answer from {ADDRESS} with canary-token and hf_CanaryCanaryCanaryCanary, harmless-value"
    error = DataError(text, where=text, rule=text, fix=text)
    for part in (str(error), error.what, error.where, error.rule, error.fix):
        assert "canary" not in part.lower()
        assert "harmless-value" in part
    assert masked(text).startswith("no answer from https://***@host.example/data with *** and ***, ")


@pytest.mark.parametrize("text", ["a: b@c", "https://host/x@y", "mail@host", "C:/a@b", "hf_short", "1 // 2: 3 @ 4"])
def test_what_is_no_secret_stays(text):
    assert masked(text) == text
