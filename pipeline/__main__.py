"""`python -m pipeline` and the console script `roadwork`."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line; Ctrl-C before a command has begun ends it with 130, without a traceback.

    OpenMP reads its settings when PyTorch is first imported, so they are made here. Its threads wait by spinning, which
    on a machine whose cores others use as well makes a training many times slower; passive ones sleep. The sums are
    the same.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        from pipeline.app import app

        app()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
