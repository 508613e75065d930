"""Deletion points at the roadwork: on drawn scenes it is known where that is.

Everything is the real code, only small: 256 drawn scenes, a seeded random backbone of one block, five heads trained on
the train split and calibrated on val. The claim is made on test and holdout, which no head has seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch

from roadwork.config import parse_section, read_params
from roadwork.data.sources.sample.source import scene_objects, write_sample
from roadwork.embed.backbone import build_backbone, embed_views
from roadwork.embed.backbone_config import BackboneConfig
from roadwork.evaluate.calibration import fit_calibration
from roadwork.evaluate.ensemble import mean_margin
from roadwork.evaluate.margins import head_margins
from roadwork.evidence.evidence import find_evidence
from roadwork.train.config import TrainConfig
from roadwork.train.loss_config import LossConfig
from roadwork.train.pretrain import Pretraining, pretrain
from roadwork.train.pretrain_config import PretrainConfig
from roadwork.train.setting import Setting
from roadwork.views.decode import decode_rgb
from roadwork.views.geometry import view_boxes
from roadwork.views.resample import cut_views

pytestmark = pytest.mark.slow

SAMPLE = {"seed": 3, "images": 256, "max_width_px": 256}
SIZE_PX, HEADS = 96, 5
TILES = slice(1, 10)
SHOWS = 0.05
"""A tile shows roadwork when the boxes of its objects fill at least this share of it."""
PERMUTATIONS = 5000
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Pointing:
    """How often the tile with the largest deletion shows roadwork, beside what luck would reach.

    chance      a tile drawn evenly: the mean share of tiles that show roadwork. `p_chance` is exact: of a sum of
                Bernoulli draws, one per image with its own share
    elsewhere   the tile that was chosen in another image: what knowing the usual places alone reaches. `p_elsewhere`
                is from seeded permutations of the choices
    """

    images: int
    hits: float
    chance: float
    p_chance: float
    elsewhere: float
    p_elsewhere: float

    def __str__(self) -> str:
        return (
            f"of {self.images} photographs rightly called roadwork, the tile with the largest deletion shows roadwork "
            f"in {self.hits:.1%}\n"
            f"  a tile at random    {self.chance:.1%}   margin {self.hits - self.chance:+.1%}   "
            f"p = {self.p_chance:.1e} (exact)\n"
            f"  the usual places    {self.elsewhere:.1%}   margin {self.hits - self.elsewhere:+.1%}   "
            f"p = {self.p_elsewhere:.1e} ({PERMUTATIONS} permutations)"
        )


def pointing(deletions: np.ndarray, shows: np.ndarray) -> Pointing:
    """`deletions [image tile]` against `shows [image tile]`: does the tile show roadwork."""
    rows = np.arange(len(shows))
    chosen = deletions.argmax(axis=1)
    hits = int(shows[rows, chosen].sum())
    of_count = np.ones(1)
    for share in shows.mean(axis=1):
        of_count = np.convolve(of_count, [1 - share, share])
    rng = np.random.default_rng(0)
    moved = np.array([shows[rows, rng.permutation(chosen)].sum() for _ in range(PERMUTATIONS)])
    return Pointing(
        images=len(shows),
        hits=hits / len(shows),
        chance=float(shows.mean()),
        p_chance=float(of_count[hits:].sum()),
        elsewhere=float(moved.mean() / len(shows)),
        p_elsewhere=float((1 + (moved >= hits).sum()) / (1 + PERMUTATIONS)),
    )


def shown(index: int, width_px: int, height_px: int, boxes: np.ndarray) -> np.ndarray:
    """Whether each of `boxes` shows roadwork in image `index` of the sample."""
    covered = np.zeros((height_px, width_px), dtype=bool)
    for thing in scene_objects(**SAMPLE, index=index):
        covered[max(0, thing.top_px) : thing.bottom_px, max(0, thing.left_px) : thing.right_px] = True
    shares = [covered[top:bottom, left:right].mean() for left, top, right, bottom in boxes.tolist()]
    return np.array(shares) >= SHOWS


@pytest.fixture(scope="module")
def sample(tmp_path_factory, table_of):
    """Features of the drawn scenes, and for each image its boxes."""
    backbone = build_backbone(
        BackboneConfig(
            name="vit_small_patch16_224",
            weights="random",
            weights_sha256=None,
            kwargs={"depth": 1, "dynamic_img_size": True},
            pool="auto",
            precision="fp32",
        ),
        size_px=SIZE_PX,
        seed=5,
        device=CPU,
    )
    embeddings, boxes, records = [], [], []
    for record in write_sample(tmp_path_factory.mktemp("sample"), **SAMPLE, workers=1):
        rgb = decode_rgb(record.file, max_pixels=10_000_000)
        records.append(record.fields)
        boxes.append(view_boxes(rgb.shape[1], rgb.shape[0], grid=3, overlap=0.25))
        views = cut_views(rgb, boxes[-1], SIZE_PX)
        embeddings.append(embed_views(backbone, torch.from_numpy(views[None]))[0].half())
    labels = torch.tensor([fields["label"] for fields in records])
    split = np.array([fields["split"] for fields in records])
    return table_of(torch.stack(embeddings), labels, split), boxes


@pytest.fixture(scope="module")
def heads(sample, small_spec, tmp_path_factory, request):
    """Heads trained as the stage `pretrain` does, alike but for their seeds."""
    table, _ = sample
    sections = read_params(request.config.rootpath / "params.yaml")
    train = table.rows(table.split == "train")
    sampling = pd.DataFrame({"image_id": train.image_ids, "weight": 1.0, "distance_km": np.nan})
    config = PretrainConfig(
        lr=3e-4, weight_decay=0.01, epochs=20, warmup_steps=500, warmup_max_fraction=0.1, patience=5
    )
    spec = small_spec(dim=table.embeddings.shape[2], width=64)
    found = []
    for seed in range(HEADS):
        setting = Setting(
            train=TrainConfig(**(sections["train"] | {"precision": "fp32", "accumulation": 1, "device": "cpu"})),
            loss=parse_section(sections["loss"], "loss", LossConfig, where="params.yaml"),
            seed=seed,
            device=CPU,
        )
        plan = Pretraining(table=table, sampling=sampling, near_km=1.0, spec=spec, config=config, setting=setting)
        area = tmp_path_factory.mktemp("area") / "work"
        found.append(pretrain(plan, area=area, on_epoch=lambda record: None).head)
    return found


@pytest.fixture(scope="module")
def judged(sample, heads):
    """Deletions of the tiles of the photographs rightly called roadwork, and which of those tiles show it."""
    table, boxes = sample
    val = table.rows(table.split == "val")
    margins = mean_margin([head_margins(head, CPU)(val)["image_only"] for head in heads])
    calibration = fit_calibration(val.labels.numpy(), margins)
    unseen = np.flatnonzero(np.isin(table.split, ["test", "holdout"]) & (table.labels.numpy() == 1))
    evidence = find_evidence(heads, table.rows(unseen), calibration, hide_metadata=True, device=CPU)
    called = evidence.probabilities >= 0.5
    shows = [shown(row, *boxes[row][0, 2:].tolist(), boxes[row][TILES]) for row in unseen[called]]
    return evidence.deletions[called][:, TILES], np.array(shows)


def test_deletion_points_at_the_roadwork(judged, record_property):
    found = pointing(*judged)
    record_property("measured", str(found))
    assert found.images >= 25
    assert found.hits >= found.chance + 0.15
    assert found.p_chance < 1e-3
    assert found.hits > found.elsewhere
    assert found.p_elsewhere < 1e-2


def test_random_numbers_point_nowhere(judged):
    """The same measure on luck, twenty times: it stays about chance, and would not pass the test above."""
    _, shows = judged
    rng = np.random.default_rng(1)
    draws = [pointing(rng.normal(size=shows.shape), shows) for _ in range(20)]
    assert sum(draw.p_chance < 1e-3 for draw in draws) <= 1
    assert abs(np.mean([draw.hits - draw.chance for draw in draws])) < 0.07


def test_the_measure_on_known_answers():
    shows = np.zeros((40, 9), dtype=bool)
    shows[np.arange(40), np.arange(40) % 9] = True
    right = pointing(shows.astype(float), shows)
    assert (right.hits, right.p_elsewhere) == (1.0, 1 / (1 + PERMUTATIONS))
    assert right.chance == pytest.approx(1 / 9)
    assert right.p_chance == pytest.approx((1 / 9) ** 40)
    same = np.zeros((40, 9))
    same[:, 4] = 1.0
    assert pointing(same, shows).p_elsewhere == 1.0
    always = np.zeros((40, 9), dtype=bool)
    always[:, 4] = True
    usual = pointing(same, always)
    assert (usual.hits, usual.elsewhere, usual.p_elsewhere) == (1.0, 1.0, 1.0)
