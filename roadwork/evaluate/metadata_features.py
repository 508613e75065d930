"""What is known about a photograph besides its pixels, as plain numbers for the metadata-only baseline."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roadwork.model.metadata import Metadata
from roadwork.model.metadata_config import MetadataConfig


def metadata_features(metadata: Metadata, config: MetadataConfig) -> NDArray[np.float64]:
    """`[image feature]` of the fields that `config.fields` uses.

    gps: the position on the unit sphere (zeros where absent) and a presence flag; weather, daytime, scene: one-hot, the
    last column being NULL; text: the sentence vector (zeros where absent) and a presence flag. No field at all gives
    one constant column.
    """
    columns = [np.zeros((len(metadata.gps_present), 0 if config.fields else 1))]
    for field in config.fields:
        if field == "gps":
            lat, lon = np.radians(metadata.gps_deg.cpu().numpy().astype(np.float64)).T
            sphere = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
            present = metadata.gps_present.cpu().numpy()[:, None]
            columns += [sphere * present, present]
        elif field == "text":
            text = metadata.text.cpu().numpy()
            columns += [text, np.any(text != 0, axis=1, keepdims=True)]
        else:
            values = getattr(config.vocabularies, field).values
            columns.append(np.eye(len(values) + 1)[getattr(metadata, field).cpu().numpy()])
    return np.concatenate(columns, axis=1, dtype=np.float64)
