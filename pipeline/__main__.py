"""`python -m pipeline` and the console script `roadwork`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; Ctrl-C before a command has begun ends it with 130, without a traceback."""
    try:
        from pipeline.app import app

        app()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
