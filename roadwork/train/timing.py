"""How long a training took: the one metric that differs between equal runs, so it has a file of its own."""

from __future__ import annotations

from typing import Any

import torch


def timing(seconds: float, gradient_s: float, epochs: int, device: torch.device) -> dict[str, Any]:
    """`device`, `threads` of the CPU, and what `epochs` epochs took: `seconds`, validation included, also per epoch.

    `seconds_of_gradient_steps` are those of them in which the head learned: forward, backward and step.
    `seconds_per_epoch` is None when a finished training was only published again.
    """
    return {
        "device": device.type,
        "threads": torch.get_num_threads(),
        "epochs": epochs,
        "seconds": round(seconds, 3),
        "seconds_of_gradient_steps": round(gradient_s, 3),
        "seconds_per_epoch": round(seconds / epochs, 4) if epochs else None,
    }
