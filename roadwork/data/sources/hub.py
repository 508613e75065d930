"""Data sets of the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path

from roadwork.errors import DataError
from roadwork.progress import note


def download_dataset(name: str, pattern: str, *, fix: str) -> Path:
    """The local folder with the files of a data set that match `pattern`; the hub's own cache keeps them.

    `name` is the data set's id, which may end in @REVISION (a commit, tag or branch); the commit is noted.

    Raises DataError ending in `fix` where they can't be had: no such data set, no access, no network.
    """
    # Here and not above: it takes a third of a second that no local source needs.
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HTTPError  # pyright: ignore[reportPrivateImportUsage]  # the hub's client decides whose

    repository, _, revision = name.partition("@")
    try:
        # Data only, examined like any other source; the manifest's digest tells whether it is the same again.
        folder = snapshot_download(  # nosec B615
            repository, repo_type="dataset", revision=revision or None, allow_patterns=[pattern]
        )
    except (OSError, ValueError, HTTPError) as error:
        why = str(error).strip().partition("\n")[0] or type(error).__name__
        raise DataError(
            f"the hub's data set {repository} can't be had: {why}",
            where=f"ingest.path: {name}",
            rule="a local folder, or a data set that this machine can download",
            fix=fix,
        ) from error
    note(f"data set {repository}: commit {Path(folder).name}; to pin it, set ingest.path to {repository}@COMMIT")
    return Path(folder)
