"""The head: from the embeddings of an image's views, and its metadata, to roadwork or not.

Axes, here and in every file of this package: `image` one photograph of the batch · `view` one of its crops (12) ·
`token` one kept view inside the head (8) · `dim` channels · `head` one attention head · `class` none, roadwork.

    embeddings [image view 1280]
        │ standardisation  minus the usual of that view
        │ pruning          12 views → the best 8                → kept
        │ projection       1280 → 512, + which view it is
        │ pyramid          512, 256, 128 → 512
        │ attention × 4    views look at each other
        ├──────────────── view_classifier                       → view_logits
        │ view_fusion      8 tokens → one vector                → gates
        ├──────────────── weather_classifier                    → weather_logits
        │ fusion           ← metadata encoder [image 704]
        │ classifier       512 → 256 → 2                        → logits
"""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Float, Int64
from torch import Tensor, nn

from roadwork.model.classifier import Classifier
from roadwork.model.fusion import Fusion
from roadwork.model.gated_attention import GatedAttention
from roadwork.model.head_config import (
    HeadSpec,
)
from roadwork.model.metadata import Metadata, MetadataEncoder
from roadwork.model.projection import Projection
from roadwork.model.pruning import Pruning
from roadwork.model.pyramid import Pyramid
from roadwork.model.standardisation import InPieces, Standardisation, Unstandardised
from roadwork.model.view_fusion import ViewFusion, ViewMean

CLASSES = 2  # 0 none, 1 roadwork


class HeadOutput(NamedTuple):
    """What the head says about a batch of images; `token` runs over the kept views, in `kept`'s order."""

    logits: Float[Tensor, "image class"]
    view_logits: Float[Tensor, "image token class"]  # before the tokens are fused: for the consistency loss
    weather_logits: Float[Tensor, "image weather"]  # one per vocabulary value and NULL, from the pixels alone
    kept: Int64[Tensor, "image token"]  # view indices, ascending
    gates: Float[Tensor, "image token"]  # importance of each token in view fusion, 0 to 1


class Seen(NamedTuple):
    """What the pixels of a batch of images say."""

    vision: Float[Tensor, "image dim"]  # the fused tokens
    view_logits: Float[Tensor, "image token class"]
    weather_logits: Float[Tensor, "image weather"]
    kept: Int64[Tensor, "image token"]
    gates: Float[Tensor, "image token"]


class Head(nn.Module):
    """Everything that is trained. Its weights are drawn from torch's global generator: seed it before."""

    def __init__(self, spec: HeadSpec) -> None:
        super().__init__()
        config, dim, dropout = spec.head, spec.head.projection.dim, spec.head.dropout
        self.metadata_dropout = spec.metadata.dropout
        self.standardisation = (
            Standardisation(spec.views, spec.embedding_dim) if config.standardise else Unstandardised()
        )
        self.pruning = Pruning(config.pruning, spec.embedding_dim)
        self.projection = Projection(config.projection, spec.embedding_dim, spec.views)
        self.pyramid = Pyramid(config.pyramid, dim, dropout) if config.pyramid.enabled else nn.Identity()
        self.attention = nn.Sequential(
            *(GatedAttention(config.attention, dim, dropout) for _ in range(config.attention.layers))
        )
        self.view_classifier = nn.Linear(dim, CLASSES)
        self.view_fusion = (
            ViewFusion(config.view_fusion, dim, dropout, config.attention.backend)
            if config.view_fusion.enabled
            else ViewMean()
        )
        self.weather_classifier = Classifier(config.classifier, dim, spec.metadata.null_index("weather") + 1, dropout)
        self.metadata = MetadataEncoder(spec.metadata)
        self.fusion = Fusion(dim, spec.metadata.dim, dropout)
        self.classifier = Classifier(config.classifier, dim, CLASSES, dropout)

    def fit_standardisation(self, embeddings: Float[Tensor, "image view dim"] | InPieces) -> None:
        """Take the statistics of the first box from training images; does nothing where that box is switched off."""
        self.standardisation.fit(embeddings)

    def forward(
        self,
        embeddings: Float[Tensor, "image view dim"],
        metadata: Metadata,
        views: Int64[Tensor, "image view"] | None = None,
    ) -> HeadOutput:
        """Logits and side outputs. In training, the metadata of `metadata.dropout` of the images is hidden first.

        `views` is that of `look`. Every output is float32.
        """
        seen = self.look(embeddings, views)
        if self.training:
            metadata = metadata.hide_some(self.metadata_dropout)
        logits = self.decide(seen.vision, metadata)
        return HeadOutput(logits, seen.view_logits, seen.weather_logits, seen.kept, seen.gates)

    def look(
        self, embeddings: Float[Tensor, "image view dim"], views: Int64[Tensor, "image view"] | None = None
    ) -> Seen:
        """The upper part of the figure: all that the pixels say, whatever is known beside them.

        `views` says which views `embeddings` holds, indices ascending in each image, for images of which some are
        withheld; by default all in order. Where fewer are given than pruning keeps, all of them go on.

        Embeddings may be in any float type (the store's is float16); the residual stream and every output are float32.
        """
        unusual = self.standardisation(embeddings.float(), views)
        chosen, kept = self.pruning(unusual, views)
        tokens = self.projection(chosen, kept)
        tokens = self.pyramid(tokens)
        tokens = self.attention(tokens)
        view_logits = self.view_classifier(tokens).float()
        vision, gates = self.view_fusion(tokens)
        return Seen(vision, view_logits, self.weather_classifier(vision), kept, gates)

    def decide(self, vision: Float[Tensor, "image dim"], metadata: Metadata) -> Float[Tensor, "image class"]:
        """The lower part: logits of what was seen, in the light of `metadata`, none of which is hidden here."""
        return self.classifier(self.fusion(vision, self.metadata(metadata)))
