"""Gzip that gives all it can before it reports damage."""

import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from slice_tf.data.framing import DamageError

MAGIC = b"\x1f\x8b\x08"
_PIECE_BYTES = 16 << 10


def inflate(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yields the decompressed bytes of one or more gzip members.

    Python's `gzip` drops what it decompressed just before an error; here the
    records in it are not lost, so that the damaged one can be named.

    Raises:
        DamageError: If the stream is corrupt, ends early, or is followed by
            anything but zeros.
    """
    member = _Member()
    for chunk in chunks:
        for start in range(0, len(chunk), _PIECE_BYTES):
            piece = chunk[start : start + _PIECE_BYTES]
            while piece:
                if member.ended:
                    member = _Member()
                    piece = piece.lstrip(b"\0")
                else:
                    yield from member.inflate(piece)
                    piece = member.rest
    if member.begun and not member.ended:
        raise DamageError("truncated: the gzip stream has no end")


class _Member:
    """One gzip member, inflated piece by piece."""

    def __init__(self) -> None:
        self._inflater: Any = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        self.begun = False

    @property
    def ended(self) -> bool:
        return bool(self._inflater.eof)

    @property
    def rest(self) -> bytes:
        """What follows the member in the last piece."""
        return bytes(self._inflater.unused_data)

    def inflate(self, piece: bytes) -> Iterator[bytes]:
        self.begun = True
        before = self._inflater.copy()
        try:
            yield self._inflater.decompress(piece)
        except zlib.error as error:
            yield from _salvage(before, piece)
            raise DamageError(f"bad gzip stream: {error}") from error


def _salvage(inflater: Any, piece: bytes) -> Iterator[bytes]:
    """Yields what a piece gives byte by byte, up to the one that fails."""
    for index in range(len(piece)):
        try:
            yield inflater.decompress(piece[index : index + 1])
        except zlib.error:
            return
