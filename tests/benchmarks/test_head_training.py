from dataclasses import replace

import pytest
import torch

from benchmarks.rivals import plain_training
from benchmarks.row import Scale, UnequalError
from benchmarks.rows import head_training

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """72 images: three batches, the last one smaller; the head at toy sizes."""
    world = head_training.make_world(tmp_path_factory.mktemp("world"), images=72, device=CPU)
    head = world.spec.head
    small = head.model_copy(
        update={
            "pruning": head.pruning.model_copy(update={"hidden": 8}),
            "projection": head.projection.model_copy(update={"dim": 16}),
            "pyramid": head.pyramid.model_copy(update={"dims": (16, 8)}),
            "attention": head.attention.model_copy(update={"layers": 1, "heads": 2}),
            "view_fusion": head.view_fusion.model_copy(update={"heads": 2, "gate_hidden": 8}),
            "classifier": head.classifier.model_copy(update={"hidden": 8}),
        }
    )
    return replace(world, spec=world.spec.model_copy(update={"head": small}))


@pytest.fixture(autouse=True)
def _one_thread(one_thread):
    """Small tensors."""


def test_the_rival_reads_what_we_have_in_memory(world):
    for features in (world.features, world.in_memory):
        for row in (0, 40, 71):
            item = features[row]
            assert torch.equal(item["embedding"], world.table.embeddings.tensor[row].float())
            assert item["label"] == int(world.table.labels[row])
            assert all(
                torch.equal(value, getattr(world.table.metadata, name)[row]) for name, value in item["metadata"].items()
            )
    assert not isinstance(world.features.embeddings, type(world.in_memory.embeddings))


def test_both_loops_train_alike(world):
    even = replace(world, table=world.table.rows(range(64)))
    head_training.check_equal(even)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda world: replace(world, loss=world.loss.model_copy(update={"gamma": 1.9})),
        lambda world: replace(world, rates=world.rates.model_copy(update={"lr": 0.1})),
    ],
    ids=["another loss", "another rate"],
)
def test_a_rival_that_computes_something_else_is_noticed(world, monkeypatch, wrong):
    even = replace(world, table=world.table.rows(range(64)))
    real, other = head_training._rivals_parameters, wrong(even)
    monkeypatch.setattr(head_training, "_rivals_parameters", lambda world: real(wrong(world)))
    optimizer = head_training.plain_optimizer
    monkeypatch.setattr(head_training, "plain_optimizer", lambda head, rates: optimizer(head, other.rates))
    with pytest.raises(UnequalError):
        head_training.check_equal(even)


def test_the_rival_steps_by_groups_and_logs_each_batch(world):
    trainer = head_training.new_trainer(world)
    optimizer = plain_training.plain_optimizer(trainer.head, world.rates)
    log = plain_training.plain_epoch(
        trainer.head, optimizer, world.features, range(72), **head_training._rivals_parameters(world)
    )
    assert len(log) == 3
    assert {int(state["step"]) for state in optimizer.state.values()} == {2}


def test_the_pace_is_played_through_with_the_times_measured():
    share, saves = head_training.played(1.0, 0.1, 1, epochs=100)
    assert 0.03 < share <= 0.05 + 0.001
    assert saves == pytest.approx(share * (100 + 0.1 * saves) / 0.1)
    assert head_training.played(60.0, 0.1, 1, epochs=30)[1] == 30
    assert head_training.played(0.1, 0.1, 200_000_000, epochs=30) == (0.0, 0)


def test_the_rows_carry_their_targets(world, monkeypatch):
    monkeypatch.setattr(head_training, "make_world", lambda folder, *, images, device: world)
    monkeypatch.setattr(head_training, "check_equal", lambda world: None)
    rows = {row.name.split(".")[1]: row for row in head_training.measure(Scale(quick=True))}
    targets = {name: row.target and (row.target.kind, row.target.value) for name, row in rows.items()}
    assert targets == {
        "samples_per_second": ("at least", 1.5),
        "samples_from_memory": None,
        "overhead": ("at most", 1.05),
        "saving": ("at most", 0.05),
    }
    assert all(row.figure is not None for row in rows.values())
