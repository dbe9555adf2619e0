"""What a model reads of an example."""

import dataclasses
import json
import math
import os
import pathlib
from collections.abc import Sequence
from typing import Any

from slice_tf.data.slice_names import NAMES_KEY
from slice_tf.files import read_json, write_text
from slice_tf.near_miss import did_you_mean
from slice_tf.schema import SliceSchema
from slice_tf.tasks import check_task

FORMAT_VERSION = 1
FILE_NAME = "features.json"
DTYPES = ("float32", "int64", "string")

_PADDED = "max"  # Before a size: what a record holds at most.


@dataclasses.dataclass(frozen=True)
class Feature:
    """One feature of an example.

    Args:
        dtype: `float32`, `int64` or `string`.
        shape: Shape of one example's value; `()` for a scalar. A batch has
            shape `[batch, *shape]`.
        padded: Whether a record may hold fewer values than that, or none.
            Zeros or empty strings fill up what is missing, so that the model
            reads dense batches all the same.

    Raises:
        ValueError: If the dtype is none of the three, a size not positive, or
            what is padded is no list.
    """

    dtype: str
    shape: tuple[int, ...] = ()
    padded: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(self.shape))
        if self.dtype not in DTYPES:
            raise ValueError(
                "A feature's dtype must be one that a `tf.train.Example` "
                f"holds: {', '.join(DTYPES)}. Received: "
                f"dtype={self.dtype!r}.{did_you_mean(self.dtype, DTYPES)}"
            )
        if not all(type(size) is int and size > 0 for size in self.shape):
            raise ValueError(
                "A feature's shape must be of positive integers, because "
                "batches are dense. Received: "
                f"shape={self.shape}. If records hold lists of any length, "
                "name the longest and pass `padded=True`."
            )
        if self.padded and len(self.shape) != 1:
            raise ValueError(
                "A padded feature must be a list, because a record does not "
                "say where its rows end. Received: "
                f"shape={self.shape}"
            )

    @property
    def size(self) -> int:
        """Number of values in one example."""
        return math.prod(self.shape)


@dataclasses.dataclass(frozen=True)
class FeatureSpec:
    """The features and the label of a task.

    Args:
        features: Name to feature, in the order models list their inputs.
        label: Name of the feature that holds the answer; see `answer`.
        num_classes: Number of classes, 2 for a binary task; of labels of a
            multi-label task; 0, whatever is given, where a number is
            predicted.
        task: `classification`, `multi_label` or `regression`.

    Raises:
        ValueError: If there is no feature, the label or slice membership is
            among the features, there are too few classes, or no such task.
    """

    features: dict[str, Feature]
    label: str = "label"
    num_classes: int = 2
    task: str = "classification"

    def __post_init__(self) -> None:
        schema = SliceSchema(())
        if not self.features:
            raise ValueError(
                "A model must read at least one feature. Received: features={}"
            )
        if self.label in self.features:
            raise ValueError(
                "The label must not be among the features, because the model "
                f"would read the answer. Received: label={self.label!r}, "
                f"features={', '.join(self.features)}"
            )
        for key in (schema.membership_key, schema.unknown_key, NAMES_KEY):
            if key in self.features:
                raise ValueError(
                    "Slice membership must not be among the features, because "
                    "a served model has no slicing functions. Received: "
                    f"features={', '.join(self.features)}"
                )
        if check_task(self.task) == "regression":
            object.__setattr__(self, "num_classes", 0)
            return
        least = 1 if self.task == "multi_label" else 2
        if type(self.num_classes) is not int or self.num_classes < least:
            raise ValueError(
                f"The task {self.task} must have at least {least} "
                f"classes or labels. Received: num_classes={self.num_classes}"
            )

    @property
    def answer(self) -> Feature:
        """What the label feature holds.

        The index of a class, an int64 scalar; 0 or 1 for each label, int64
        `[num_classes]`; or a number, a float32 scalar.
        """
        if self.task == "regression":
            return Feature("float32")
        if self.task == "multi_label":
            return Feature("int64", (self.num_classes,))
        return Feature("int64")

    @classmethod
    def parse(
        cls,
        texts: Sequence[str],
        label: str = "label",
        num_classes: int = 2,
        task: str = "classification",
    ) -> "FeatureSpec":
        """Returns a spec from texts such as `image=float32:8x8`.

        Args:
            texts: `name=dtype` or `name=dtype:shape`, with sizes joined by
                `x`; `name=dtype:max16` is padded to 16 values.
            label: Name of the label feature.
            num_classes: Number of classes or labels.
            task: What is predicted.

        Raises:
            ValueError: If a text is malformed or a name used twice.
        """
        features: dict[str, Feature] = {}
        for text in texts:
            name, feature = _parse(text)
            if name in features:
                raise ValueError(
                    "Features must have names of their own. Received: "
                    f"name={name!r} twice"
                )
            features[name] = feature
        return cls(features, label, num_classes, task)

    def to_dict(self) -> dict[str, Any]:
        """Returns the spec as plain JSON values."""
        return {
            "format_version": FORMAT_VERSION,
            "label": self.label,
            "num_classes": self.num_classes,
            "task": self.task,
            "features": {
                name: _fields(one) for name, one in self.features.items()
            },
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "FeatureSpec":
        """Returns the spec that `to_dict` wrote.

        Raises:
            ValueError: If the values are of another format or malformed.
        """
        try:
            version = values["format_version"]
            if version == FORMAT_VERSION:
                features = {
                    name: Feature(
                        one["dtype"],
                        tuple(one["shape"]),
                        one.get("padded", False),
                    )
                    for name, one in values["features"].items()
                }
                return cls(
                    features,
                    values["label"],
                    values["num_classes"],
                    values.get("task", "classification"),  # Older files.
                )
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(
                "A feature spec must hold the fields that slice-tf writes. "
                f"Received: {type(error).__name__}={error}"
            ) from error
        raise ValueError(
            "A feature spec must be of a format this version reads, which is "
            f"{FORMAT_VERSION}. Received: format_version={version}"
        )

    def save(self, directory: str | os.PathLike[str]) -> None:
        """Writes `features.json` into an existing local directory."""
        text = json.dumps(self.to_dict(), indent=2)
        write_text(pathlib.Path(directory) / FILE_NAME, f"{text}\n")

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> "FeatureSpec":
        """Reads `features.json` from a local directory.

        Raises:
            FileNotFoundError: If the directory holds none.
            ValueError: If the file is no feature spec; the message names it.
        """
        path = pathlib.Path(directory) / FILE_NAME
        values = read_json(path)
        try:
            return cls.from_dict(values)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error


def _fields(feature: Feature) -> dict[str, Any]:
    fields = {"dtype": feature.dtype, "shape": list(feature.shape)}
    return {**fields, "padded": True} if feature.padded else fields


def _parse(text: str) -> tuple[str, Feature]:
    name, equals, kind = text.partition("=")
    dtype, colon, shape = kind.partition(":")
    padded = shape.startswith(_PADDED)
    sizes = shape.removeprefix(_PADDED).split("x") if colon else []
    if not (name and equals and all(size.isdecimal() for size in sizes)):
        raise ValueError(
            "A feature must be written as name=dtype or name=dtype:shape, "
            f"such as image=float32:8x8. Received: feature={text!r}"
        )
    return name, Feature(dtype, tuple(int(size) for size in sizes), padded)
