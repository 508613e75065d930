"""Ingest on a cluster: the manifest and the rejects are the local engine's, whoever decodes and whatever ends."""

from __future__ import annotations

import io
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from clustered.nodes import TwoNodes
from corpus.hostile import scan_bomb
from PIL import Image

from roadwork.cluster.session import cluster_session
from roadwork.config import parse_section, read_params
from roadwork.data.ingest import IngestResult, ingest
from roadwork.data.ingest_config import IngestConfig
from roadwork.data.left_out import LeftOut
from roadwork.data.probing import LocalProbing, Probing
from roadwork.data.vocabulary import VocabulariesConfig
from roadwork.embed.ray_config import RayConfig

pytest.importorskip("ray")
pytestmark = pytest.mark.ray

PARAMS = read_params(Path(__file__).parents[2] / "params.yaml")


def photograph(number: int) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG")
    return stream.getvalue()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Twelve photographs, one twice, and one that is cut off."""
    folder = tmp_path / "source"
    for number in range(12):
        file = folder / ("roadwork" if number % 2 else "no_roadwork") / f"{number}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(photograph(number))
    (folder / "roadwork" / "again.jpg").write_bytes(photograph(3))
    (folder / "roadwork" / "short.jpg").write_bytes(photograph(20)[:500])
    return folder


@pytest.fixture
def run(tmp_path: Path, source: Path) -> Callable[..., tuple[IngestResult, bytes]]:
    """`run(probing, left_out)`: the result, and the file of rejects; `probing` is given the section."""
    vocabularies = parse_section(PARAMS["metadata"]["vocabularies"], "v", VocabulariesConfig, where="params.yaml")
    values = {"source": "folder", "path": str(source), "group_radius_m": 0, "max_reject_fraction": 1, "timeout_s": 300}
    config = parse_section({**PARAMS["ingest"], **values}, "ingest", IngestConfig, where="params.yaml")

    def call(probing: Callable[[IngestConfig], Probing], left_out: LeftOut | None = None) -> tuple[IngestResult, bytes]:
        draft = tmp_path / "data" / "draft"
        draft.mkdir(parents=True, exist_ok=True)
        rejects = tmp_path / "data" / "rejects.csv"
        result = ingest(
            config,
            vocabularies,
            seed=1,
            data_root=tmp_path / "data",
            images_dir=tmp_path / "data" / "images",
            draft=draft,
            rejects_path=rejects,
            probing=probing(config),
            left_out=left_out or LeftOut(),
        )
        return result, rejects.read_bytes()

    return call


@pytest.fixture
def on_ray(two_nodes: TwoNodes) -> Iterator[Callable[[int], Callable[[IngestConfig], Probing]]]:
    """`on_ray(actors)`: probing by so many actors of the cluster of two nodes."""
    from roadwork.cluster.probing import RayProbing

    two_nodes.complete()
    values = {**PARAMS["embed"]["ray"], "address": two_nodes.address}
    with cluster_session(parse_section(values, "embed.ray", RayConfig, where="params.yaml")) as cluster:

        def probing(actors: int) -> Callable[[IngestConfig], Probing]:
            ray = parse_section({**values, "decode_actors": actors}, "embed.ray", RayConfig, where="params.yaml")
            return lambda config: RayProbing(cluster, ray, config.limits)

        yield probing


def local(config: IngestConfig) -> Probing:
    return LocalProbing(config.limits, 2)


@pytest.mark.parametrize("actors", [1, 2])
def test_manifest_metrics_and_rejects_are_the_local_engines(run, on_ray, actors: int) -> None:
    expected, rejects = run(local)
    assert len(expected.rejects) == 2
    result, told = run(on_ray(actors))
    assert result.manifest.digest == expected.manifest.digest
    assert result.metrics == expected.metrics
    assert told == rejects


def children_in_work() -> list[psutil.Process]:
    """Processes below an actor that have worked for half a second."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if any("ray::Prober" in word for word in process.info["cmdline"] or ()):
            for child in process.children():
                times = child.cpu_times()
                if times.user + times.system > 0.5 and "spawn_main" in " ".join(child.cmdline()):
                    found.append(child)
    return found


def until(condition: Callable[[], object]) -> None:
    limit = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < limit, "nothing happened for two minutes"
        time.sleep(0.05)


def test_a_photograph_that_crashes_each_decoder_is_one_reject(run, on_ray, source: Path) -> None:
    expected, _ = run(local)
    bomb = source / "roadwork" / "bomb.jpg"
    bomb.write_bytes(scan_bomb(scans=10_000))
    crashed: list[int] = []

    def crash() -> None:
        """What decodes the endless photograph gets the signal of a bad pointer, as often as it is tried."""
        while len(crashed) < 2:
            for child in children_in_work():
                if child.pid not in crashed and child.cpu_times().user > 0.8:
                    crashed.append(child.pid)
                    os.kill(child.pid, signal.SIGSEGV)
            time.sleep(0.05)

    thread = threading.Thread(target=crash, daemon=True)
    thread.start()
    result, told = run(on_ray(2))
    thread.join(10)
    assert len(crashed) == 2
    assert result.manifest.digest == expected.manifest.digest
    rule = "the file must decode to its end: the decoder crashed (signal 11)"
    assert f"roadwork/bomb.jpg,path,roadwork/bomb.jpg,{rule}\n" in told.decode()
    assert len(result.rejects) == len(expected.rejects) + 1


@pytest.mark.parametrize("what", ["actor", "node"])
def test_an_actor_or_a_node_that_goes_loses_nothing(run, on_ray, two_nodes: TwoNodes, source: Path, what: str) -> None:
    for number in range(4):  # so that each node has one under way
        (source / "no_roadwork" / f"slow {number}.jpg").write_bytes(scan_bomb(scans=70 + number))
    expected, rejects = run(local)
    gone: list[str] = []

    def disturb() -> None:
        until(children_in_work)
        if what == "node":
            two_nodes.lose_node()
        else:
            children_in_work()[0].parent().kill()
        gone.append(what)

    thread = threading.Thread(target=disturb, daemon=True)
    thread.start()
    result, told = run(on_ray(2))
    thread.join(10)
    assert gone
    assert result.manifest.digest == expected.manifest.digest
    assert told == rejects
