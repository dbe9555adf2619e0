"""From votes to a summary."""

from collections.abc import Sequence
from typing import Any

from slice_tf.slicing.apply import Votes
from slice_tf.slicing.audit import Audit
from slice_tf.slicing.counts import VoteCounts
from slice_tf.slicing.function import SlicingFunction
from slice_tf.slicing.label_counts import LabelCounts
from slice_tf.slicing.summary import Summary

# Rows that are counted at once: memory for a copy of their votes as floats.
_CHUNK = 1 << 16


def summarize(
    functions: Sequence[SlicingFunction],
    votes: Votes,
    labels: Any = None,
    gold: Any = None,
) -> Summary:
    """Tells what slices hold: size, overlap, labels, errors, precision.

    ```python
    votes = apply_to_table(functions, frame)
    summary = summarize(functions, votes, labels=frame["label"])
    print(summary)
    for warning in summary.warnings():
        print(warning)
    ```

    Args:
        functions: The slicing functions that were asked.
        votes: What they say.
        labels: Labels of the task, integers or strings of shape `[rows]`.
        gold: What people say: 1 where a row is in a slice, 0 where it is not,
            -1 where nobody looked, of shape `[rows, slices]`.

    Raises:
        ValueError: If shapes do not match, or `gold` has other values.
    """
    names = tuple(one.name for one in functions)
    if votes.membership.shape[1:] != (len(names),):
        raise ValueError(
            "There must be one column of votes a function. Received: "
            f"functions={len(names)}, votes={votes.membership.shape}"
        )
    counts = VoteCounts.zeros(len(names))
    for start in range(0, len(votes.membership), _CHUNK):
        part = slice(start, start + _CHUNK)
        counts.add(Votes(votes.membership[part], votes.unknown[part], []))
    facts: dict[str, Any] = {}
    if labels is not None:
        facts["labels"] = LabelCounts.of(names, votes.membership, labels)
    if gold is not None:
        facts["audit"] = Audit.of(names, votes, gold)
    return Summary.of(names, counts, **facts)
