"""A fingerprint of data by which results are told apart."""

import hashlib
from typing import Any

import numpy as np

_MULTIPLIERS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
_STEP = 0x9E3779B97F4A7C15


def checksum_rows(labels: Any, members: Any, unknown: Any) -> int:
    """Returns a 64-bit sum that stands for rows in any order.

    Each row's label, members and unknowns are hashed; the hashes are added,
    so batches may come in any order and shards be counted anywhere.

    Args:
        labels: int64, of shape `[batch]`.
        members: bool, of shape `[batch, slices]`.
        unknown: bool of the same shape, or None where all is known.
    """
    state = _mix(labels.astype(np.uint64))
    for bits in (members, unknown):
        state = _mix(state)
        if bits is not None:
            state = _stir(state, _words(bits))
    with np.errstate(over="ignore"):
        return int(state.sum(dtype=np.uint64))


def fingerprint_of(checksum: int, num_examples: int) -> str:
    """Returns the fingerprint of data, 16 hexadecimal digits."""
    text = f"{num_examples}:{checksum:016x}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _stir(state: Any, words: Any) -> Any:
    """Mixes words in; a word of zeros, like no word, changes nothing."""
    for place, word in enumerate(words.T):
        mixed = _mix(state ^ word) + np.uint64(place)
        state = np.where(word == 0, state, mixed)
    return state


def _words(bits: Any) -> Any:
    packed = np.packbits(bits, axis=1)
    spare = -packed.shape[1] % 8
    return np.pad(packed, ((0, 0), (0, spare))).view(np.uint64)


def _mix(state: Any) -> Any:
    """Scrambles 64-bit words (the finalizer of SplitMix64)."""
    with np.errstate(over="ignore"):
        state = state + np.uint64(_STEP)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(_MULTIPLIERS[0])
        state = (state ^ (state >> np.uint64(27))) * np.uint64(_MULTIPLIERS[1])
        return state ^ (state >> np.uint64(31))
