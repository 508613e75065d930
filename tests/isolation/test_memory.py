"""A bound on memory holds, and can be lifted."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux counts a process's memory in this way"
)


def test_memory_beyond_the_bound_is_refused() -> None:
    program = textwrap.dedent("""
        from roadwork.isolation.memory import bound_memory, data_bytes, unbound_memory
        before = data_bytes()
        bound_memory(pixels=1000, file_bytes=1000, already_bytes=before)
        held = bytearray(100_000_000)
        assert 100_000_000 <= data_bytes() - before < 200_000_000
        try:
            bytearray(2_000_000_000)
        except MemoryError:
            print("refused")
        unbound_memory()
        bytearray(2_000_000_000)
        bound_memory(pixels=60_000_000, file_bytes=0)
        bytearray(2_000_000_000)
        print("given")
    """)
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["refused", "given"]
