"""A whole run on data from a stranger, in an environment full of secrets."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness.parameters import set_parameters
from harness.tiny import STAGES, write_project

from roadwork.data.sources.sample.source import write_sample

ROOT = Path(__file__).resolve().parents[2]

SECRETS = {
    "HF_TOKEN": "hf_CanaryCanaryCanaryCanaryCanary01",
    "HUGGING_FACE_HUB_TOKEN": "hf_CanaryCanaryCanaryCanaryCanary02",
    "AWS_ACCESS_KEY_ID": "AKIACANARYCANARYCANA",
    "AWS_SECRET_ACCESS_KEY": "canary/aws/secret/access/key/0123456789",
    "AWS_SESSION_TOKEN": "canary-aws-session-token",
    "MY_SERVICE_PASSWORD": "canary-service-password",
}
TOKEN_FILE = "hf_CanaryCanaryCanaryCanaryCanary03"
IN_ADDRESS = "canary-password-of-an-address"
CANARIES = (*SECRETS.values(), TOKEN_FILE, IN_ADDRESS)

MARKUP = (
    "<script>alert('canary')</script>",
    "<img src=x onerror=alert('canary')>",
    "](javascript:alert('canary'))",
    "\"onmouseover=\"alert('canary')",
    "</style></title><svg/onload=alert('canary')>",
    "{{ 7 * 191 }}{% raw %}",
)
"""Texts that would be live in HTML, in Markdown, or in a template."""

_RUN = """
import sys
from pipeline.app import app
for arguments in {stages!r}:
    try:
        app(list(arguments))
    except SystemExit as end:
        if end.code:
            raise
"""


@dataclass(frozen=True)
class HostileRun:
    """The folder with project, cache and hub's home, and all that was printed."""

    folder: Path
    printed: str

    @property
    def project(self) -> Path:
        return self.folder / "project"

    def files(self) -> list[Path]:
        """Everything that was written, the token that was there before apart."""
        given = self.folder / "hub"
        return [file for file in sorted(self.folder.rglob("*")) if file.is_file() and given not in file.parents]


@pytest.fixture
def canaries() -> tuple[str, ...]:
    """Every secret of that environment."""
    return CANARIES


@pytest.fixture
def secretly(tmp_path: Path) -> Callable[..., str]:
    """Runs `python -m pipeline ARGUMENTS` in the environment full of secrets; gives what it printed and wrote."""

    def run(*arguments: str, changes: Mapping[str, object], at: Path) -> str:
        change(at / "params.yaml", **changes)
        before = {file: file.stat().st_mtime_ns for file in at.rglob("*") if file.is_file()}
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", *arguments],
            cwd=at, env=secret_environment(tmp_path), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 1, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        written = [file for file in at.rglob("*") if file.is_file() and before.get(file) != file.stat().st_mtime_ns]
        return done.stdout + done.stderr + "".join(file.read_text(errors="replace") for file in written)

    return run


def secret_environment(folder: Path) -> dict[str, str]:
    """This environment with secrets in all places where people keep them, and a hub that can't be reached."""
    (folder / "hub").mkdir(exist_ok=True)
    (folder / "hub" / "token").write_text(TOKEN_FILE)
    kept = {name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")}
    return kept | SECRETS | {
        "HF_HOME": str(folder / "hub"),
        "HF_ENDPOINT": f"https://user:{IN_ADDRESS}@127.0.0.1:9",
        "ROADWORK_CACHE": str(folder / "cache"),
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
    }  # fmt: skip


def change(params: Path, **values: object) -> None:
    """Set parameters by their dotted names, with `__` for the dot."""
    set_parameters(params, {name.replace("__", "."): value for name, value in values.items()})


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> HostileRun:
    """Every stage on photographs and a table whose every text is markup."""
    folder = tmp_path_factory.mktemp("hostile")
    write_project(folder / "project")
    photographs = folder / "project" / "photographs"
    photographs.mkdir()
    records = list(write_sample(photographs, seed=3, images=48, max_width_px=200, workers=1))
    with (photographs / "table.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(["path", "label", "latitude_deg", "longitude_deg", "weather", "description", "group", "source"])
        for number, record in enumerate(records):
            evil, fields = MARKUP[number % len(MARKUP)], record.fields
            name = f"{evil.replace('/', '∕')}{number}.jpg"
            assert record.file is not None
            record.file.rename(photographs / name)
            known = [fields[key] if fields[key] is not None else "" for key in ("latitude_deg", "longitude_deg")]
            table.writerow([name, fields["label"], *known, evil, evil, f"{evil}{fields['group']}", evil])
    change(
        folder / "project" / "params.yaml",
        ingest__source="folder", ingest__path="photographs", report__title=MARKUP[0], sampling__enabled=False,
    )  # fmt: skip
    stages = [list(stage) for stage in STAGES]
    done = subprocess.run(
        [sys.executable, "-c", _RUN.format(stages=stages)],
        cwd=folder / "project", env=secret_environment(folder), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return HostileRun(folder, done.stdout + done.stderr)
