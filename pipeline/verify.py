"""`roadwork verify`: whether what the stages left behind is whole, and belongs together."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from pipeline.outcome import Outcome
from pipeline.verification.bundle import bundle_links
from pipeline.verification.data import data_links
from pipeline.verification.features import feature_links
from pipeline.verification.models import model_links
from pipeline.verification.project import Project
from pipeline.verification.record import record_links
from pipeline.verification.scores import score_links
from roadwork.config import read_params
from roadwork.verify.fault import Fault
from roadwork.verify.walk import Seen, walk

_MARKS = {"right": "✓", "wrong": "✗", "absent": "–", "unclear": "–"}


def run(params: Path, *, rehash: bool = False) -> Outcome:
    """Look at every link; `passed` is false where one is wrong. `rehash`: compare every photograph's sha256.

    Raises ParameterError where there is no parameter file: then this is no project.
    """
    if not params.is_file():
        read_params(params)
    project = Project(params)
    links = [
        *data_links(project, rehash=rehash),
        *feature_links(project),
        *model_links(project),
        *bundle_links(project),
        *score_links(project),
        *record_links(params),
    ]
    seen = walk(links)
    faults = [fault for link in seen for fault in link.faults]
    return Outcome(
        result={"passed": not faults, "links": [asdict(link) for link in seen]},
        text="\n".join([*_lines(seen), *(line for fault in faults for line in _told(fault)), "", _verdict(seen)]),
        passed=not faults,
    )


def _lines(seen: list[Seen]) -> list[str]:
    width = max(len(link.name) for link in seen)
    return [f"{_MARKS[link.state]} {link.name:<{width}}  {_detail(link)}".rstrip() for link in seen]


def _detail(link: Seen) -> str:
    if link.state == "wrong":
        return f"{len(link.faults)} fault{'' if len(link.faults) == 1 else 's'}, below"
    return link.detail or "see below"


def _told(fault: Fault) -> list[str]:
    parts = (("where", fault.where), ("rule", fault.rule), ("fix", fault.fix))
    return ["", f"✗ {fault.what}", *(f"  {name}: {text}" for name, text in parts if text)]


def _verdict(seen: list[Seen]) -> str:
    faults = sum(len(link.faults) for link in seen)
    absent = sum(link.state == "absent" for link in seen)
    unclear = sum(link.state == "unclear" for link in seen)
    told = f"{faults} fault{'' if faults == 1 else 's'}" if faults else "nothing is wrong"
    told += f", {absent} not made yet" if absent else ""
    return told + (f", {unclear} not looked at because of an earlier fault" if unclear else "")
