"""For all tests. What they measured is printed at the end of the run: a pass alone says too little."""

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


@pytest.fixture
def one_thread():
    """PyTorch on one thread: for small tensors more only cost."""
    import torch  # only where a test asks for it

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
