"""The machine where a run on a cluster is started: it has neither the model nor what runs one."""

from __future__ import annotations

import subprocess
import sys

MODULES = ("pipeline.embed_images", "roadwork.cluster.engine", "roadwork.cluster.description", "roadwork.cluster.model")


def test_the_starters_modules_do_without_pytorch() -> None:
    code = f"import sys, {', '.join(MODULES)}; print(sorted({{'torch', 'timm', 'ray'}} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
