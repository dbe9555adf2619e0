"""Slicing functions on serialized examples."""

from collections.abc import Sequence
from typing import Any

from slice_tf.data import append_membership, decode, strip_membership
from slice_tf.data.slice_names import append_names, strip_names
from slice_tf.slicing import Row, SlicingFunction, Votes, apply_functions


class UndecodableError(ValueError):
    """A record is no serialized example.

    Args:
        index: Position of the record among those given.
        damage: What is wrong with it.
    """

    def __init__(self, index: int, damage: str) -> None:
        super().__init__(
            "A record must hold a serialized `tf.train.Example`. Received: "
            f"record={index}, damage={damage}"
        )
        self.index = index
        self.damage = damage


def add_membership(
    records: Sequence[bytes],
    functions: Sequence[SlicingFunction],
    slice_names: bool = False,
) -> tuple[list[bytes], Votes]:
    """Returns records with what slicing functions say of them appended.

    Membership of an earlier run is removed first, and no function sees it.

    Args:
        records: Serialized examples.
        functions: The slicing functions, in the order of the schema.
        slice_names: Whether the names of an example's slices come before its
            membership, as one more feature.

    Raises:
        UndecodableError: If a record is no serialized example.
    """
    raw, rows = _read(records)
    votes = apply_functions(functions, rows)
    if slice_names:
        raw = [
            append_names(record, [functions[i].name for i in row.nonzero()[0]])
            for record, row in zip(raw, votes.membership, strict=True)
        ]
    size = len(functions)
    # One copy for all rows, since bytes are cut faster than arrays.
    membership = votes.membership.tobytes()
    unknown = votes.unknown.tobytes()
    failed: Any = votes.unknown.any(axis=1).tolist()
    starts = range(0, len(membership), size)
    sliced = [
        append_membership(
            record,
            membership[start : start + size],
            unknown[start : start + size] if fails else None,
        )
        for record, start, fails in zip(raw, starts, failed, strict=True)
    ]
    return sliced, votes


def _read(records: Sequence[bytes]) -> tuple[list[bytes], list[Row]]:
    raw: list[bytes] = []
    rows: list[Row] = []
    try:
        for record in records:
            own = strip_membership(record)
            if len(own) < len(record):
                own = strip_names(own)
            rows.append(Row.from_example(decode(own)))
            raw.append(own)
    except ValueError as error:
        damage = str(error.__cause__ or error)
        raise UndecodableError(len(raw), damage) from error
    return raw, rows
