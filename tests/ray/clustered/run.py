"""`python -m clustered.run FOLDER COUNT`: embed COUNT photographs of FOLDER/photographs on a cluster of this run."""

from __future__ import annotations

import sys
from pathlib import Path

from clustered.tiny import embed_config, photographs, run_ray
from roadwork.stopping import Terminated


def main(folder: Path, count: int) -> None:
    try:
        run_ray(photographs(folder / "photographs", count), folder, embed_config(block_images=4))
    except Terminated:
        sys.exit(143)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
