"""Membership as bits, and the fast ways to count in all slices at once."""

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

_BYTE = 8
_WORD = 64
# Rows counted at once, so that memory does not grow with a batch.
_CHUNK = 16_384

# Of each byte: the place of its first set bit, and the byte without it.
_FIRST = np.array([8 - max(v.bit_length(), 1) for v in range(256)], np.int64)
_REST = np.array([v ^ (1 << v.bit_length() >> 1) for v in range(256)], np.uint8)


class Chunk:
    """Some rows of a batch, and what counting needs of their membership.

    All accumulators of an evaluation share it, because finding memberships
    takes longer than counting them.

    Args:
        rows: Where in the batch they are.
        members: bool, of shape `[rows, slices]`.
    """

    def __init__(self, rows: slice, members: Any) -> None:
        self.rows, self.members = rows, members

    @functools.cached_property
    def packed(self) -> Any:
        """Membership as bits; see `pack`."""
        return pack(self.members)

    @functools.cached_property
    def found(self) -> list[tuple[Any, Any]]:
        """All memberships; see `find`."""
        return find(self.packed)


def chunks(members: Any) -> Iterator[Chunk]:
    """Yields runs of rows that cover a batch.

    Args:
        members: bool, of shape `[batch, slices]`.
    """
    for start in range(0, len(members), _CHUNK):
        rows = slice(start, min(start + _CHUNK, len(members)))
        yield Chunk(rows, members[rows])


def pack(members: Any) -> Any:
    """Returns membership as bits, in whole 64-bit words a row.

    Args:
        members: bool, of shape `[batch, slices]`.

    Returns:
        uint8, of shape `[batch, bytes]`.
    """
    num_rows, num_slices = members.shape
    width = -(-max(num_slices, 1) // _WORD) * _WORD
    # Whole words first: NumPy packs one long row faster than many short ones.
    wide = np.zeros((num_rows, width), np.bool_)
    wide[:, :num_slices] = members
    return np.packbits(wide).reshape(num_rows, width // _BYTE)


def pack_columns(members: Any) -> Any:
    """Returns who is in each slice as bits, in whole 64-bit words a slice.

    Which bit stands for which row is the same for all slices and told
    nowhere: eight blocks of rows are shifted over each other, which takes a
    tenth of the time of packing columns in order.

    Args:
        members: bool, of shape `[batch, slices]`.

    Returns:
        uint64, of shape `[slices, words]`.
    """
    num_rows, num_slices = members.shape
    height = -(-max(num_rows, 1) // _WORD) * _BYTE
    blocks = np.zeros((_BYTE * height, num_slices), np.bool_)
    blocks[:num_rows] = members
    packed, *rest = blocks.reshape(_BYTE, -1).view(np.uint64)
    for block in rest:
        packed <<= np.uint64(1)
        packed |= block
    columns = packed.view(np.uint8).reshape(height, num_slices).T
    return np.ascontiguousarray(columns).view(np.uint64)


def find(packed: Any) -> list[tuple[Any, Any]]:
    """Returns all memberships, as pairs of rows and slices.

    Only bytes that hold a member are looked at: their first members in one
    step for all rows, then their second members, and so on. It takes half
    the time of looking at every element.

    Args:
        packed: Membership, as `pack` returns it.

    Returns:
        Parts `(rows, slices)`, int64 `[memberships]` each.
    """
    flat = packed.reshape(-1)
    found = np.flatnonzero(flat.view(np.bool_))
    rest = flat.take(found)  # `take` is twice as fast as brackets here
    rows = found // packed.shape[1]
    starts = (found - rows * packed.shape[1]) * _BYTE
    parts = []
    while rest.size:
        parts.append((rows, starts + _FIRST.take(rest)))
        rest = _REST.take(rest)
        more = np.flatnonzero(rest.view(np.bool_))
        rest, rows, starts = (one.take(more) for one in (rest, rows, starts))
    return parts


def add_codes(
    cells: Any, codes: Any, parts: Sequence[tuple[Any, Any]], amounts: Any = 1
) -> None:
    """Counts each row's code in every slice of the row, and in the base.

    Args:
        cells: int64 `[slices + 1, ...]`, changed in place.
        codes: Flat index into the axes after the first, int64 `[batch]`.
        parts: Memberships, as `find` returns them.
        amounts: What each row counts: int64 `[batch]`, or one for all.
    """
    flat, width = cells.reshape(-1), cells[0].size
    np.add.at(cells[-1].reshape(-1), codes, amounts)
    for rows, slices in parts:
        added = amounts if np.ndim(amounts) == 0 else amounts.take(rows)
        np.add.at(flat, slices * width + codes.take(rows), added)


def add_sums(sums: Any, columns: Any, parts: Sequence[tuple[Any, Any]]) -> None:
    """Sums columns over each slice, and over all in the base.

    Args:
        sums: int64 `[columns, slices + 1]`, changed in place.
        columns: Whole numbers, int64 `[columns, batch]`. As float64 the
            sums of large weights would pass 2 ** 53 and be rounded.
        parts: Memberships, as `find` returns them.
    """
    # No matrix product: its threads wait for each other on a busy machine.
    for total, column in zip(sums, columns, strict=True):
        total[-1] += column.sum()
        for rows, slices in parts:
            np.add.at(total, slices, column.take(rows))
