"""Whether the report is of the files beside it: it lists the sha256 of each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape

from roadwork.verify.fault import Faults, listed

PARAMS = "params.yaml"
_LISTED = re.compile(r"<code>([^<]+)</code></th><td><code>([0-9a-f]{64})</code>")


def listed_files(page: str) -> dict[str, str]:
    """The sha256 of each file that the report says it was made from, by path."""
    return {unescape(path): digest for path, digest in _LISTED.findall(page)}


def check_page(page: str, digests: Mapping[str, str], faults: Faults, *, where: str) -> None:
    """Note a page that isn't whole, and files that aren't those it was made from; `digests` by path, as of now."""
    fix = "run `roadwork report` again"
    made_from = listed_files(page)
    if not made_from or "</html>" not in page:
        faults.add("the page isn't whole", where=where, rule="it lists the files it was made from", fix=fix)
        return
    # Of the parameter file it shows all, comments too; which of its values count, and are as they were, others tell.
    other = [path for path, digest in made_from.items() if path != PARAMS and digests.get(path, digest) != digest]
    if other:
        faults.add(
            f"it was made from another {listed(other)}", where=where, rule="a report is of the files beside it", fix=fix
        )
