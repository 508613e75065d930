from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.ablation import machine
from pipeline.ablation.machine import cores, cpu_name


def test_the_processors_name_without_double_spaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("processor : 0\nmodel name\t: Some  CPU @ 2 GHz\nprocessor : 1\n")
    monkeypatch.setattr(machine, "_CPUINFO", info)
    assert cpu_name() == "Some CPU @ 2 GHz"


def test_without_a_name_the_architecture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_CPUINFO", tmp_path / "none")
    assert cpu_name() in {machine.platform.processor(), machine.platform.machine()} - {""}


def test_cores_are_those_this_process_may_use() -> None:
    assert 1 <= cores() <= (machine.os.cpu_count() or 1)
