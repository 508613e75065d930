"""For all tests. What they measured is printed at the end of the run: a pass alone says too little."""

from collections import Counter

import pytest


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter):
    measured = [
        value
        for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
        for name, value in report.user_properties
        if name == "measured"
    ]
    if measured:
        terminalreporter.section("measured")
        for value in measured:
            terminalreporter.line(value)
    _print_tally(terminalreporter)


def _print_tally(terminalreporter):
    """What the tests of faults did; a row that was lost or doubled is worth a line even where there was none."""
    counts = Counter()
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, value in report.user_properties:
            if name == "tally":
                counts.update(value)
    if not counts:
        return
    terminalreporter.section("faults")
    ends = ("faults survived", "rows lost", "rows doubled")
    for name in [*sorted(counts.keys() - set(ends)), *ends]:
        terminalreporter.line(f"{name:<28} {counts[name]:>7}")


@pytest.fixture(autouse=True, scope="session")
def no_places_of_the_user():
    """Nobody's own object store is written to by a test; `memory://` is one that ends with its process."""
    from roadwork.storage.place import PACKAGES

    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(PACKAGES, "memory", ("fsspec", ""))
        patched.delenv("ROADWORK_FEATURES", raising=False)
        yield


@pytest.fixture
def one_thread():
    """PyTorch on one thread: for small tensors more only cost."""
    import torch  # only where a test asks for it

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
