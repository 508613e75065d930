"""The columns of the tables of evidence: one row per image and view, in the images' order and the views'.

image_id, view (from 0), name; gate (0 where pruned), kept, logit (null where pruned), deletion: `ViewEvidence` says
what they mean. A table is of one head, so `kept` is yes or no. Before the head is calibrated there is no deletion yet,
but `margin`, that of the image with all its views, and `withheld`, that without this one.
"""

from __future__ import annotations

_VIEW = {"image_id": "str", "view": "int16", "name": "str", "gate": "float32", "kept": "bool", "logit": "float32"}

DTYPES = {**_VIEW, "deletion": "float32"}
MARGIN_DTYPES = {**_VIEW, "margin": "float64", "withheld": "float64"}
