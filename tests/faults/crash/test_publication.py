"""In which order a stage makes its files durable, read off what it does to them."""

from __future__ import annotations

import os

import pytest
from harness.tiny import STAGES


@pytest.mark.faults
@pytest.mark.parametrize("stage", STAGES, ids="-".join)
def test_a_file_is_flushed_before_it_gets_its_name_and_the_folder_after(stage, reference):
    events = reference.events(stage)
    renames = [event for event in events if event.operation == "rename" and not event.target.endswith(".partial")]
    inside_drafts = [event for event in renames if ".partial/" in event.target]
    final = [event for event in renames if event not in inside_drafts and not event.path.endswith(".damaged")]
    assert final, "the stage published nothing"
    for event in final:
        flushed = [one.path for one in events[: event.number - 1] if one.operation == "fsync"]
        assert any(path == event.path or path.startswith(f"{event.path}{os.sep}") for path in flushed), event
        after = [one.path for one in events[event.number :] if one.operation == "fsync"]
        assert os.path.dirname(event.target) in after, event
