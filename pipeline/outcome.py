"""What a command hands back to the command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """`result` for `--json`, `text` for people, and whether all went well (exit code 0)."""

    result: dict[str, Any]
    text: str
    passed: bool = True
    failures: list[str] = field(default_factory=list)
