"""What Pillow raises, and warns of, when a file is damaged, hostile or not of the kind it claims to be."""

from __future__ import annotations

import functools
import struct
import warnings
import zlib

from PIL import Image

BROKEN = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, EOFError, MemoryError,
    RuntimeError, AssertionError, BufferError, struct.error, zlib.error, Image.DecompressionBombError,
)  # fmt: skip


def reason(error: BaseException) -> str:
    """One line that says what Pillow stumbled over, without the addresses that it puts into some."""
    if isinstance(error, Image.UnidentifiedImageError):
        return "not an image of a known format"
    if isinstance(error, MemoryError):
        return "it takes more memory than its size allows"
    return str(error).partition("\n")[0] or type(error).__name__


@functools.cache
def silence_warnings() -> None:
    """Keep Pillow's warnings off the screen: a file is either taken or refused with a reason, and both are recorded."""
    warnings.filterwarnings("ignore", module=r"PIL\.")
