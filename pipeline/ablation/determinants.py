"""Everything that decides what an experiment finds, and the digest of it that gives the experiment its name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline.closure import stage_closure
from pipeline.paths import FOLDS, IMAGE_STORE, MANIFEST, PARAMS, TEXT_STORE
from pipeline.stages import STAGES
from roadwork.ablation.variants import changed, value_of
from roadwork.config import read_params
from roadwork.errors import DataError

_ORDER = list(STAGES)
GIVEN = tuple(_ORDER[: _ORDER.index("sampling")])
"""Stages whose results every experiment takes as they are."""

DATA = (MANIFEST, FOLDS, IMAGE_STORE, TEXT_STORE)
"""What they read of it: nothing before these can change a result but through them."""

_DVC_YAML, _DVC_LOCK = Path("dvc.yaml"), Path("dvc.lock")


@dataclass(frozen=True)
class Determinants:
    """Of the project in one folder: its parameters, the digests of its code, and those of its data.

    By stage: `stage_params`, dotted names from `dvc.yaml`; `code`, the SHA-256 of each file by its path. `data`: the
    digests of features, manifest and folds by path, from `dvc.lock`.
    """

    params: Mapping[str, Any]
    stage_params: Mapping[str, list[str]]
    code: Mapping[str, Mapping[str, str]]
    data: Mapping[str, str]

    @classmethod
    def of(cls, root: Path) -> Determinants:
        """Of the project in `root`; DataError where the features were never made."""
        lock = _yaml(root / _DVC_LOCK) if (root / _DVC_LOCK).is_file() else {}
        outputs = [out for stage in GIVEN for out in lock.get("stages", {}).get(stage, {}).get("outs", [])]
        digests = {out["path"]: out["md5"] for out in outputs}
        lacking = [path for path in DATA if path.as_posix() not in digests or not (root / path).exists()]
        if lacking:
            raise DataError(
                "the features aren't there yet",
                where=str(root / lacking[0]),
                rule="every experiment reads the same features, and none makes its own",
                fix="dvc repro headline",
            )
        stages = _yaml(root / _DVC_YAML)["stages"]
        own = [stage for stage in _ORDER if stage not in GIVEN and stage != "report"]
        return cls(
            params=read_params(root / PARAMS),
            stage_params={stage: list(stages[stage].get("params", [])) for stage in own},
            code={stage: {name: _sha256(root / name) for name in stage_closure(stage, root)} for stage in own},
            data={path.as_posix(): digests[path.as_posix()] for path in DATA},
        )

    def digest(self, changes: Mapping[str, Any], target: str) -> str:
        """SHA-256 (hex) over all that decides what the stages up to `target` give, with `changes` to the parameters."""
        everything = {
            "params": self.read_by(target, changed(self.params, changes)),
            "code": {name: digest for stage in self._stages(target) for name, digest in self.code[stage].items()},
            "data": dict(self.data),
            "torch": version("torch"),
        }
        return hashlib.sha256(json.dumps(everything, sort_keys=True, default=str).encode()).hexdigest()

    def read_by(self, target: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Those of `params` that the stages up to `target` depend on, by dotted name."""
        names = {name for stage in self._stages(target) for name in self.stage_params[stage]}
        return {name: value_of(params, name) for name in sorted(names)}

    def _stages(self, target: str) -> list[str]:
        return [stage for stage in self.code if _ORDER.index(stage) <= _ORDER.index(target)]


def _yaml(path: Path) -> Any:
    from ruamel.yaml import YAML

    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
