import pandas as pd

from roadwork.evidence.columns import DTYPES
from roadwork.evidence.importance import view_importance


def test_known_answer():
    rows = [
        ("a", 0, "global", 0.5, True, 0.3, 0.25),
        ("a", 1, "tile_1_1", 0.0, False, None, 0.0),
        ("b", 0, "global", 0.25, True, -0.1, -0.75),
        ("b", 1, "tile_1_1", 0.5, True, 0.2, 1 / 3),
    ]
    frame = pd.DataFrame(rows, columns=list(DTYPES)).astype(DTYPES)
    assert view_importance(frame) == {
        "global": {"gate": 0.375, "kept": 1.0, "deletion": 0.5, "toward": -0.25},
        "tile_1_1": {"gate": 0.25, "kept": 0.5, "deletion": 0.166667, "toward": 0.166667},
    }


def test_views_keep_their_order():
    names = ["global", "tile_1_1", "center", "right"]
    rows = [(image, place, name, 0.5, True, 0.0, 0.0) for image in "ab" for place, name in enumerate(names)]
    frame = pd.DataFrame(rows, columns=list(DTYPES)).astype(DTYPES)
    assert list(view_importance(frame)) == names
