"""Walk along the chain of links, in the order in which data flows, and gather every fault."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from roadwork.errors import RoadworkError
from roadwork.verify.fault import Fault, Faults


@dataclass(frozen=True)
class Link:
    """One product of the chain: `check` looks at it, notes faults and returns what there is to say of it.

    `stage` makes it (with its argument, or `dvc repro`).
    It counts as made where one of `files` exists. `needs` are the names of the links it is made from.
    """

    name: str
    stage: str
    files: Sequence[Path]
    needs: Sequence[str]
    check: Callable[[Faults], str]

    @property
    def command(self) -> str:
        """What makes it."""
        return self.stage if self.stage.startswith("dvc ") else f"roadwork {self.stage}"


@dataclass(frozen=True)
class Seen:
    """What a link looked like: `unclear` where an earlier fault keeps it from being looked at."""

    name: str
    state: Literal["right", "wrong", "absent", "unclear"]
    detail: str
    faults: tuple[Fault, ...] = ()


def walk(links: Sequence[Link]) -> list[Seen]:
    """Every link in turn. A fault in one never keeps the others from being looked at, and is told once."""
    missing = {str(file): link for link in links if not _made(link) for file in link.files}
    needed = _needed(links)
    known: set[Fault] = set()
    seen = []
    for link in links:
        if not _made(link):
            absent = _absent(link, needed.get(link.name))
            new = tuple(fault for fault in absent.faults if fault.where not in {other.where for other in known})
            known.update(new)
            seen.append(replace(absent, faults=new))
            continue
        faults, detail, unclear = Faults(), "", ""
        try:
            detail = link.check(faults)
        except RoadworkError as error:
            fault = Fault.of(error)
            if fault in known:
                unclear = f"not looked at: {fault.what}"
            elif error.where in missing:
                unclear = f"not looked at: {error.where} is missing"
            else:
                faults.found.append(fault)
        except Exception as error:  # whatever a damaged file makes a reader stumble over: the walk goes on
            faults.add(
                f"it can't be looked at: {type(error).__name__}: {error}",
                where=", ".join(map(str, link.files)),
                rule="the files are as the stage wrote them",
                fix=f"run `{link.command}` again",
            )
        new = tuple(fault for fault in dict.fromkeys(faults.found) if fault not in known)
        known.update(new)
        state = "wrong" if new else "unclear" if unclear or faults.found else "right"
        told = unclear or detail or ("" if new else "not looked at: an earlier fault")
        seen.append(Seen(link.name, state, told, new))
    return seen


def _made(link: Link) -> bool:
    return any(file.exists() for file in link.files)


def _needed(links: Iterable[Link]) -> dict[str, Link]:
    """By the name of a link, the first one that was made from it, at however many removes."""
    by_name = {link.name: link for link in links}
    found: dict[str, Link] = {}

    def mark(link: Link, by: Link) -> None:
        for name in link.needs:
            if name not in found:
                found[name] = by
                mark(by_name[name], by)

    for link in by_name.values():
        if _made(link):
            mark(link, link)
    return found


def _absent(link: Link, by: Link | None) -> Seen:
    if by is None:
        return Seen(link.name, "absent", f"not made yet: run `{link.command}`")
    fault = Fault(
        f"{link.files[0]} is missing, but the {by.name} was made from it",
        where=str(link.files[0]),
        rule="what a result was made from is there as long as the result",
        fix=f"run `{link.command}`, or `dvc checkout`; then what comes after it",
    )
    return Seen(link.name, "wrong", "missing", (fault,))
