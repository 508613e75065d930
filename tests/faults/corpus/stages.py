"""A real stage in a process of its own, and what it took."""

import os
import subprocess
import sys

from harness.tiny import ROOT, write_project
from ruamel.yaml import YAML


def write_corpus_project(folder, source, **ingest):
    """The tiny project on the folder `source`, with changed parameters of `ingest`."""
    write_project(folder)
    yaml = YAML()
    params = yaml.load((folder / "params.yaml").read_text())
    params["ingest"].update(source="folder", path=str(source), group_radius_m=0, **ingest)
    yaml.dump(params, folder / "params.yaml")


def run_stage(folder, stage, *, code=0):
    """Run a stage, which ends with `code`; its standard error and the most bytes of memory that it held."""
    environment = {
        **os.environ,
        "ROADWORK_CACHE": str(folder / "cache"),
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
    }
    environment.pop("DVC_STAGE", None)
    with (folder / f"{stage}.err").open("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline", stage],
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        told = errors.read()
    assert process.returncode == code, told
    assert "Traceback" not in told
    scale = 1 if sys.platform == "darwin" else 1024
    return told, usage.ru_maxrss * scale
