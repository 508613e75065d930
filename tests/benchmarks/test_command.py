"""`python -m benchmarks` as its users meet it."""

import subprocess
import sys
from importlib.util import find_spec

import pytest
import torch


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "benchmarks", *arguments], capture_output=True, text=True, check=False)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    done = run("veiws")
    assert done.returncode == 2
    assert "there is no benchmark veiws" in done.stderr
    assert "views, streaming" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_the_suite_for_a_gpu_needs_one() -> None:
    done = run("--gpu")
    assert done.returncode == 2
    assert "no CUDA device" in done.stderr


@pytest.mark.skipif(find_spec("ray") is not None, reason="Ray is installed")
def test_the_suite_for_ray_says_what_to_install() -> None:
    done = run("--ray")
    assert done.returncode == 2
    assert "Ray isn't installed" in done.stderr
    assert "make bench-ray" in done.stderr
    assert "Traceback" not in done.stderr


def test_one_suite_at_a_time() -> None:
    done = run("--ray", "--gpu")
    assert done.returncode == 2
    assert "two suites" in done.stderr
