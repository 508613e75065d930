"""Known answers: which processes fit where."""

from __future__ import annotations

from typing import Any

import pytest

from roadwork.cluster.capacity import Node, Pools, pools_for
from roadwork.embed.ray_config import RayConfig
from roadwork.errors import CapabilityError, ParameterError

ALL_AUTO = {
    "address": "local", "decode_actors": "auto", "decode_cpus": "auto", "decode_images": 16, "model_actors": "auto",
    "actors_per_gpu": 1,
}  # fmt: skip


def config(**changes: Any) -> RayConfig:
    return RayConfig.model_validate({**ALL_AUTO, **changes})


def nodes(*sizes: tuple[float, float]) -> list[Node]:
    return [Node(f"id{number}", f"10.0.0.{number}", *size) for number, size in enumerate(sizes)]


@pytest.mark.parametrize(
    ("sizes", "device", "changes", "expected"),
    [
        ([(2, 0)], "auto", {}, Pools(2, 0.5, 2, 0.5, 0.0)),
        ([(0, 0), (1, 0), (1, 0)], "cpu", {}, Pools(2, 0.5, 2, 0.5, 0.0)),
        ([(1, 0)], "cpu", {}, Pools(1, 0.5, 1, 0.5, 0.0)),
        ([(16, 2), (8, 0)], "auto", {}, Pools(24, 1.0, 2, 0.0, 1.0)),
        ([(16, 2)], "cuda", {"actors_per_gpu": 2}, Pools(16, 1.0, 4, 0.0, 0.5)),
        ([(16, 2)], "cpu", {}, Pools(16, 0.5, 16, 0.5, 0.0)),
        ([(4, 0)], "cpu", {"decode_cpus": 1.0}, Pools(3, 1.0, 1, 1.0, 0.0)),
        ([(4, 0)], "cpu", {"decode_actors": 2}, Pools(2, 0.5, 4, 0.5, 0.0)),
        ([(4, 0)], "cpu", {"decode_cpus": 0.25}, Pools(4, 0.25, 4, 0.75, 0.0)),
    ],
)
def test_auto_fills_the_cluster(
    sizes: list[tuple[float, float]], device: str, changes: dict[str, Any], expected: Pools
) -> None:
    assert pools_for(nodes(*sizes), config(**changes), device=device) == expected


@pytest.mark.parametrize(
    ("sizes", "device", "changes", "told"),
    [
        ([(2, 0)], "cpu", {"decode_actors": 100}, "need 50.5 CPUs"),
        ([(2, 0)], "cpu", {"model_actors": 9}, "need 5.5 CPUs"),
        ([(2, 0), (2, 0)], "cpu", {"decode_cpus": 3.0, "decode_actors": 1, "model_actors": 1}, "with 3 each"),
        ([(2, 1)], "auto", {"model_actors": 3}, "need 3 GPUs"),
        ([(2, 0)], "cuda", {}, "no node of the cluster has a GPU"),
        ([], "auto", {}, "need"),
    ],
)
def test_what_would_wait_for_ever_is_an_error(
    sizes: list[tuple[float, float]], device: str, changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(CapabilityError, match=told) as caught:
        pools_for(nodes(*sizes), config(**changes), device=device)
    assert caught.value.fix


def test_a_numbered_gpu_belongs_to_one_machine() -> None:
    with pytest.raises(ParameterError, match="cuda:1"):
        pools_for(nodes((2, 2)), config(), device="cuda:1")
