"""Links of `roadwork verify`: what `dvc.lock` recorded, where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline.paths import DVC_YAML
from roadwork.config import read_params
from roadwork.errors import DataError
from roadwork.verify.fault import Faults
from roadwork.verify.recorded import Digests, check_outputs, check_stages, expanded
from roadwork.verify.walk import Link

DVC_LOCK = Path("dvc.lock")
_FIX = "take the file back from Git, or run `dvc repro`"


class Record:
    """The stages as `dvc.yaml` declares and `dvc.lock` recorded them."""

    def __init__(self, params: Path) -> None:
        self.params = params
        self.digests = Digests()

    @cached_property
    def recorded(self) -> Mapping[str, Any]:
        """The stages of `dvc.lock`."""
        return _stages(DVC_LOCK)

    def outputs(self, faults: Faults) -> str:
        """Look at every output."""
        return check_outputs(self.recorded, self.digests, faults)

    def stages(self, faults: Faults) -> str:
        """Look at every stage's command, parameters and dependencies."""
        params = read_params(self.params)
        return check_stages(self.recorded, expanded(_stages(DVC_YAML), params), params, self.digests, faults)


def record_links(params: Path) -> list[Link]:
    """The links beyond the data's route."""
    record = Record(params)
    return [
        Link("recorded outputs", "dvc repro", [DVC_LOCK], (), record.outputs),
        Link("recorded stages", "dvc repro", [DVC_LOCK], (), record.stages),
    ]


def _stages(path: Path) -> Mapping[str, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        document = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
        stages = document["stages"]
    except FileNotFoundError:
        raise DataError(f"there is no {path}", where=str(path), fix=_FIX) from None
    except (OSError, UnicodeDecodeError, YAMLError, KeyError, TypeError) as error:
        raise DataError(f"it can't be read: {type(error).__name__}: {error}", where=str(path), fix=_FIX) from None
    if not isinstance(stages, dict):
        raise DataError("it holds no stages", where=str(path), fix=_FIX)
    return stages
