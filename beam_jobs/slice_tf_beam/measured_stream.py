"""A stream that knows what was written to it."""

from typing import Any

import google_crc32c


class MeasuredStream:
    """Knows size and checksum of what was written to it.

    Args:
        stream: A binary stream, which is left open.

    Attributes:
        num_bytes: How many bytes were written.
    """

    def __init__(self, stream: Any) -> None:
        self.num_bytes = 0
        self._crc = 0
        self._stream = stream

    def write(self, block: bytes) -> int:
        """Writes a block and returns its size."""
        self._stream.write(block)
        self._crc = google_crc32c.extend(self._crc, block)
        self.num_bytes += len(block)
        return len(block)

    @property
    def crc32c(self) -> str:
        """Checksum of what was written, eight hexadecimal digits."""
        return f"{self._crc:08x}"
