import os
from dataclasses import replace

import pytest
import torch
from torch._inductor import config as inductor

from roadwork.config import parse_section, read_params
from roadwork.errors import CapabilityError, ParameterError
from roadwork.train.config import TrainConfig
from roadwork.train.pretrain import pretrain
from roadwork.train.reproducible import reproducible

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"


def settings():
    cudnn = torch.backends.cudnn
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        inductor.deterministic,
        cudnn.deterministic,
        cudnn.benchmark,
        os.environ.get(WORKSPACE),
    )


@pytest.fixture
def other_settings(monkeypatch):
    """What a program might have chosen before; put back at the end."""
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    monkeypatch.setenv(WORKSPACE, "of its own")
    torch.use_deterministic_algorithms(True, warn_only=True)
    inductor.deterministic = False
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize("leave", [None, KeyboardInterrupt])
def test_deterministic_inside_and_as_before_after(other_settings, leave):
    before = settings()
    try:
        with reproducible(True, CUDA, compiled=True):
            assert settings() == (True, False, True, True, False, ":4096:8")
            if leave is not None:
                raise leave
    except KeyboardInterrupt:
        pass
    assert settings() == before


def test_a_workspace_that_will_do_is_kept(monkeypatch):
    monkeypatch.setenv(WORKSPACE, ":16:8")
    with reproducible(True, CUDA, compiled=True):
        assert os.environ[WORKSPACE] == ":16:8"
    monkeypatch.delenv(WORKSPACE)
    with reproducible(True, CUDA, compiled=True):
        assert os.environ[WORKSPACE] == ":4096:8"
    assert WORKSPACE not in os.environ
    with reproducible(True, CPU, compiled=False):
        assert WORKSPACE not in os.environ, "the CPU has no use for it"


def test_inductors_switch_is_left_alone_where_nothing_is_compiled():
    inductor.deterministic = False
    with reproducible(True, CPU, compiled=False):
        assert torch.are_deterministic_algorithms_enabled()
        assert not inductor.deterministic


def test_not_wanted_changes_nothing():
    before = settings()
    with reproducible(False, CUDA, compiled=True):
        assert settings() == before


def test_an_operation_without_a_deterministic_kernel_is_refused():
    message = r"(?s)put_.*train\.reproducible.*set train\.reproducible to false"
    with pytest.raises(CapabilityError, match=message), reproducible(True, CPU, compiled=False):
        torch.zeros(3).put_(torch.tensor([0, 0]), torch.ones(2))
    torch.zeros(3).put_(torch.tensor([0, 0]), torch.ones(2))


def test_other_faults_pass_as_they_are():
    with pytest.raises(RuntimeError, match="size of tensor"), reproducible(True, CPU, compiled=False):
        torch.ones(2) + torch.ones(3)


def wanted(plan, value):
    train = plan.setting.train.model_copy(update={"reproducible": value})
    return replace(plan, setting=replace(plan.setting, train=train))


@pytest.mark.parametrize("value", [True, False])
def test_all_of_a_training_runs_under_it_and_its_head_says_so(pretraining, tmp_path, ignore, monkeypatch, value):
    from roadwork.train import loop

    seen = []
    for name in ("train_epoch", "validate"):
        real = getattr(loop, name)

        def watched(*args, real=real, **kwargs):
            seen.append(torch.are_deterministic_algorithms_enabled())
            return real(*args, **kwargs)

        monkeypatch.setattr(loop, name, watched)
    trained = pretrain(wanted(pretraining, value), area=tmp_path, on_epoch=ignore)
    assert seen == [value] * 12
    assert trained.details["reproducible"] is value
    assert not torch.are_deterministic_algorithms_enabled()


def test_on_the_cpu_it_changes_no_bit(pretraining, tmp_path, ignore):
    one, two = (
        pretrain(wanted(pretraining, value), area=tmp_path / str(value), on_epoch=ignore) for value in (True, False)
    )
    assert one.details["history"] == two.details["history"]


def section(params, **changes):
    return parse_section(read_params(params)["train"] | changes, "train", TrainConfig, where=params)


def test_timed_kernels_cannot_be_reproducible(params):
    assert section(params).reproducible
    with pytest.raises(ParameterError) as caught:
        section(params, compile="max-autotune")
    message = str(caught.value)
    assert "by timing them" in message
    assert "Set train.compile to default, or train.reproducible to false" in message
    assert section(params, compile="default").compile == "default"
    assert section(params, compile="max-autotune", reproducible=False).compile == "max-autotune"


def test_xformers_refuses_its_own_kernels_that_are_not_deterministic():
    """What `reproducible` relies on: of xFormers' backward operators for CUDA only PyTorch's is left."""
    fmha = pytest.importorskip("xformers.ops.fmha")
    assert not fmha.flash.BwOp.IS_DETERMINISTIC
    assert fmha.cutlass.BwOp.IS_DETERMINISTIC
    x = torch.zeros(1, 8, 1, 64, dtype=torch.bfloat16, device="meta", requires_grad=True)
    given = fmha.Inputs(x, x, x)

    def refusals(operator):
        return [reason for reason in operator.not_supported_reasons(given) if "non-deterministic" in reason]

    with reproducible(True, CPU, compiled=False):
        assert refusals(fmha.flash.BwOp)
        assert not refusals(fmha.cutlass.BwOp)
    assert not refusals(fmha.flash.BwOp)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_equal_trainings_on_a_gpu_give_equal_bits(pretraining, tmp_path, ignore, precision):
    train = pretraining.setting.train.model_copy(update={"precision": precision})
    plan = replace(pretraining, setting=replace(pretraining.setting, train=train, device=torch.device("cuda:0")))
    try:
        one, two = (pretrain(plan, area=tmp_path / name, on_epoch=ignore) for name in ("one", "two"))
    except CapabilityError as error:
        if "CUBLAS" not in str(error):
            raise
        pytest.skip("another test of this process used cuBLAS before, without the fixed workspace")
    assert one.details == two.details
    assert all(torch.equal(a, b) for a, b in zip(one.head.parameters(), two.head.parameters(), strict=True))
