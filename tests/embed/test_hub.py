"""Whether the hub is in reach: one short connection to the right host, none behind a proxy."""

from __future__ import annotations

import pytest
from huggingface_hub import constants

from roadwork.embed import hub


class Line:
    def close(self) -> None:
        pass


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[str, int], float]]:
    calls: list[tuple[tuple[str, int], float]] = []

    def connect(address: tuple[str, int], timeout: float) -> Line:
        calls.append((address, timeout))
        return Line()

    monkeypatch.setattr(hub.socket, "create_connection", connect)
    monkeypatch.setattr(hub, "getproxies", dict)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    return calls


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        ("https://hub.example", ("hub.example", 443)),
        ("http://hub.example", ("hub.example", 80)),
        ("https://mirror.example:8443/hub", ("mirror.example", 8443)),
    ],
)
def test_the_host_of_the_endpoint_is_tried_once(monkeypatch, tried, endpoint, address):
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    assert hub.hub_refusal() is None
    assert tried == [(address, 3.0)]


def test_a_host_out_of_reach_is_named_with_the_reason(monkeypatch, tried):
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no route")

    monkeypatch.setattr(constants, "ENDPOINT", "https://hub.example")
    monkeypatch.setattr(hub.socket, "create_connection", refuse)
    assert hub.hub_refusal() == "hub.example can't be reached (no route)"


def test_behind_a_proxy_nothing_is_tried_unless_the_host_is_exempt(monkeypatch, tried):
    monkeypatch.setattr(constants, "ENDPOINT", "https://hub.example")
    monkeypatch.setattr(hub, "getproxies", lambda: {"https": "http://proxy:3128"})
    assert hub.hub_proxy() == "http://proxy:3128"
    assert hub.hub_refusal() is None
    assert tried == []
    monkeypatch.setenv("no_proxy", "hub.example")
    assert hub.hub_refusal() is None
    assert len(tried) == 1


def test_a_client_set_offline_is_told_without_a_try(monkeypatch, tried):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert hub.hub_refusal() == "HF_HUB_OFFLINE is set"
    assert tried == []
