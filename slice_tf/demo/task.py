"""What a demonstration needs to know of its data and model."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from slice_tf.data import FeatureSpec, encode, write_records


def mlp(
    spec: FeatureSpec, *units: int, dropout: float = 0.0
) -> Callable[[], Any]:
    """Returns a builder of a dense backbone with layers of these widths."""

    def build() -> Any:
        from slice_tf.models import build_mlp

        inputs = {
            name: (one.shape, one.dtype) for name, one in spec.features.items()
        }
        return build_mlp(inputs, units, dropout=dropout)

    return build


# Path without suffix, pairs of models, comparisons per slice.
Drawer = Callable[[pathlib.Path, Sequence[Any], Sequence[Any]], None]


@dataclasses.dataclass(frozen=True)
class Task:
    """One data set that goes the whole way.

    Args:
        name: Name of the served model.
        title: One line that says what is learned from what.
        functions: Import paths of the slicing functions.
        spec: Features, label and number of classes.
        write: Writes `train/*.tfrecord` and `test/*.tfrecord` below a
            directory.
        backbone: Builds the backbone: a Keras model from a dict of features
            to `[batch, dim]`.
        expert_units: Width of a slice's expert.
        epochs: Passes over the training data.
        batch_size: Examples a step.
        learning_rate: Adam's.
        true_membership: Where the truth about slices is known: test features
            to membership `[examples, slices]`. Otherwise the slicing
            functions have the word.
        allow_operations: TensorFlow operations that the exported graph may
            hold besides the usual ones.
        draw: Draws a picture from a path without suffix, the pairs of models
            and the comparisons per slice.
    """

    name: str
    title: str
    functions: tuple[str, ...]
    spec: FeatureSpec
    write: Callable[[pathlib.Path], None]
    backbone: Callable[[], Any]
    expert_units: int
    epochs: int
    batch_size: int = 64
    learning_rate: float = 1e-3
    true_membership: Callable[[Mapping[str, Any]], Any] | None = None
    allow_operations: tuple[str, ...] = ()
    draw: Drawer | None = None


def write_shards(
    directory: pathlib.Path, columns: Mapping[str, Any], num_shards: int
) -> None:
    """Writes columns of equal length as shards of `tf.train.Example`s.

    Args:
        directory: Created where it is missing.
        columns: Feature to values, one an example, along the first axis.
        num_shards: Examples are dealt out in equal runs.
    """
    directory.mkdir(parents=True, exist_ok=True)
    total = len(next(iter(columns.values())))
    for shard in range(num_shards):
        rows = range(
            shard * total // num_shards, (shard + 1) * total // num_shards
        )
        name = f"part-{shard:05d}-of-{num_shards:05d}.tfrecord"
        write_records(
            str(directory / name),
            (
                encode({key: column[row] for key, column in columns.items()})
                for row in rows
            ),
        )
