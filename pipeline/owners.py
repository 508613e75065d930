"""Which class owns which section of `params.yaml`.

Only documentation, the doctor and the tests look here: a stage imports its own config class directly, so that a change
to one owner never re-runs another owner's stage.
"""

from __future__ import annotations

from importlib import import_module

from roadwork.config import Section

OWNERS = {
    "ingest": "roadwork.data.ingest_config:IngestConfig",
    "views": "roadwork.views.geometry:ViewsConfig",
    "backbone": "roadwork.embed.backbone_config:BackboneConfig",
    "embed": "roadwork.embed.config:EmbedConfig",
    "text": "roadwork.embed.text_config:TextConfig",
    "metadata": "roadwork.model.metadata_config:MetadataConfig",
    "sampling": "roadwork.data.sampling_config:SamplingConfig",
    "head": "roadwork.model.head_config:HeadConfig",
    "loss": "roadwork.train.loss_config:LossConfig",
    "train": "roadwork.train.config:TrainConfig",
    "pretrain": "roadwork.train.pretrain_config:PretrainConfig",
    "finetune": "roadwork.train.finetune_config:FinetuneConfig",
    "ensemble": "roadwork.evaluate.ensemble_config:EnsembleConfig",
    "evaluate": "roadwork.evaluate.config:EvaluateConfig",
    "report": "roadwork.report.config:ReportConfig",
}


def owner(section: str) -> type[Section]:
    """The config class of `section`."""
    module, name = OWNERS[section].split(":")
    return getattr(import_module(module), name)
