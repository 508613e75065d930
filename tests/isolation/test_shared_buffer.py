"""What a started process writes is seen here."""

from __future__ import annotations

import numpy as np

from roadwork.isolation.process import IsolatedProcess
from roadwork.isolation.shared_buffer import SharedBuffer


def test_both_processes_see_the_same_memory(misbehaving) -> None:
    buffer = SharedBuffer(35)
    assert buffer.size_bytes == 35
    assert not buffer.array((5, 7)).any()
    process = IsolatedProcess(misbehaving.Shares(buffer), name="shares")
    for number in (3, 200):
        assert process.ask(str(number).encode(), timeout_s=60) == b"done"
        assert np.array_equal(buffer.array((5, 7)), np.full((5, 7), number, dtype=np.uint8))
    process.close()
    buffer.close()
