"""What `slice-tf discover` finds slices in: a file of arrays, or a model."""

import argparse
import dataclasses
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from slice_tf.data import FeatureSpec
    from slice_tf.programs.encoders import Encoder

_ARRAYS = ("embeddings", "labels", "probabilities")
_BATCH = 512


@dataclasses.dataclass(frozen=True)
class Examples:
    """Rows, as arrays of as many values.

    Attributes:
        embeddings: Of shape `[rows, dim]`.
        labels: Of shape `[rows]`.
        probabilities: Of shape `[rows, classes]`, or of class 1 `[rows]`.
        columns: Further values by name.
        membership: Votes of slicing functions by name, `[rows]`.
    """

    embeddings: Any
    labels: Any
    probabilities: Any
    columns: dict[str, Any]
    membership: dict[str, Any]

    @property
    def predictions(self) -> tuple[Any, Any, Any]:
        """Embeddings, labels and probabilities."""
        return self.embeddings, self.labels, self.probabilities


def read_examples(flags: argparse.Namespace) -> Examples:
    """Returns the rows that the flags name."""
    columns = list(dict.fromkeys([*flags.show, *flags.describe]))
    if flags.predictions is not None:
        return _of_arrays(flags.predictions, columns)
    return _of_model(flags, columns)


def _of_arrays(path: pathlib.Path, columns: Sequence[str]) -> Examples:
    with np.load(path, allow_pickle=False) as file:
        missing = [name for name in (*_ARRAYS, *columns) if name not in file]
        if missing:
            raise ValueError(
                "Predictions must hold embeddings, labels and probabilities, "
                "and what is to be shown or to describe. "
                f"Received: predictions={path}, missing={', '.join(missing)}"
            )
        known = {name: file[name] for name in columns}
        embeddings, labels, probabilities = (file[name] for name in _ARRAYS)
        return Examples(embeddings, labels, probabilities, known, {})


def _of_model(flags: argparse.Namespace, columns: Sequence[str]) -> Examples:
    from slice_tf.programs.quiet import start_tensorflow

    start_tensorflow()
    predict, embed, spec = _models(flags)
    names = list(spec.features)
    spec = _with_columns(spec, columns)
    shown = [one.partition("=")[0] for one in columns]
    parts: dict[str, list[Any]] = {}
    membership: list[Any] = []
    schema = _schema(flags.data)
    for records, values in _batches(flags.data, spec):
        features = {name: values[name] for name in names}
        found = {
            "embeddings": _rows(embed(features)),
            "labels": values[spec.label],
            "probabilities": predict(features),
            **{f"column {name}": values[name] for name in shown},
        }
        for name, value in found.items():
            parts.setdefault(name, []).append(value)
        if schema is not None:
            membership += _votes(records, schema)
    whole = {name: np.concatenate(one) for name, one in parts.items()}
    return Examples(
        whole["embeddings"],
        whole["labels"],
        whole["probabilities"],
        {name: whole[f"column {name}"] for name in shown},
        {}
        if schema is None
        else dict(zip(schema.names, np.array(membership).T, strict=True)),
    )


def _models(
    flags: argparse.Namespace,
) -> tuple["Encoder", "Encoder", "FeatureSpec"]:
    """Returns what predicts probabilities, what embeds, and what they read."""
    from slice_tf.data import FeatureSpec
    from slice_tf.evaluation import to_probabilities
    from slice_tf.programs.encoders import load_encoder

    other = load_encoder(flags.embed_with) if flags.embed_with else None
    trained = pathlib.Path(flags.model)
    if (trained / "model.keras").is_file():
        from slice_tf.training import load_model_directory

        model, spec, _ = load_model_directory(trained)
        if spec.task != "classification":
            raise ValueError(
                "Slices are found in errors of classification. Received: "
                f"task={spec.task}"
            )
        classes = spec.num_classes

        def predict(features: Mapping[str, Any]) -> Any:
            logits = model(features, training=False)["logits"]
            return to_probabilities(logits, classes)

        return (
            predict,
            other or (lambda f: np.asarray(model.represent(f))),
            spec,
        )
    if other is None or not flags.feature:
        raise ValueError(
            "A model that `slice-tf train` did not write needs `--feature` and "
            f"`--embed-with` beside it. Received: model={flags.model}"
        )
    spec = FeatureSpec.parse(flags.feature, flags.label, flags.num_classes)
    return _as_probabilities(load_encoder(flags.model)), other, spec


def _as_probabilities(model: "Encoder") -> "Encoder":
    """Returns a model's outputs, through a softmax where they are logits."""

    def predict(features: Mapping[str, Any]) -> Any:
        out = np.asarray(model(features), np.float64)
        if out.ndim == 1 or out.shape[1] == 1:
            out = out.reshape(-1)
            sure = (out >= 0).all() and (out <= 1).all()
            one = out if sure else 1 / (1 + np.exp(-out))
            return np.stack([1 - one, one], axis=1)
        if (out >= 0).all() and np.allclose(out.sum(axis=1), 1, atol=1e-3):
            return out
        powers = np.exp(out - out.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    return predict


def _with_columns(spec: "FeatureSpec", columns: Sequence[str]) -> "FeatureSpec":
    from slice_tf.data import FeatureSpec

    written = [one for one in columns if "=" in one]
    lost = [
        one for one in columns if "=" not in one and one not in spec.features
    ]
    if lost:
        raise ValueError(
            "A feature that the model does not read must come with its type, "
            f"such as {lost[0]}=string. Received: feature={lost[0]}"
        )
    if not written:
        return spec
    asked = FeatureSpec.parse(written, spec.label, spec.num_classes)
    return dataclasses.replace(
        spec, features={**asked.features, **spec.features}
    )


def _batches(
    data: str, spec: "FeatureSpec"
) -> Iterator[tuple[list[bytes], dict[str, Any]]]:
    """Yields records and their features, in the order of shards."""
    import tensorflow as tf

    from slice_tf.data import read_records
    from slice_tf.data.parse import fill_up, parse_specs
    from slice_tf.data.tfrecord import list_shards

    specs = parse_specs(spec)
    specs[spec.label] = tf.io.FixedLenFeature([], tf.int64)
    batch: list[bytes] = []
    for shard in list_shards(data):
        for record in read_records(shard):
            batch.append(record)
            if len(batch) == _BATCH:
                yield batch, _parsed(batch, specs, spec, shard, fill_up)
                batch = []
    if batch:
        yield batch, _parsed(batch, specs, spec, shard, fill_up)


def _parsed(
    batch: list[bytes], specs: Any, spec: "FeatureSpec", shard: str, fill: Any
) -> dict[str, Any]:
    import tensorflow as tf

    try:
        values = fill(tf.io.parse_example(batch, specs), spec)
    except tf.errors.InvalidArgumentError as error:
        raise ValueError(
            "Every record must have the features that the model reads, and "
            f"the label. Received: shard={shard}, error={error.message}"
        ) from error
    return {name: value.numpy() for name, value in values.items()}


def _schema(data: str) -> Any:
    from slice_tf.schema import SliceSchema

    directory = pathlib.Path(data)
    if not (directory / "slices.json").is_file():
        return None
    schema = SliceSchema.load(directory)
    return schema if schema.num_slices else None


def _votes(records: Sequence[bytes], schema: Any) -> list[Any]:
    from slice_tf.data import read_membership

    return [read_membership(one, schema.num_slices)[0] for one in records]


def _rows(embeddings: Any) -> Any:
    return np.asarray(embeddings).reshape(len(embeddings), -1)
