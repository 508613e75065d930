"""Plain attention-based multiple-instance learning: the simplest head that may look at some views more than at others.

Ilse, Tomczak and Welling 2018, "Attention-based Deep Multiple Instance Learning" (arXiv 1802.04712), the gated variant:
a photograph is a bag, its views are the instances.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from roadwork.errors import TrainingError
from roadwork.evaluate.config import AttentionMilConfig
from roadwork.evaluate.selection import validation_score
from roadwork.model.standardisation import Standardisation
from roadwork.seeding import derive
from roadwork.train.early_stopping import Score, best_index, should_stop

_INFERENCE_IMAGES = 256


class AttentionMil(nn.Module):
    """Standardised views `h_k`, weighted by attention, summed, and classified linearly.

    `a_k ∝ exp(wᵀ (tanh(V h_k) ⊙ sigm(U h_k)))` over the views (equation 9); margin = `cᵀ Σ a_k h_k + b`.
    """

    def __init__(self, standardisation: Standardisation, hidden: int) -> None:
        super().__init__()
        dim = len(standardisation.scale)
        self.standardisation = standardisation
        self.content = nn.Linear(dim, hidden, bias=False)  # V
        self.gate = nn.Linear(dim, hidden, bias=False)  # U
        self.weight = nn.Linear(hidden, 1, bias=False)  # w
        self.classifier = nn.Linear(dim, 1)

    def attention(self, standardised: Tensor) -> Tensor:
        """The weight of each view `[image view]`, summing to 1, from `standardised [image view dim]`."""
        gated = torch.tanh(self.content(standardised)) * torch.sigmoid(self.gate(standardised))
        return self.weight(gated).squeeze(-1).softmax(dim=1)

    def forward(self, embeddings: Tensor) -> Tensor:
        """The margin (log odds of roadwork) of each image `[image]`, from `embeddings [image view dim]`."""
        views = self.standardisation(embeddings)
        image = (self.attention(views).unsqueeze(-1) * views).sum(dim=1)
        return self.classifier(image).squeeze(-1)


class FittedMil(NamedTuple):
    """A trained model, and what was chosen on val: learning rate, weight decay, epochs of training."""

    model: AttentionMil
    chosen: dict[str, float | int]

    def margins(self, embeddings: NDArray) -> NDArray[np.float64]:
        """The margin of each image `[image]`, from `embeddings [image view dim]`."""
        return _margins(self.model, torch.from_numpy(embeddings))


def fit_attention_mil(
    views: dict[str, NDArray], labels: dict[str, NDArray[np.int64]], config: AttentionMilConfig, *, seed: int
) -> FittedMil:
    """Train on `train` with cross-entropy, one run for each pair of learning rate and weight decay, on the CPU.

    `views [image view dim]` and `labels [image]` (0 or 1) by split. Every run starts from the same weights and sees the
    same order of images. Which run and which of its epochs is kept `val` alone decides (`validation_score`).
    Equal seeds give equal weights on one machine. Raises TrainingError where a learning rate is so high that the
    margins are no numbers any more.
    """
    embeddings = {split: torch.from_numpy(views[split]) for split in ("train", "val")}
    standardisation = Standardisation(*views["train"].shape[1:])
    standardisation.fit(embeddings["train"])
    known = {split: torch.from_numpy(labels[split]).float() for split in ("train", "val")}
    runs = [
        _Run(standardisation, embeddings, known, config, seed).train(lr, decay)
        for lr, decay in product(sorted(config.lr), sorted(config.weight_decay, reverse=True))
    ]
    return runs[best_index([score for score, _ in runs])][1]


class _Run(NamedTuple):
    standardisation: Standardisation
    embeddings: dict[str, Tensor]
    labels: dict[str, Tensor]
    config: AttentionMilConfig
    seed: int

    def train(self, lr: float, weight_decay: float) -> tuple[Score, FittedMil]:
        """The best epoch of one run, and its score on val."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(derive(self.seed, "weights"))
            model = AttentionMil(self.standardisation, self.config.hidden)
        optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay)
        order = torch.Generator().manual_seed(derive(self.seed, "order"))
        scores: list[Score] = []
        kept = model.state_dict()
        for epoch in range(1, self.config.epochs + 1):
            for batch in torch.randperm(len(self.labels["train"]), generator=order).split(self.config.batch_size):
                margins = model(self.embeddings["train"][batch])
                optimizer.zero_grad()
                binary_cross_entropy_with_logits(margins, self.labels["train"][batch]).backward()
                optimizer.step()
            scores.append(self._score(model, lr, epoch))
            if best_index(scores) == len(scores) - 1:
                kept = {name: value.clone() for name, value in model.state_dict().items()}
            if should_stop(scores, self.config.patience):
                break
        model.load_state_dict(kept)
        best = best_index(scores)
        return scores[best], FittedMil(model, {"lr": lr, "weight_decay": weight_decay, "epochs": best + 1})

    def _score(self, model: AttentionMil, lr: float, epoch: int) -> Score:
        margins = _margins(model, self.embeddings["val"])
        bad = int((~np.isfinite(margins)).sum())
        if bad:
            raise TrainingError(
                f"the attention-MIL baseline went wrong: {bad} of {len(margins)} margins on val are no numbers",
                where=f"params.yaml: evaluate.attention_mil.lr {lr:g}, epoch {epoch}",
                rule="margins are finite",
                fix=f"take {lr:g} out of evaluate.attention_mil.lr, or lower it",
            )
        return validation_score(self.labels["val"].numpy(), margins)


def _margins(model: AttentionMil, embeddings: Tensor) -> NDArray[np.float64]:
    with torch.inference_mode():
        return torch.cat([model(part) for part in embeddings.split(_INFERENCE_IMAGES)]).double().numpy()
