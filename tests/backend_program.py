"""Trains a model of every task on one Keras backend and writes what came out.

    KERAS_BACKEND=jax python backend_program.py OUT.npz

Weights come from NumPy, so that all backends start with the same.
"""

import sys
import warnings

import keras
import numpy as np

from slice_tf.models import SliceAwareModel, VanillaModel, add_slices, build_mlp
from slice_tf.schema import Slice, SliceSchema

X = np.random.default_rng(0).normal(size=(64, 6)).astype("float32")
MEMBERSHIP = (X[:, 1:4] > [1.0, 0.0, 0.5]).astype("float32")
KNOWN = (np.random.default_rng(1).random((64, 3)) < 0.9).astype("float32")
SCHEMA = SliceSchema(
    (Slice("small"), Slice("watched", monitor_only=True), Slice("large"))
)
LABELS = {
    "binary": (X[:, 0] > 0).astype("int32"),
    "classification": (X[:, 0] > 0).astype("int32") + (X[:, 1] > 0),
    "multi_label": (X[:, :4] > 0).astype("int32"),
    "regression": X[:, 0] - X[:, 1],
}
CLASSES = {"binary": 2, "classification": 3, "multi_label": 4}
RUNS = {
    "binary, direct": {"form": "direct"},
    "binary, folded": {"form": "folded", "recipe": "paper"},
    "binary, low rank": {"rank": 2, "recipe": {"warmup_steps": 3}},
    "classification": {},
    "multi_label": {},
    "regression": {},
    "regression, vanilla": None,
}


def backbone():
    return build_mlp({"x": ((6,), "float32")}, (8,))


def made(name, options):
    task = "classification" if name == "binary" else name
    if options is None:
        model = VanillaModel(backbone(), CLASSES.get(name), SCHEMA, task=task)
    else:
        model = SliceAwareModel(
            backbone(),
            SCHEMA,
            CLASSES.get(name),
            task=task,
            units=5,
            slice_rates=MEMBERSHIP.mean(axis=0),
            **options,
        )
    rng = np.random.default_rng(2)
    for weight in model.trainable_weights:
        weight.assign(0.5 * rng.normal(size=weight.shape))
    model.compile(keras.optimizers.SGD(0.01))
    return model


def results_of(name, options):
    """Returns logs, outputs and explanations, by name."""
    model = made(name, options)
    targets = {
        "label": LABELS[name],
        "membership": MEMBERSHIP,
        "known": KNOWN,
    }
    found = model.fit(
        {"x": X}, targets, batch_size=16, epochs=2, shuffle=False, verbose=0
    ).history
    found |= model.evaluate({"x": X}, targets, verbose=0, return_dict=True)
    found |= model.predict({"x": X}, verbose=0)
    if options is not None:
        wider = add_slices(model, [Slice("new")], [0.1])
        found["wider"] = wider.predict({"x": X}, verbose=0)["logits"]
        for part, value in model.fold().explain({"x": X}).items():
            found[f"explain {part}"] = keras.ops.convert_to_numpy(value)
    return found


def all_results():
    """Returns everything of every run, by name."""
    return {
        f"{run}: {key}": np.asarray(value)
        for run, options in RUNS.items()
        for key, value in results_of(run.split(",")[0], options).items()
    }


if __name__ == "__main__":
    warnings.simplefilter("error")
    # Keras hands its variables to NumPy 2 when it saves a model.
    warnings.filterwarnings("ignore", "__array__", DeprecationWarning)
    np.savez(sys.argv[1], **all_results())
