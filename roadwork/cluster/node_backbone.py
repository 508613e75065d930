"""The backbone on a node, built from the parameters alone."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr

import torch

from roadwork.cluster.backbone_task import NO_FILES, BackboneTask
from roadwork.cluster.told_error import node_name
from roadwork.embed.backbone import Backbone, build_backbone
from roadwork.errors import BackboneError, CapabilityError


def build_on_node(task: BackboneTask) -> Backbone:
    """The backbone on this node's GPU, or on one thread of its CPU.

    Raises the errors of `build_backbone`, which name the node.
    """
    if task.on_gpu and not torch.cuda.is_available():
        raise CapabilityError(
            f"{node_name()} gave a GPU, and PyTorch there can't use it",
            where=f"PyTorch {torch.__version__}",
            rule="the node's driver must fit its PyTorch, and PyTorch must be built for CUDA",
            fix="install there a PyTorch that fits the driver, or start Ray on that node with --num-gpus 0",
        )
    if not task.on_gpu:
        torch.set_num_threads(1)
    try:
        return build_backbone(
            task.config,
            size_px=task.size_px,
            seed=task.seed,
            device="cuda" if task.on_gpu else "cpu",
            compile=task.compile,
        )
    except BackboneError as error:
        raise BackboneError(
            error.what, where=f"{node_name()}: {error.where}", rule=error.rule, fix=_everywhere(error.fix, task)
        ) from error
    except CapabilityError as error:
        where = f"{node_name()}: {error.where}"
        raise CapabilityError(error.what, where=where, rule=error.rule, fix=error.fix) from error


@contextmanager
def notes_kept() -> Iterator[list[str]]:
    """What is noted within, line by line; the list is full at the end."""
    lines: list[str] = []
    with redirect_stderr(io.StringIO()) as text:
        yield lines
    lines += text.getvalue().splitlines()


def _everywhere(fix: str, task: BackboneTask) -> str:
    if task.config.weights in NO_FILES:
        return fix
    return "; ".join(filter(None, [fix, "a path must be one that every node sees, or a URL"]))
