"""Data sets of the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path

from roadwork.errors import DataError


def download_dataset(repository: str, pattern: str, *, fix: str) -> Path:
    """The local folder with the files of data set `repository` that match `pattern`; the hub's own cache keeps them.

    Raises DataError ending in `fix` where they can't be had: no such data set, no access, no network.
    """
    # Here and not above: it takes a third of a second that no local source needs.
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HTTPError  # pyright: ignore[reportPrivateImportUsage]  # the hub's client decides whose

    try:
        folder = snapshot_download(repository, repo_type="dataset", allow_patterns=[pattern])
    except (OSError, ValueError, HTTPError) as error:
        why = str(error).strip().partition("\n")[0] or type(error).__name__
        raise DataError(
            f"the hub's data set {repository} can't be had: {why}",
            where=f"ingest.path: {repository}",
            rule="a local folder, or a data set that this machine can download",
            fix=fix,
        ) from error
    return Path(folder)
