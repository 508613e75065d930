"""The captured step on the CPU, where a stand-in repeats the step on fixed memory as a CUDA graph does."""

from dataclasses import replace

import pytest
import torch

from roadwork.errors import TrainingError
from roadwork.train.capture import CapturedStep, cuda_graph, steps_of
from roadwork.train.embeddings import Resident
from roadwork.train.epoch import train_epoch
from roadwork.train.optimizer import AdamW
from roadwork.train.pretrain import fresh_head
from roadwork.train.trainer import Trainer

EXACT = 2**-10  # a learning rate that float32 holds


@pytest.fixture
def make(spec, table, setting):
    """A trainer with dropout and hidden metadata: 44 images are 11 batches, two to a step, the last step smaller."""

    def make(table=table, device="cpu", **changes):
        head = fresh_head(spec, 1).to(device)
        return Trainer(
            head=head,
            forward=head,
            optimizer=AdamW(head, weight_decay=0.1),
            table=table.to(torch.device(device)),
            config=setting.train.model_copy(update={"batch_size": 4, "accumulation": 2, **changes}),
            loss=setting.loss,
            weather_null=3,
            lr=lambda step: EXACT * (step + 1),
        )

    return make


class Repeated:
    """What a graph is to its user: `replay` runs the step again and leaves its results where the first ones were."""

    def __init__(self):
        self.captures, self.replays = 0, 0

    def __call__(self, step):
        self.captures += 1
        step()
        results = step()

        def replay():
            self.replays += 1
            for old, new in zip(results, step(), strict=True):
                old.copy_(new)

        return replay, results


def two_epochs(trainer, step):
    means = []
    for epoch in (1, 2):
        torch.manual_seed(epoch)
        means.append(train_epoch(trainer, torch.arange(44), epoch=epoch, first_step=6 * (epoch - 1), step=step))
    return means


def assert_same_training(one, other):
    for left, right in (
        (one.head.state_dict(), other.head.state_dict()),
        (one.optimizer.state(), other.optimizer.state()),
    ):
        assert left.keys() == right.keys()
        assert all(torch.equal(left[name], right[name]) for name in left)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_captured_steps_are_the_steps(make, precision):
    eager, trainer, capture = make(precision=precision), make(precision=precision), Repeated()
    expected = two_epochs(eager, None)
    assert two_epochs(trainer, CapturedStep(trainer, capture=capture)) == expected
    assert_same_training(eager, trainer)
    assert (capture.captures, capture.replays) == (1, 10), "the smaller last step of each epoch is taken as it comes"


def test_the_capture_itself_moves_nothing(make):
    trainer = make()
    before = {name: tensor.clone() for name, tensor in trainer.head.state_dict().items()}
    generator = torch.get_rng_state()
    trainer.head.train()

    def only_captured(step):
        return (lambda: None), [step(), step()][1]

    CapturedStep(trainer, capture=only_captured)([torch.arange(4), torch.arange(4, 8)], EXACT, torch.zeros(()))
    assert all(torch.equal(tensor, before[name]) for name, tensor in trainer.head.state_dict().items())
    assert trainer.optimizer.moments
    assert not any(tensor.any() for tensor in trainer.optimizer.state().values())
    assert torch.equal(generator, torch.get_rng_state())


def test_results_of_a_step_outlive_the_next_one(make):
    trainer = make()
    trainer.head.train()
    step = CapturedStep(trainer, capture=Repeated())
    first = step([torch.arange(4), torch.arange(4, 8)], EXACT, torch.zeros(()))
    kept = first.parts.clone()
    step([torch.arange(8, 12), torch.arange(12, 16)], EXACT, torch.zeros(()))
    assert torch.equal(first.parts, kept)


def test_a_broken_step_is_named_and_none_is_taken_after_it(make, table):
    embeddings = table.embeddings.tensor.clone()
    embeddings[17, 2, 0] = float("nan")
    eager, captured = (make(replace(table, embeddings=Resident(embeddings))) for _ in range(2))
    errors = []
    for trainer, step in ((eager, None), (captured, CapturedStep(captured, capture=Repeated()))):
        torch.manual_seed(1)
        with pytest.raises(TrainingError) as caught:
            train_epoch(trainer, torch.arange(44), epoch=1, first_step=0, step=step)
        errors.append(caught.value)
    assert errors[0].where == errors[1].where
    assert "optimizer step 3, batch 5 of 11" in errors[1].where
    assert_same_training(eager, captured)


@pytest.mark.parametrize("mode", ["off", "default", "max-autotune"])
def test_on_the_cpu_nothing_is_captured(make, mode):
    trainer = make(compile=mode)
    assert not isinstance(steps_of(trainer), CapturedStep)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_cuda_graph_trains_as_the_steps_do(make, precision):
    eager, trainer = (make(device="cuda:0", precision=precision) for _ in range(2))
    expected = two_epochs(eager, None)
    means = two_epochs(trainer, CapturedStep(trainer, capture=cuda_graph))
    for one, other in zip(means, expected, strict=True):
        assert [float(part) for part in one] == pytest.approx([float(part) for part in other], rel=1e-3)
    for one, other in zip(trainer.head.parameters(), eager.head.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-3)
