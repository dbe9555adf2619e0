"""Small models to export, and what they answer."""

import dataclasses
from typing import Any

import keras
import numpy as np

from slice_tf.data import Feature, FeatureSpec, encode
from slice_tf.models import SliceAwareModel, VanillaModel, build_mlp
from slice_tf.schema import SliceSchema

SCHEMA = SliceSchema.from_names(["small", "large"])
NAMES = ("binary", "multi_class", "vanilla")

_RNG = np.random.default_rng(0)
_X = _RNG.normal(size=(5, 2, 3)).astype("float32")
_N = _RNG.integers(0, 9, size=5)


@dataclasses.dataclass(frozen=True)
class Exportable:
    """A model, the features it reads and a batch of them."""

    model: Any
    spec: FeatureSpec
    features: dict[str, np.ndarray]

    @property
    def examples(self):
        """The same batch as serialized examples, with a label."""
        rows = range(len(next(iter(self.features.values()))))
        records = [
            encode(
                {
                    **{key: one[row] for key, one in self.features.items()},
                    "label": 1,
                }
            )
            for row in rows
        ]
        return np.array([*records, None], object)[:-1]

    def inputs(self, signature):
        """What the signature takes."""
        if signature == "examples":
            return {"examples": self.examples}
        return self.features

    def expected(self, signature):
        """What Keras predicts, in the form of the signature's outputs."""
        predicted = self.model.predict(self.features, verbose=0)
        logits = predicted["logits"]
        outputs = probabilities(logits)
        if signature == "explain":
            outputs |= {
                "logits": logits,
                "attention": predicted["attention"],
                "slice_probabilities": keras.ops.convert_to_numpy(
                    self.model.slice_probabilities(
                        predicted["indicator_logits"]
                    )
                ),
            }
        return outputs


def probabilities(logits):
    """Both outputs of every signature, in NumPy."""
    if logits.shape[1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares = shifted / shifted.sum(axis=1, keepdims=True)
    return {"probabilities": shares, "class_ids": shares.argmax(axis=1)}


def made(name):
    """Returns one of the models by its name."""
    keras.utils.set_random_seed(7)
    if name == "multi_class":
        shapes = {"x": ((2, 3), "float32"), "n": ((), "int64")}
        backbone = build_mlp(shapes, units=(8,))
        spec = FeatureSpec(
            {"x": Feature("float32", (2, 3)), "n": Feature("int64")},
            num_classes=3,
        )
        model = SliceAwareModel(backbone, SCHEMA, 3, slice_rates=(0.1, 0.4))
        return Exportable(model, spec, {"x": _X, "n": _N})
    backbone = build_mlp({"x": ((2, 3), "float32")}, units=(8,))
    spec = FeatureSpec({"x": Feature("float32", (2, 3))})
    model = (
        VanillaModel(backbone)
        if name == "vanilla"
        else SliceAwareModel(backbone, SCHEMA, slice_rates=(0.1, 0.4))
    )
    return Exportable(model, spec, {"x": _X})


def assert_same(received, expected):
    """Names, types, shapes and, to 1e-5, values."""
    assert received.keys() == expected.keys()
    for name, array in expected.items():
        kind = "int64" if name == "class_ids" else "float32"
        assert received[name].dtype == kind, name
        np.testing.assert_allclose(received[name], array, atol=1e-5)
