"""`roadwork doctor`: what will work on this machine, and what to do about the rest."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

from packaging.requirements import Requirement

from pipeline.outcome import Outcome
from pipeline.parameter_checks import check_parameters
from roadwork.cache_root import VARIABLE, cache_root
from roadwork.config import read_params
from roadwork.embed.store_place import VARIABLE as FEATURES
from roadwork.errors import RoadworkError
from roadwork.storage.place import Place, place_of

if TYPE_CHECKING:
    from upath import UPath

_MARKS = {"ok": "✓", "note": "–", "problem": "✗"}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: `note` limits what can be run, `problem` stops the committed pipeline."""

    name: str
    status: Literal["ok", "note", "problem"]
    detail: str
    fix: str = ""


def run(params: Path) -> Outcome:
    """Look at everything; `passed` is false where a problem would stop the pipeline."""
    probes: list[Callable[[], Finding]] = [
        _python,
        _packages,
        _gpu,
        _bf16,
        _xformers,
        _hub,
        lambda: _cluster(params),
        _cache,
        _features,
        _disk,
        _dvc,
        lambda: _parameters(params),
    ]
    findings = [probe() for probe in probes]
    lines = [f"{_MARKS[f.status]} {f.name:<11} {f.detail}" + (f"\n{'':14}→ {f.fix}" if f.fix else "") for f in findings]
    return Outcome(
        result={"findings": [asdict(finding) for finding in findings]},
        text="\n".join(lines),
        passed=all(finding.status != "problem" for finding in findings),
    )


def _python() -> Finding:
    return Finding("Python", "ok", f"{platform.python_version()} ({sys.executable})")


def _packages() -> Finding:
    """Compare what is installed with what the project's metadata asks for."""
    wanted = [Requirement(line) for line in requires("roadwork") or []]
    faults, shown = [], []
    for requirement in wanted:
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            faults.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(installed, prereleases=True):
            faults.append(f"{requirement.name} is {installed}, needed {requirement.specifier}")
        if requirement.name in {"torch", "timm", "xformers", "dvc", "zarr"}:
            shown.append(f"{requirement.name} {installed}")
    if faults:
        return Finding("packages", "problem", "; ".join(faults), "make demo installs the pinned set into .venv")
    return Finding("packages", "ok", ", ".join(shown))


def _gpu() -> Finding:
    import torch

    if not torch.cuda.is_available():
        return Finding(
            "GPU", "note", "no CUDA device", "everything runs on the CPU; the full DINOv3 at 512 px wants a GPU"
        )
    free, total = torch.cuda.mem_get_info()
    name = torch.cuda.get_device_name()
    return Finding(
        "GPU", "ok", f"{name}, {free / 2**30:.0f} of {total / 2**30:.0f} GiB free, CUDA {torch.version.cuda}"
    )


def _bf16() -> Finding:
    from roadwork.device import resolve_device
    from roadwork.embed.precision import has_bf16

    device = resolve_device("auto")
    if has_bf16(device):
        return Finding("bf16", "ok", f"native on {device}")
    return Finding("bf16", "note", f"not native on {device}", "backbone.precision: auto uses fp32 here, and is slower")


def _xformers() -> Finding:
    import torch

    from roadwork.device import resolve_device
    from roadwork.model.attention import xformers_refusal

    refusal = xformers_refusal(resolve_device("auto"), torch.bfloat16, 64)
    if refusal is None:
        return Finding("xFormers", "ok", "memory_efficient_attention runs here")
    return Finding("xFormers", "note", refusal, "head.attention.backend: auto uses PyTorch's SDPA instead")


def _hub() -> Finding:
    from roadwork.embed.hub import hub_host, hub_proxy, hub_refusal

    refusal = hub_refusal()
    if refusal is not None:
        return Finding("model hub", "note", refusal, "backbone.weights: a local .safetensors or .pth file, or random")
    if hub_proxy() is not None:
        return Finding("model hub", "ok", f"{hub_host()} is asked through a proxy, which wasn't tried")
    return Finding("model hub", "ok", f"{hub_host()} can be reached")


def _cluster(params: Path) -> Finding:
    """Whether Ray is there where the parameters ask for it."""
    asked = [name for name in ("ingest", "embed") if _engine(params, name) == "ray"]
    if not asked:
        return Finding("cluster", "ok", "everything on this machine")
    names = ", ".join(f"{name}.engine" for name in asked)
    if find_spec("ray") is None:
        return Finding("cluster", "problem", f"{names}: ray, and Ray isn't installed", "pip install -e '.[ray]'")
    return Finding("cluster", "ok", f"{names}: Ray {version('ray')}")


def _engine(params: Path, section: str) -> object:
    try:
        return read_params(params).get(section, {}).get("engine")
    except (RoadworkError, AttributeError):
        return None  # the parameters have a finding of their own


def _cache() -> Finding:
    return _place("cache", cache_root, VARIABLE)


def _features() -> Finding:
    named = os.environ.get(FEATURES, "").strip()
    if not named:
        return Finding("features", "ok", f"in the project's folder; {FEATURES} isn't set")
    return _place("features", lambda: place_of(named, parameter=f"the environment variable {FEATURES}"), FEATURES)


def _place(name: str, find: Callable[[], Place], variable: str) -> Finding:
    """Whether the place that `variable` names can be written, and what it holds."""
    try:
        root = find()
    except RoadworkError as error:
        return Finding(name, "problem", f"{variable}: {error.what}", error.fix or error.rule)
    if not isinstance(root, Path):
        return _remote(name, root)
    try:
        root.mkdir(parents=True, exist_ok=True)
        writable = os.access(root, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        return Finding(name, "problem", f"{root} can't be written", f"set {variable} to a folder that can")
    size = sum(file.stat().st_size for file in root.rglob("*") if file.is_file())
    return Finding(name, "ok", f"{root}, {size / 2**20:.1f} MiB")


def _remote(name: str, root: UPath) -> Finding:
    from roadwork.storage.objects import delete_object, listed, write_object

    probe = root / f".doctor-{uuid4().hex[:8]}"
    try:
        write_object(probe, b"")
        delete_object(probe)
        size = sum(entry.size_bytes for entry in listed(root, deep=True))
    except RoadworkError as error:
        return Finding(name, "problem", error.what, error.fix)
    return Finding(name, "ok", f"{root}, {size / 2**20:.1f} MiB")


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free
    detail = f"{free / 2**30:.1f} GiB free here"
    if free < 2**30:
        return Finding(
            "disk", "problem", detail, "the sample needs about 1 GiB, real data its size again in DVC's cache"
        )
    return Finding("disk", "ok", detail)


def _dvc() -> Finding:
    if not Path(".dvc").is_dir():
        return Finding("DVC", "problem", "this folder is no DVC project", "run in the project's folder, or: dvc init")
    command = ["git", "rev-parse", "--verify", "HEAD"]
    head = subprocess.run(command, capture_output=True, text=True, check=False)  # nosec B603  # a fixed command, no shell
    if head.returncode != 0:
        return Finding("DVC", "note", "no git commit yet", "dvc exp run needs one: git commit")
    if not Path("dvc.lock").is_file():
        return Finding("DVC", "note", "nothing has been run yet", "dvc repro")
    return Finding("DVC", "ok", f"project at commit {head.stdout[:10]}, dvc.lock present")


def _parameters(params: Path) -> Finding:
    try:
        check_parameters(params)
    except RoadworkError as error:
        return Finding("parameters", "problem", str(error).replace("\n", "; "))
    return Finding("parameters", "ok", f"{params}: every section is valid, and they agree")
