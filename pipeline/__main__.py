"""`python -m pipeline` and the console script `roadwork`."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from pipeline.app import app

    app()


if __name__ == "__main__":
    main()
