"""Read a backbone's checkpoint file and fit it to a timm model, strictly: every weight found, none left over."""

from __future__ import annotations

import contextlib
import inspect
import sys
from pathlib import Path
from pickle import UnpicklingError  # nosec B403  # only the exception, which torch.load raises for what it refuses

import timm.models
from safetensors import SafetensorError
from torch import Tensor, nn

from roadwork.embed.transformers_keys import from_transformers, is_transformers
from roadwork.errors import BackboneError

SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")
_SHOWN = 5


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The tensors in a `.safetensors` or PyTorch file, unwrapped from `model`, `state_dict` and the like.

    PyTorch files are read with `weights_only=True`: nothing in them is executed. Raises BackboneError for a missing
    file, another suffix, or a file that is damaged or holds anything else than tensors.
    """
    if not path.is_file():
        raise BackboneError(
            f"there is no weights file {path}",
            where="params.yaml: backbone.weights",
            rule=f"`pretrained`, `random`, or the path of a file ({', '.join(SUFFIXES)})",
            fix=f"put the file at {path.absolute()}, or correct backbone.weights",
        )
    if path.suffix not in SUFFIXES:
        raise BackboneError(
            f"{path} is no kind of weights file", where="params.yaml: backbone.weights",
            rule=f"the name ends in {', '.join(SUFFIXES)}", fix="convert it, or name another file",
        )  # fmt: skip
    try:
        state = timm.models.load_state_dict(str(path), weights_only=True)
        for name, tensor in state.items():
            if not isinstance(tensor, Tensor):
                raise ValueError(f"entry {name!r} is a {type(tensor).__name__}, not a tensor")
    except (AttributeError, TypeError) as error:  # timm takes what it read for a dict with names for keys
        raise _unreadable(path, "what it holds is no table of names and tensors") from error
    except (SafetensorError, RuntimeError, OSError, EOFError, ValueError, KeyError, UnpicklingError) as error:
        raise _unreadable(path, _reason(error)) from error
    return state


def fit_checkpoint(model: nn.Module, state: dict[str, Tensor], *, source: str) -> None:
    """Load `state` into `model`, whatever its dialect: timm's, the authors' own, or Hugging Face transformers'.

    Values are cast to the model's float32. A classifier in the file is left out, as the model has none. Raises
    BackboneError that lists missing, unexpected and misshapen weights.
    """
    if is_transformers(state):
        state = from_transformers(state, wanted=model.state_dict())
    state = _without_classifier(model, state)
    if not _same_names_and_shapes(model, state):
        state = _without_classifier(model, _in_timm_names(model, state, source))
    own = model.state_dict()
    shapes = [
        f"{name} {list(state[name].shape)}, needed {list(own[name].shape)}"
        for name in own
        if name in state and state[name].shape != own[name].shape
    ]
    if shapes:  # load_state_dict would stop at them and report nothing else
        missing, unexpected = [name for name in own if name not in state], [name for name in state if name not in own]
    else:
        missing, unexpected = model.load_state_dict(state, strict=False)
    faults = [("missing", missing), ("unexpected", unexpected), ("of another shape", shapes)]
    if any(names for _, names in faults):
        raise BackboneError(
            "the weights don't fit the model: "
            + "; ".join(f"{len(names)} {kind}: {_shortened(names)}" for kind, names in faults if names),
            where=f"{source} (params.yaml: backbone.weights)",
            rule=f"every weight of {type(model).__name__} is found, and none is left over",
            fix="correct backbone.name or backbone.kwargs (depth cuts a model), or name weights of this very model",
        )


def _reason(error: BaseException) -> str:
    """PyTorch's text for a pickle it refuses, which timm passes on, advises to execute what the file holds."""
    if isinstance(error, UnpicklingError) or "weights_only" in str(error):
        return "it is damaged, no PyTorch file, or holds other things than tensors"
    return str(error)


def _unreadable(path: Path, reason: str) -> BackboneError:
    return BackboneError(
        f"can't read the weights: {reason}",
        where=str(path),
        rule="a flat table of tensors, complete and undamaged",
        fix="copy or download the file again, or name another in backbone.weights",
    )


def _same_names_and_shapes(model: nn.Module, state: dict[str, Tensor]) -> bool:
    own = model.state_dict()
    return own.keys() == state.keys() and all(own[name].shape == state[name].shape for name in own)


def _without_classifier(model: nn.Module, state: dict[str, Tensor]) -> dict[str, Tensor]:
    names = model.pretrained_cfg.get("classifier") or ()  # pyright: ignore
    prefixes = tuple(f"{name}." for name in ((names,) if isinstance(names, str) else names))
    own = model.state_dict()
    return {name: value for name, value in state.items() if name in own or not name.startswith(prefixes)}


def _in_timm_names(model: nn.Module, state: dict[str, Tensor], source: str) -> dict[str, Tensor]:
    """`state` through the filter that timm keeps beside the model: other dialects, other position grids."""
    architecture = str(model.pretrained_cfg["architecture"])  # pyright: ignore
    module = sys.modules[timm.models.model_entrypoint(architecture).__module__]
    convert = getattr(module, "checkpoint_filter_fn", None) or getattr(module, "_filter_fn", None)
    if convert is None:
        return state
    takes = inspect.signature(convert).parameters
    options = {"adapt_layer_scale": True} if "adapt_layer_scale" in takes else {}
    arguments = (state, model) if len(takes) > 1 else (state,)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # some filters print
            return convert(*arguments, **options)
    except (KeyError, AttributeError, RuntimeError, ValueError, AssertionError, TypeError) as error:
        raise BackboneError(
            f"timm can't convert these weights to {architecture}: {error}",
            where=f"{source} (params.yaml: backbone.weights)",
            rule="weights of this very model, in timm's, the authors' or transformers' names",
            fix="correct backbone.name, or name another file",
        ) from error


def _shortened(names: list[str]) -> str:
    more = f", ... ({len(names) - _SHOWN} more)" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
