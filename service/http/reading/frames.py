"""How server and child talk: messages of byte parts with their lengths, nothing that is run."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from asyncio import StreamReader
    from collections.abc import Sequence

__all__ = ["packed", "receive", "receive_from"]

_COUNT = struct.Struct(">I")
_LENGTH = struct.Struct(">Q")


def packed(parts: Sequence[bytes]) -> bytes:
    """Return a message: how many parts, how long each is, the parts."""
    head = _COUNT.pack(len(parts)) + b"".join(_LENGTH.pack(len(part)) for part in parts)
    return head + b"".join(parts)


def receive_from(file: BinaryIO) -> list[bytes] | None:
    """Return the parts of the next message; None at the end of the file."""
    head = file.read(_COUNT.size)
    if len(head) < _COUNT.size:
        return None
    lengths = [_LENGTH.unpack(file.read(_LENGTH.size))[0] for _ in range(_COUNT.unpack(head)[0])]
    return [file.read(length) for length in lengths]


async def receive(stream: StreamReader) -> list[bytes]:
    """Return the parts of the next message; IncompleteReadError if the other side is gone."""
    count = _COUNT.unpack(await stream.readexactly(_COUNT.size))[0]
    sizes = [_LENGTH.unpack(await stream.readexactly(_LENGTH.size))[0] for _ in range(count)]
    return [await stream.readexactly(size) for size in sizes]
