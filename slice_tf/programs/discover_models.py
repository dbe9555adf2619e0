"""What `slice-tf discover` predicts and embeds with."""

import argparse
import dataclasses
import hashlib
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from slice_tf.files import sha256_of
from slice_tf.programs.encoders import Encoder, load_encoder

if TYPE_CHECKING:
    from slice_tf.data import FeatureSpec


_TRAINED = "model.keras"


@dataclasses.dataclass(frozen=True)
class ModelFlags:
    """Flags that name models, small enough to travel to workers.

    Attributes:
        model: Whose errors they are; None where only embeddings are asked.
        embed_with: What embeds; None for the backbone of a directory of
            `slice-tf train`.
        feature: What models read, in the form of `FeatureSpec.parse`.
        label: Feature with the class.
        num_classes: Of the labels.
    """

    model: str | None
    embed_with: str | None
    feature: tuple[str, ...]
    label: str
    num_classes: int

    @classmethod
    def of(cls, flags: argparse.Namespace) -> "ModelFlags":
        """Returns those of all flags."""
        return cls(
            flags.model,
            flags.embed_with,
            tuple(flags.feature),
            flags.label,
            flags.num_classes,
        )

    @property
    def is_trained(self) -> bool:
        """Whether the model is a directory of `slice-tf train`."""
        return self.model is not None and (
            pathlib.Path(self.model, _TRAINED).is_file()
        )

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with the flags and models.

        Of a model only a file can be seen to change: that of a directory of
        `slice-tf train`, a `.keras` file, or the Python that loads one.
        """
        digest = hashlib.sha256(repr(self).encode())
        for named in (self.model, self.embed_with):
            path = pathlib.Path((named or "").rpartition(":")[0] or named or "")
            for file in (path, path / _TRAINED):
                if file.is_file():
                    digest.update(sha256_of(file).encode())
        return digest.hexdigest()[:16]

    @property
    def embedder(self) -> str:
        """Fingerprint of the `.keras` file that embeds, wherever it lies.

        Empty where something else embeds: two exports of one model differ.
        """
        path = pathlib.Path(self.embed_with or self.model or "")
        for file in (path, path / _TRAINED):
            if file.suffix == ".keras" and file.is_file():
                return sha256_of(file)[:16]
        return ""

    def spec(self) -> "FeatureSpec":
        """Returns what a model reads that `slice-tf train` did not write."""
        from slice_tf.data import FeatureSpec

        return FeatureSpec.parse(self.feature, self.label, self.num_classes)


@dataclasses.dataclass(frozen=True)
class Models:
    """What predicts, what embeds, and what they read.

    Attributes:
        predict: From features to what the model returns.
        chances: From that, of all rows, to probabilities `[rows, classes]`.
        embed: From features to embeddings.
        spec: The features.
    """

    predict: Encoder
    chances: Callable[[Any], Any]
    embed: Encoder
    spec: "FeatureSpec"


def load_models(flags: ModelFlags) -> Models:
    """Loads the model and its encoder.

    Raises:
        ValueError: If there is no such model, or it is none of classes.
    """
    if flags.is_trained:
        return _trained(flags)
    if flags.embed_with is None or not flags.feature:
        raise _lone(flags)
    return Models(
        load_encoder(flags.model or ""),
        _as_probabilities,
        load_encoder(flags.embed_with),
        flags.spec(),
    )


def load_record_embedder(
    flags: ModelFlags,
) -> Callable[[Sequence[bytes]], Any]:
    """Returns a function from serialized examples to embeddings.

    Without a model, the one feature is the embedding.

    Raises:
        ValueError: If there is no such model.
    """
    from slice_tf.programs.discover_records import parse_records
    from slice_tf.programs.quiet import start_tensorflow

    start_tensorflow()
    if flags.is_trained:
        models = _trained(flags)
        embed, spec = models.embed, models.spec
    else:
        embed, spec = _only_encoder(flags), flags.spec()
    return lambda records: embed(parse_records(records, spec))


def _trained(flags: ModelFlags) -> Models:
    from slice_tf.evaluation import to_probabilities
    from slice_tf.training import load_model_directory

    model, spec, _ = load_model_directory(pathlib.Path(flags.model or ""))
    if spec.task != "classification":
        raise ValueError(
            "Slices are found in errors of classification. Received: "
            f"task={spec.task}"
        )

    def predict(features: Mapping[str, Any]) -> Any:
        return model(features, training=False)["logits"]

    def chances(logits: Any) -> Any:
        return to_probabilities(logits, spec.num_classes)

    def represent(features: Mapping[str, Any]) -> Any:
        return model.represent(features)

    other = load_encoder(flags.embed_with) if flags.embed_with else None
    return Models(predict, chances, other or represent, spec)


def _lone(flags: ModelFlags) -> ValueError:
    return ValueError(
        "A model that `slice-tf train` did not write needs `--feature` and "
        f"`--embed-with` beside it. Received: model={flags.model}"
    )


def _only_encoder(flags: ModelFlags) -> Encoder:
    if flags.embed_with is not None:
        return load_encoder(flags.embed_with)
    if flags.model is not None:
        raise _lone(flags)
    if len(flags.feature) != 1:
        raise ValueError(
            "Without `--embed-with`, one `--feature` must be the embedding. "
            f"Received: features={len(flags.feature)}"
        )
    return lambda features: next(iter(features.values()))


def _as_probabilities(outputs: Any) -> Any:
    """Returns a model's outputs, through a softmax where they are logits.

    Args:
        outputs: Of all rows, since a few logits may look like probabilities.
    """
    from slice_tf.evaluation import to_probabilities

    out = np.asarray(outputs, np.float64).reshape(len(outputs), -1)
    within = bool((out >= 0).all() and (out <= 1).all())
    if out.shape[1] == 1 and within:
        return np.concatenate([1 - out, out], axis=1)
    if within and np.allclose(out.sum(axis=1), 1, atol=1e-3):
        return out
    if out.shape[1] == 2:  # Of two logits, only the difference counts.
        out = out[:, 1:] - out[:, :1]
    return to_probabilities(out, max(out.shape[1], 2))
