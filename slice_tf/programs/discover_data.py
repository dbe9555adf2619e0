"""What `slice-tf discover` finds slices in: a file of arrays, or a model."""

import argparse
import dataclasses
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from slice_tf.programs.discover_models import ModelFlags, load_models
from slice_tf.programs.discover_records import (
    parse_records,
    record_batches,
    sample_records,
)

if TYPE_CHECKING:
    from slice_tf.data import FeatureSpec


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
    from slice_tf.discovery.arrays import NEEDED, open_arrays, read_array

    with open_arrays(path) as file:
        missing = [name for name in (*NEEDED, *columns) if name not in file]
        if missing:
            raise ValueError(
                "Predictions must hold embeddings, labels and probabilities, "
                "and what is to be shown or to describe. "
                f"Received: predictions={path}, missing={', '.join(missing)}"
            )
        known = {name: read_array(file, name) for name in columns}
        embeddings, labels, probabilities = (
            read_array(file, name) for name in NEEDED
        )
        return Examples(embeddings, labels, probabilities, known, {})


def _of_model(flags: argparse.Namespace, columns: Sequence[str]) -> Examples:
    from slice_tf.discovery.inputs import as_rows
    from slice_tf.programs.quiet import start_tensorflow

    start_tensorflow()
    models = load_models(ModelFlags.of(flags))
    names = list(models.spec.features)
    spec = _with_columns(models.spec, columns)
    rows = None
    if flags.sample is not None:
        rows = sample_records(flags.data, spec.label, flags.sample, flags.seed)
    shown = [one.partition("=")[0] for one in columns]
    parts: dict[str, list[Any]] = {}
    membership: list[Any] = []
    schema = _schema(flags.data)
    for shard, records in record_batches(flags.data, rows):
        values = parse_records(records, spec, True, shard)
        features = {name: values[name] for name in names}
        found = {
            "embeddings": as_rows(models.embed(features), len(records)),
            "labels": values[spec.label],
            "outputs": np.asarray(models.predict(features)),
            **{f"column {name}": values[name] for name in shown},
        }
        for name, value in found.items():
            parts.setdefault(name, []).append(value)
        if schema is not None:
            membership += _votes(records, schema)
    if not parts:
        raise ValueError(
            "There must be at least one record to find slices in. Received: "
            f"data={flags.data}, records=0"
        )
    whole = {name: np.concatenate(one) for name, one in parts.items()}
    return Examples(
        whole["embeddings"],
        whole["labels"],
        models.chances(whole["outputs"]),
        {name: whole[f"column {name}"] for name in shown},
        {}
        if schema is None
        else dict(zip(schema.names, np.array(membership).T, strict=True)),
    )


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
