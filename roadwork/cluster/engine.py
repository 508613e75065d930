"""Embedding on a Ray cluster."""

# pyright: reportMissingImports=false
# Ray is an extra.

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack

from roadwork.cluster.backbone_task import backbone_task
from roadwork.cluster.cluster import Cluster
from roadwork.cluster.model_task import ModelTask
from roadwork.draft import drafted
from roadwork.embed.assembly import WriteJob, Written
from roadwork.embed.backbone_config import BackboneConfig
from roadwork.embed.cache import EmbeddingCache
from roadwork.embed.config import EmbedConfig
from roadwork.embed.engine import Engine
from roadwork.embed.photograph import Photograph
from roadwork.embed.worklist import Worklist
from roadwork.errors import CapabilityError, PhotographError
from roadwork.progress import note
from roadwork.storage.place import is_remote
from roadwork.views.geometry import ViewsConfig

_MOST_AT_ONCE = 2**20
"""Photographs of one execution: what of them waits in the cluster's memory is 400 bytes each."""
_MOST_FRUITLESS = 3
_PAUSE_S = 5.0
"""After an attempt that brought nothing: a cluster that is losing nodes needs a moment to know it."""


class RayEngine(Engine):
    """CPU processes decode and cut, others embed and append finished blocks to the cache, on every node."""

    def __init__(
        self,
        cluster: Cluster,
        *,
        embed: EmbedConfig,
        backbone: BackboneConfig,
        views: ViewsConfig,
        seed: int,
        cache: EmbeddingCache,
    ) -> None:
        self._cluster, self._cache = cluster, cache
        self._embed, self._backbone, self._views, self._seed = embed, backbone, views, seed

    @property
    def name(self) -> str:
        """As `embed.engine` names it."""
        return "ray"

    @property
    def piece(self) -> None:
        """All at once: the cluster shares them out."""
        return None

    def compute(self, work: Worklist) -> None:
        """Embed what `work` gives, again and again where nodes go, as long as that brings something about.

        Raises the errors of `pools_for` and of the processes' own, those of a photograph excepted, and CapabilityError
        where the cluster finishes nothing, in three attempts or in ten minutes in which it has no room.
        """
        photographs, fruitless = list(work), 0
        while photographs:
            left: list[Photograph] = []
            for start in range(0, len(photographs), _MOST_AT_ONCE):
                left += self._compute(photographs[start : start + _MOST_AT_ONCE], work)
            fruitless = fruitless + 1 if len(left) == len(photographs) else 0
            if fruitless == _MOST_FRUITLESS:
                raise _standing_still(len(left))
            if left:
                note(f"{len(left)} images were lost on the way: they are embedded again")
            if fruitless:
                time.sleep(_PAUSE_S)
            photographs = left

    def write(self, jobs: Iterable[WriteJob]) -> Iterator[Written]:
        """Each job as a task on some node; a store that only this machine sees is written here."""
        from roadwork.cluster.assembling import spread

        return spread(jobs, cpus=sum(node.cpus for node in self._cluster.nodes()))

    def _compute(self, photographs: Sequence[Photograph], work: Worklist) -> list[Photograph]:
        """Run them through the cluster once; those that are neither in the cache nor failed."""
        from ray.exceptions import RayError, RayTaskError

        from roadwork.cluster.dataset import results
        from roadwork.cluster.told_error import as_error
        from roadwork.cluster.watch import NodesGoneError, NoRoomError

        left = {photo.image_id: photo for photo in photographs}
        with ExitStack() as stack:
            stream = results(photographs, **self._tasks(photographs, stack))
            stack.callback(stream.close)  # pyright: ignore[reportAttributeAccessIssue]  a generator
            try:
                for block in stream:
                    work.add([image_id for image_id, text in block if text is None and image_id in left])
                    for image_id, text in block:
                        photo = left.pop(image_id, None)
                        error = None if text is None else as_error(text)
                        if isinstance(error, PhotographError) and photo is not None:
                            work.fail(photo, error)
                        elif error is not None and not isinstance(error, PhotographError):
                            raise error
                    work.beat()
            except NodesGoneError as gone:
                note(f"WARNING: the cluster has lost {gone}: what its nodes were at is embedded on the others")
            except NoRoomError:
                note("WARNING: the cluster had no room for ten minutes")
                if len(left) == len(photographs):
                    raise _standing_still(len(left)) from None
            except RayTaskError as error:
                if not isinstance(error.cause, RayError):
                    raise  # a bug, which keeps its traceback
                note(f"WARNING: {_first_line(error.cause)}")
            except RayError as error:
                note(f"WARNING: {_first_line(error)}")
        if left:  # blocks that were finished when the execution ended
            found = self._cache.lookup(list(left))
            work.add(image_id for image_id in left if image_id in found)
            left = {image_id: photo for image_id, photo in left.items() if image_id not in found}
        return list(left.values())

    def _tasks(self, photographs: Sequence[Photograph], stack: ExitStack) -> dict:
        """What the processes have to know, and how many there are."""
        from roadwork.cluster.cutter import CutterTask
        from roadwork.cluster.node_sight import Sight, sight_of_photographs

        embed, views = self._embed, self._views
        pools = self._cluster.pools(embed.ray, device=embed.device)
        sights: tuple[Sight, ...] = ()
        if not is_remote(self._cache.folder):  # a folder of this moment: an older cache of a node's own has none
            draft = stack.enter_context(drafted(self._cache.folder / "run"))  # pyright: ignore[reportArgumentType]
            sights = (Sight(str(draft.absolute()), "the embedding cache", "ROADWORK_CACHE"),)
        backbone = backbone_task(
            self._backbone,
            size_px=views.size_px,
            seed=self._seed,
            on_gpu=pools.model_gpus > 0,
            compile=embed.compile,
        )
        root = self._cache.root
        return {
            "pools": pools,
            "cutter": CutterTask(
                views.size_px, embed.timeout_s, sight_of_photographs([photo.path for photo in photographs])
            ),
            "model": ModelTask(
                backbone,
                views,
                dict(self._cache.fingerprint.fields),
                str(root if is_remote(root) else root.absolute()),
                sights,
                embed.batch_images,
                embed.timeout_s,
            ),
            "decode_images": embed.ray.decode_images,
            "block_images": embed.block_images,
        }


def _standing_still(count: int) -> CapabilityError:
    return CapabilityError(
        f"the cluster finished none of {count} images",
        where="embed.engine: ray; the warnings above, and the cluster's dashboard, say what became of its processes",
        rule="an attempt that loses nodes or processes is repeated, three times where it brings nothing about",
        fix="look at the nodes' memory and logs, and whether RAY_AUTH_MODE is the same here as where they were "
        "started; add nodes, or set embed.engine to local; finished rows are kept",
    )


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {(str(error).strip() or 'no message').splitlines()[0]}"
