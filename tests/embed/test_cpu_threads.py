from __future__ import annotations

import threading

import pytest
import torch

from roadwork.embed.cpu_threads import cpu_threads


@pytest.fixture(autouse=True)
def _unchanged():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("cores", "at_once", "each"), [(1, 1, 1), (2, 2, 1), (16, 16, 1), (40, 16, 2)])
def test_the_cores_are_shared_out(cores, at_once, each):
    torch.set_num_threads(cores)
    found = []
    with cpu_threads() as count:
        assert count == at_once
        thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
        thread.start()
        thread.join()
    assert found == [each]
    assert torch.get_num_threads() == cores


def test_an_error_gives_the_cores_back():
    torch.set_num_threads(2)
    with pytest.raises(LookupError), cpu_threads():
        raise LookupError
    assert torch.get_num_threads() == 2
