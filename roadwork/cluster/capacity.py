"""How many processes of which kind a cluster has room for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

from roadwork.embed.ray_config import RayConfig
from roadwork.errors import CapabilityError, ParameterError

_SHARED = 0.5
"""Of a CPU: what a decoder and a model reserve where they share it."""


@dataclass(frozen=True)
class Node:
    """A machine of the cluster, with what Ray may use of it."""

    id: str
    name: str
    cpus: float
    gpus: float


@dataclass(frozen=True)
class Pools:
    """The two kinds of processes, and what each of a kind reserves."""

    decode_actors: int
    decode_cpus: float
    model_actors: int
    model_cpus: float
    model_gpus: float  # 0: the model is on the CPU


def pools_for(nodes: Sequence[Node], config: RayConfig, *, device: str) -> Pools:
    """The processes that `config` asks for, as far as they are `auto` fitted to `nodes`; `device` is `embed.device`.

    Raises ParameterError for a device that only one machine has a name for, CapabilityError where no GPU is there, or
    where the processes asked for need more than the cluster has: Ray would wait for ever for the rest.
    """
    gpus = sum(floor(node.gpus) for node in nodes)
    if device not in ("auto", "cpu", "cuda"):
        raise ParameterError(
            f"embed.device is {device}, and Ray gives each process its GPU itself",
            where="params.yaml: embed.device",
            rule="with embed.engine: ray it is auto, cpu or cuda",
            fix="set embed.device to cuda; to keep a GPU out, start Ray with fewer (`ray start --num-gpus`)",
        )
    if device == "cuda" and not gpus:
        raise _too_little("embed.device is cuda, and no node of the cluster has a GPU", nodes)
    pools = _on_gpus(nodes, config, gpus) if gpus and device != "cpu" else _on_cpus(nodes, config)
    _check(pools, nodes, gpus)
    return pools


def _on_gpus(nodes: Sequence[Node], config: RayConfig, gpus: int) -> Pools:
    cpus = 1.0 if config.decode_cpus == "auto" else config.decode_cpus
    models = gpus * config.actors_per_gpu if config.model_actors == "auto" else config.model_actors
    decoders = _fitting(nodes, max(cpus, 1.0)) if config.decode_actors == "auto" else config.decode_actors
    return Pools(max(decoders, 1), cpus, models, 0.0, 1 / config.actors_per_gpu)


def _on_cpus(nodes: Sequence[Node], config: RayConfig) -> Pools:
    cpus = _SHARED if config.decode_cpus == "auto" else config.decode_cpus
    model_cpus = 1 - cpus if cpus < 1 else 1.0
    total = sum(node.cpus for node in nodes)
    decoders = _fitting(nodes, max(cpus, 1.0)) if config.decode_actors == "auto" else config.decode_actors
    if config.decode_actors == "auto" and decoders * cpus + model_cpus > total:
        decoders = floor((total - model_cpus) / cpus)
    decoders = max(decoders, 1)
    models = config.model_actors
    if models == "auto":
        models = max(1, min(_fitting(nodes, 1.0), floor((total - decoders * cpus) / model_cpus + 1e-9)))
    return Pools(decoders, cpus, models, model_cpus, 0.0)


def _fitting(nodes: Sequence[Node], cpus: float) -> int:
    return sum(floor(node.cpus / cpus + 1e-9) for node in nodes)


def _check(pools: Pools, nodes: Sequence[Node], gpus: int) -> None:
    needed = pools.decode_actors * pools.decode_cpus + pools.model_actors * pools.model_cpus
    largest = max(pools.decode_cpus, pools.model_cpus)
    if needed > sum(node.cpus for node in nodes) + 1e-9 or largest > max((node.cpus for node in nodes), default=0):
        raise _too_little(
            f"the processes asked for need {needed:g} CPUs: {pools.decode_actors} that decode with "
            f"{pools.decode_cpus:g} each, {pools.model_actors} with the model and {pools.model_cpus:g} each",
            nodes,
        )
    if pools.model_actors * pools.model_gpus > gpus + 1e-9:
        raise _too_little(
            f"the processes asked for need {pools.model_actors * pools.model_gpus:g} GPUs: {pools.model_actors} with "
            f"{pools.model_gpus:g} each",
            nodes,
        )


def _too_little(what: str, nodes: Sequence[Node]) -> CapabilityError:
    there = "; ".join(f"{node.name}: {node.cpus:g} CPUs, {node.gpus:g} GPUs" for node in nodes[:8])
    more = f" and {len(nodes) - 8} more" if len(nodes) > 8 else ""
    return CapabilityError(
        what,
        where=f"the cluster has {there}{more}" if nodes else "the cluster has no nodes",
        rule="Ray waits for ever for CPUs and GPUs that no node has",
        fix="set embed.ray.decode_actors, decode_cpus and model_actors to auto or lower, or add nodes (`ray start`)",
    )
