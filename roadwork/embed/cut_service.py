"""What the process of an IsolatedCutter does: a question about a photograph has it read, an empty one has it cut."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from roadwork.data.below import heard
from roadwork.embed.photograph import Photograph
from roadwork.embed.view_cutter import FIX, cut_content, read_verified
from roadwork.errors import PhotographError, RoadworkError, StoreError
from roadwork.isolation.memory import bound_memory, data_bytes, unbound_memory
from roadwork.isolation.process import Answer
from roadwork.isolation.shared_buffer import SharedBuffer
from roadwork.views.decoder import CpuDecoder, Decoder

if TYPE_CHECKING:
    from roadwork.embed.isolated_cutter import MakeDecoder


def cut_answers(buffer: SharedBuffer, size_px: int, decoder: Literal["cpu"] | MakeDecoder) -> Answer:
    """What answers, as JSON: nothing of a photograph that is read or cut, else its error. The views are in `buffer`."""
    torch.set_num_threads(1)
    decoding = CpuDecoder() if decoder == "cpu" else decoder()
    held: list[tuple[Photograph, bytes]] = []

    def answer(request: bytes) -> bytes:
        question = json.loads(request)
        try:
            if question:
                held.clear()
                unbound_memory()
                photo = _asked(question)
                held.append((photo, read_verified(photo)))
            else:
                _cut(*held.pop(), decoding, buffer, size_px)
        except (PhotographError, StoreError) as error:
            return json.dumps(_told(error)).encode()
        return b"{}"

    return answer


def _cut(photo: Photograph, content: bytes, decoder: Decoder, buffer: SharedBuffer, size_px: int) -> None:
    bound_memory(pixels=photo.pixels, file_bytes=len(content), already_bytes=data_bytes())
    views = np.asarray(cut_content(content, photo, decoder, size_px))
    buffer.array(views.shape)[:] = views


def _asked(question: dict[str, Any]) -> Photograph:
    boxes = np.array(question["boxes"], dtype=np.int32).reshape(-1, 4)
    return Photograph(question["image_id"], heard(question["place"]), boxes, question["pixels"])


def _told(error: RoadworkError) -> dict[str, object]:
    fix = error.fix or FIX
    photograph = isinstance(error, PhotographError)
    return {"photograph": photograph, "what": error.what, "where": error.where, "rule": error.rule, "fix": fix}
