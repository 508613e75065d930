"""Links of `roadwork verify`: the two feature stores and the embedding cache."""

from __future__ import annotations

from pipeline.paths import EMBED_IMAGES_METRICS, IMAGE_STORE, TEXT_STORE
from pipeline.verification.project import Project
from roadwork.cache_root import cache_root
from roadwork.data.row_order import check_order
from roadwork.embed.backbone_config import BackboneConfig
from roadwork.embed.blocks import blocks_in
from roadwork.embed.cache import FOLDER
from roadwork.embed.text_config import TextConfig
from roadwork.errors import StoreError
from roadwork.verify.cache_blocks import check_blocks
from roadwork.verify.fault import Faults
from roadwork.verify.metrics_file import check_told
from roadwork.verify.provenance import (
    IMAGE_FACTS,
    TEXT_FACTS,
    check_attributes,
    check_image_provenance,
    check_text_provenance,
)
from roadwork.verify.vectors import check_image_vectors, check_text_vectors
from roadwork.verify.walk import Link
from roadwork.views.geometry import ViewsConfig


def feature_links(project: Project) -> list[Link]:
    """The links from the backbone to the stores."""

    def images(faults: Faults) -> str:
        store, where = project.images, str(IMAGE_STORE)
        count, views, dim = store.embeddings.shape
        config = project.section("views", ViewsConfig)
        _rows(project, store.image_ids, faults, where=where, stage="embed_images")
        if views != config.grid**2 + 3:
            raise StoreError(
                f"the store holds {views} views of an image, views.grid gives {config.grid**2 + 3}",
                where=f"{where}: embeddings",
                rule="features and parameters belong together",
                fix="run `roadwork embed_images` again",
            )
        digest = None if project.known_manifest is None else project.known_manifest.digest
        check_attributes(store.attributes, IMAGE_FACTS, digest, faults, where=where, stage="embed_images")
        backbone = project.section("backbone", BackboneConfig)
        check_image_provenance(store.attributes["provenance"], backbone, config, faults, where=where)
        shortest, longest = check_image_vectors(store.embeddings, store.image_ids, faults, where=f"{where}: embeddings")
        with faults.noted():
            told = {"rows": count, "views": views, "dim": dim, "fingerprint": store.attributes["fingerprint"]}
            metrics = project.metrics(EMBED_IMAGES_METRICS, "embed_images")
            check_told(metrics, told, faults, where=str(EMBED_IMAGES_METRICS), of="the store", stage="embed_images")
        return f"{count} × {views} × {dim}, lengths {shortest:.3g} to {longest:.3g}"

    def cache(faults: Faults) -> str:
        store = project.images
        folder = cache_root() / FOLDER / str(store.attributes["fingerprint"])
        return check_blocks(blocks_in(folder), store.embeddings, store.image_ids, faults, where=str(IMAGE_STORE))

    def text(faults: Faults) -> str:
        store, where = project.text, str(TEXT_STORE)
        frame = project.known_frame
        same = _rows(project, store.image_ids, faults, where=where, stage="embed_text")
        digest = None if project.known_manifest is None else project.known_manifest.digest
        check_attributes(store.attributes, TEXT_FACTS, digest, faults, where=where, stage="embed_text")
        provenance = store.attributes["provenance"]
        check_text_provenance(provenance, project.section("text", TextConfig), faults, where=where)
        descriptions = frame["description"].tolist() if frame is not None and same else None
        check_text_vectors(
            store.embeddings, store.present, descriptions, store.image_ids, faults, where=f"{where}: embeddings"
        )
        return f"{len(store.image_ids)} rows, {int(store.present.sum())} with a sentence"

    return [
        Link("image store", "embed_images", [IMAGE_STORE], ("manifest", "views"), images),
        Link("embedding cache", "embed_images", [IMAGE_STORE], ("image store",), cache),
        Link("text store", "embed_text", [TEXT_STORE], ("manifest",), text),
    ]


def _rows(project: Project, image_ids: list[str], faults: Faults, *, where: str, stage: str) -> bool:
    """Whether the rows are the manifest's, as far as that can be told."""
    if project.known_ids is None:
        return False
    before = len(faults.found)
    with faults.noted():
        check_order(image_ids, project.known_ids, where=f"{where}: image_id", stage=stage)
    return len(faults.found) == before
