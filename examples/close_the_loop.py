"""From a model's errors to a slice of its own, and whether that mends them.

    python examples/close_the_loop.py --output-dir out/loop

The digits of scikit-learn, of which a scanner turned 8 % around: nobody tells
the model or the slicer which. Out-of-fold predictions of a plain model go to
`discover`; each slice that holds up on held-out rows is accepted as a slicing
function, applied with Beam, and a slice-aware model is trained on it beside
a plain one. What the damage was is used only at the end, to say honestly how
much of it was found and mended.
"""

import argparse
import dataclasses
import pathlib
import sys
from typing import Any

import numpy as np

from slice_tf.demo import digits, stages
from slice_tf.demo.digits_slices import NUM_REFERENCE, scanner_log
from slice_tf.demo.places import Places
from slice_tf.demo.task import Task
from slice_tf.discovery import accept, discover, save_discovery
from slice_tf.evaluation import render_table

FOLDS = 4


def main(argv: list[str] | None = None) -> int:
    """Runs the loop once and prints two tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output-dir", type=pathlib.Path, required=True)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=3)
    flags = parser.parse_args(argv)
    flags.output_dir.mkdir(parents=True)

    train = {
        name: column[NUM_REFERENCE : NUM_REFERENCE + digits.NUM_TRAIN]
        for name, column in digits.scanned_digits().items()
    }
    turned = np.array([scanner_log()[one] == "B" for one in train["id"]])
    probabilities = out_of_fold(train, flags.epochs)
    found = discover(train["image"], train["label"], probabilities)
    save_discovery(flags.output_dir / "run", found)
    members = found.regions.scores(train["image"]) >= 0.5
    print(found_table(found, members, turned))
    functions = [
        str(
            accept(
                flags.output_dir / "run",
                one.name,
                one.name,
                "image",
                flags.output_dir / f"{one.name}.py",
            )[0]
        )
        for one in found.slices
        if one.holds_up
    ]
    if not functions:
        print("\nNo slice holds up on held-out rows, so none is accepted.")
        return 3
    retrain(flags, functions)
    return 0


def out_of_fold(train: dict[str, Any], epochs: int) -> Any:
    """Returns probabilities by models that did not see the row."""
    import keras

    labels = train["label"]
    out = np.zeros((len(labels), 10))
    for fold in range(FOLDS):
        keras.utils.set_random_seed(fold)
        held = np.arange(len(labels)) % FOLDS == fold
        backbone = digits.build_backbone()
        head = keras.layers.Dense(10, activation="softmax")
        model = keras.Model(backbone.input, head(backbone.output))
        model.compile(
            keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy"
        )
        seen = {"image": train["image"][~held]}
        model.fit(seen, labels[~held], 64, epochs, verbose=0)
        out[held] = model.predict({"image": train["image"][held]}, verbose=0)
    return out / out.sum(axis=1, keepdims=True)


def found_table(found: Any, members: Any, turned: Any) -> str:
    """Returns what was found, and how much of the damage it is."""
    rows = [
        [
            one.name,
            str(one.size),
            f"{100 * (one.error_rate or 0):.0f}",
            "yes" if one.holds_up else "no",
            f"{100 * turned[inside].mean():.0f}" if inside.any() else "-",
            f"{100 * inside[turned].mean():.0f}",
        ]
        for one, inside in zip(found.slices, members.T, strict=True)
    ]
    headers = ["found", "held out", "errors, %", "holds up"]
    return render_table([*headers, "turned, %", "of turned, %"], rows)


def retrain(flags: argparse.Namespace, functions: list[str]) -> None:
    """Applies what was accepted, trains both models and compares them."""
    task: Task = dataclasses.replace(
        digits.digits_task(), functions=tuple(functions), epochs=flags.epochs
    )
    places = Places(flags.output_dir)
    task.write(places.raw)
    stages.apply(task, places, num_workers=1)
    pairs = stages.train(task, places, range(flags.seeds))
    test = stages.read_test(task, places)
    first = NUM_REFERENCE + digits.NUM_TRAIN
    log = [scanner_log()[first + row] == "B" for row in range(len(test.labels))]
    turned = np.array(log)
    rows = []
    for method in ("vanilla", "slice_aware"):
        right = np.mean(
            [accuracy(getattr(pair, method), test, turned) for pair in pairs],
            axis=0,
        )
        rows.append([method, *(f"{100 * one:.1f}" for one in right)])
    headers = ["accuracy, %", "all", f"turned ({turned.sum()})", "others"]
    print(f"\n{render_table(headers, rows)}")


def accuracy(model: Any, test: Any, turned: Any) -> list[float]:
    """Returns accuracy on all rows, the damaged ones and the others."""
    logits = np.asarray(model(test.features, training=False)["logits"])
    right = logits.argmax(axis=1) == test.labels
    return [right.mean(), right[turned].mean(), right[~turned].mean()]


if __name__ == "__main__":
    sys.exit(main())
