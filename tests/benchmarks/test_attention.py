import pytest
import torch

from benchmarks.row import Scale, UnequalError
from benchmarks.rows import attention as rows

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _one_thread(one_thread):
    """Small tensors."""


def case(dtype=torch.float32, tokens=8):
    return rows.Case(CPU, dtype, tokens, 4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("tokens", rows.TOKENS)
def test_the_backends_agree(dtype, tokens):
    rows.check_equal(case(dtype, tokens))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_a_backend_that_attends_otherwise_is_noticed(monkeypatch, dtype):
    real = rows.attention

    def wrong(q, k, v, *, backend):
        return real(q, k, v, backend=backend) if backend == "math" else real(q, 1.2 * k, v, backend=backend)

    monkeypatch.setattr(rows, "attention", wrong)
    with pytest.raises(UnequalError, match="sdpa"):
        rows.check_equal(case(dtype))


@pytest.mark.parametrize(("dtype", "taken"), [(torch.float32, "sdpa"), (torch.bfloat16, "math")], ids=str)
def test_what_auto_takes_is_found_by_its_bits(dtype, taken):
    assert rows.taken_by_auto(case(dtype)) == taken


def test_every_size_has_a_row_that_says_what_was_not_measured(monkeypatch):
    monkeypatch.setattr(rows, "BATCHES", (2, 3))
    found = rows.measure(Scale(quick=True))
    assert [row.name for row in found] == [f"attention.{p}_{t}x2" for p in ("fp32", "bf16") for t in (8, 12)]
    assert len(list(rows.cases(CPU, rows.BATCHES))) == 8
    for row in found:
        assert row.figure >= 1
        assert "xformers not measured: it has no operator for the device `cpu`" in row.note
        assert {"auto", "milliseconds, sdpa", "milliseconds, math"} <= row.detail.keys()
