"""Without Ray: what to install. And nobody imports it who didn't ask for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_BLOCKED = """
import importlib.util, sys
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "ray" else found(name, package)

class Nowhere:
    def find_spec(self, name, path=None, target=None):
        if name == "ray" or name.startswith("ray."):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Nowhere())
from roadwork.cluster.session import cluster_session
from roadwork.config import load_section
from roadwork.embed.config import EmbedConfig
from roadwork.errors import CapabilityError
from pathlib import Path

try:
    with cluster_session(load_section(Path("params.yaml"), "embed", EmbedConfig).ray):
        print("joined")
except CapabilityError as error:
    print(error)
"""

_DEFAULT = """
import sys
import pipeline.embed_images, roadwork.embed.backbone, roadwork.embed.local_engine, roadwork.embed.view_cutter
print(sorted(name for name in sys.modules if name.partition(".")[0] in ("ray", "s3fs", "upath")))
"""


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_without_ray_the_error_says_what_to_install() -> None:
    told = run(_BLOCKED)
    assert "Ray isn't installed" in told
    assert "pip install 'roadwork[ray]'" in told


def test_the_default_path_imports_nothing_of_ray() -> None:
    assert run(_DEFAULT).strip() == "[]"
