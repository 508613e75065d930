from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from roadwork.model.classifier import Classifier
from roadwork.model.head_config import ClassifierConfig

pytestmark = pytest.mark.usefixtures("seeded")


def test_the_formula():
    block, x = Classifier(ClassifierConfig(hidden=4), dim=6, classes=3, dropout=0.0), torch.randn(2, 6)
    first, _, _, last = block.layers
    torch.testing.assert_close(block(x), last(F.gelu(first(x))))


def test_dropout_acts_in_training_only():
    block, x = Classifier(ClassifierConfig(hidden=64), dim=6, classes=3, dropout=0.5), torch.randn(2, 6)
    assert not torch.equal(block(x), block(x))
    block.eval()
    assert torch.equal(block(x), block(x))


def test_logits_are_not_rounded_under_autocast():
    block, x = Classifier(ClassifierConfig(hidden=4), dim=6, classes=3, dropout=0.0), torch.randn(2, 6)
    with torch.autocast("cpu", torch.bfloat16):
        logits = block(x)
    assert logits.dtype == torch.float32
    assert torch.equal(logits, block(x))
