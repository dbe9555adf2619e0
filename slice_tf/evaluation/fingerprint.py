"""A fingerprint of data by which results are told apart."""

import hashlib
from typing import Any

import numpy as np

from slice_tf.evaluation.members import pack

_MULTIPLIERS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
_STEP = 0x9E3779B97F4A7C15


def checksum_rows(targets: Any, packed: Any, unknown: Any) -> int:
    """Returns a 64-bit sum that stands for rows in any order.

    A row's hash is a sum of its words, each times an odd number of its own,
    scrambled; the hashes are added, so batches may come in any order and
    shards be counted anywhere.

    Args:
        targets: int64 or float64, of shape `[batch]`.
        packed: Membership, as `members.pack` returns it.
        unknown: bool of shape `[batch, slices]`, or None where all is known.
    """
    state = _mix(np.ascontiguousarray(targets).view(np.uint64))
    with np.errstate(over="ignore"):
        for part, bits in enumerate((packed, unknown)):
            if bits is not None:
                words = bits if part == 0 else pack(bits)
                state = state + _weigh(words.view(np.uint64), part)
        return int(_mix(state).sum(dtype=np.uint64))


def fingerprint_of(checksum: int, num_examples: int) -> str:
    """Returns the fingerprint of data, 16 hexadecimal digits."""
    text = f"{num_examples}:{checksum:016x}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _weigh(words: Any, part: int) -> Any:
    """Returns a sum of words; a word of zeros, like no word, adds nothing."""
    places = np.arange(words.shape[1], dtype=np.uint64)
    keys = _mix(2 * places + np.uint64(part)) | np.uint64(1)
    total = np.zeros(len(words), np.uint64)
    for column, key in zip(words.T, keys, strict=True):
        total += column * key
    return total


def _mix(state: Any) -> Any:
    """Scrambles 64-bit words (the finalizer of SplitMix64)."""
    with np.errstate(over="ignore"):
        state = state + np.uint64(_STEP)
        for shift, multiplier in zip((30, 27), _MULTIPLIERS, strict=True):
            state ^= state >> np.uint64(shift)
            state *= np.uint64(multiplier)
        state ^= state >> np.uint64(31)
        return state
