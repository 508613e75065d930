import torch

from roadwork.train.timing import timing


def test_time_is_per_epoch_trained_here():
    found = timing(6.0, 4.5, 4, torch.device("cpu"))
    assert (found["seconds"], found["epochs"], found["seconds_per_epoch"]) == (6.0, 4, 1.5)
    assert found["seconds_of_gradient_steps"] == 4.5
    assert found["device"] == "cpu"
    assert found["threads"] == torch.get_num_threads()


def test_a_training_that_was_already_finished_has_no_pace():
    assert timing(0.4, 0.0, 0, torch.device("cpu"))["seconds_per_epoch"] is None
