"""From a model's errors to a slice of its own, and whether that mends them.

    python examples/close_the_loop.py --output-dir out/loop

The digits of scikit-learn, of which a scanner turned 8 % around: nobody tells
the model or the slicer which. Out-of-fold predictions of a plain model go to
`discover`; each slice that holds up on held-out rows is accepted as a slicing
function, applied with Beam, and a slice-aware model is trained on it and meets
the gate. It is compared with a plain model, and with two controls: slices of
the same sizes drawn at random, whose gain is capacity's alone, and the
scanner's log, the slice that a person would have written who knew. What the
damage was is used only at the end, to say how much was found and mended.
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
from slice_tf.evaluation import Evaluator, gate, render_table, to_probabilities

FOLDS = 4
# A control: a share of all images by a number made of their pixels, so that
# train and test are drawn alike and nothing of the image is told.
RANDOM = '''"""Slices that mean nothing."""

import zlib

from slice_tf.slicing import slicing_function


@slicing_function(batch=True, needs=("image",))
def {name}(batch):
    """A share of {share:.4f} of all images, drawn at random."""
    return [
        zlib.crc32(row.tobytes(), {seed}) < {share:.6f} * 2**32
        for row in batch["image"]
    ]
'''
LOG = ("slice_tf.demo.digits_slices:scanner_b",)


def main(argv: list[str] | None = None) -> int:
    """Runs the loop once and prints two tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output-dir", type=pathlib.Path, required=True)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=3)
    flags = parser.parse_args(argv)
    flags.output_dir.mkdir(parents=True)

    # The images that the demonstration's classifier sees are free here.
    train = {
        name: column[: NUM_REFERENCE + digits.NUM_TRAIN]
        for name, column in digits.scanned_digits().items()
    }
    turned = np.array([scanner_log()[one] == "B" for one in train["id"]])
    probabilities = out_of_fold(train, flags.epochs)
    found = discover(train["image"], train["label"], probabilities)
    save_discovery(flags.output_dir / "run", found)
    members = found.regions.scores(train["image"]) >= 0.5
    print(found_table(found, members, turned))
    holding = [k for k, one in enumerate(found.slices) if one.holds_up]
    if not holding:
        print("\nNo slice holds up on held-out rows, so none is accepted.")
        return 3
    functions = {
        "found": accepted(flags.output_dir, found, holding),
        "random": drawn(flags.output_dir, members[:, holding].mean(axis=0)),
        "the log": LOG,
    }
    print(f"\n{retrain(flags, functions)}")
    return 0


def accepted(
    directory: pathlib.Path, found: Any, holding: list[int]
) -> tuple[str, ...]:
    """Returns paths of the slicing functions of what holds up."""
    paths = []
    for name in (found.slices[k].name for k in holding):
        output = directory / f"{name}.py"
        accept(directory / "run", name, name, "image", output)
        paths.append(str(output))
    return tuple(paths)


def drawn(directory: pathlib.Path, shares: Any) -> tuple[str, ...]:
    """Returns paths of slicing functions that draw at random."""
    paths = []
    for k, share in enumerate(shares.tolist()):
        output = directory / f"random_{k}.py"
        text = RANDOM.format(name=f"random_{k}", share=share, seed=k)
        output.write_text(text, encoding="utf-8")
        paths.append(str(output))
    return tuple(paths)


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
            str(one.region_size),
            f"{100 * (one.region_error_rate.value or 0):.0f}",
            "yes" if one.holds_up else "no",
            f"{100 * turned[inside].mean():.0f}" if inside.any() else "-",
            f"{100 * inside[turned].mean():.0f}",
        ]
        for one, inside in zip(found.slices, members.T, strict=True)
    ]
    headers = ["found", "held out", "errors, %", "holds up"]
    return render_table([*headers, "turned, %", "of turned, %"], rows)


def retrain(
    flags: argparse.Namespace, functions: dict[str, tuple[str, ...]]
) -> str:
    """Trains on each set of slices and returns a table of accuracies."""
    first = NUM_REFERENCE + digits.NUM_TRAIN
    lines = []
    for kind, paths in functions.items():
        task: Task = dataclasses.replace(
            digits.digits_task(), functions=paths, epochs=flags.epochs
        )
        places = Places(flags.output_dir / kind.replace(" ", "_"))
        task.write(places.raw)
        stages.apply(task, places, num_workers=1)
        pairs = stages.train(task, places, range(flags.seeds))
        test = stages.read_test(task, places)
        rows = range(first, first + len(test.labels))
        turned = np.array([scanner_log()[row] == "B" for row in rows])
        plain = [accuracy(pair.vanilla, test, turned) for pair in pairs]
        aware = [accuracy(pair.slice_aware, test, turned) for pair in pairs]
        if not lines:
            lines.append(["none", *_spread(plain), "-"])
        verdicts = [verdict(pair, test) for pair in pairs]
        lines.append([kind, *_spread(aware), ", ".join(verdicts)])
    headers = ["slices", "all, %", f"turned ({turned.sum()}), %", "others, %"]
    return render_table([*headers, "gate, each seed"], lines)


def accuracy(model: Any, test: Any, turned: Any) -> list[float]:
    """Returns accuracy on all rows, the damaged ones and the others."""
    right = chances_of(model, test).argmax(axis=1) == test.labels
    return [right.mean(), right[turned].mean(), right[~turned].mean()]


def verdict(pair: Any, test: Any) -> str:
    """Returns what the gate says of the slice-aware model against the plain."""
    plain = chances_of(pair.vanilla, test)
    before, after = (
        Evaluator(pair.slice_aware.schema, plain.shape[1]) for _ in range(2)
    )
    truth = test.labels, test.membership, test.known
    before.add(truth[0], plain, *truth[1:])
    after.add(
        truth[0],
        chances_of(pair.slice_aware, test),
        *truth[1:],
        baseline_probabilities=plain,
    )
    return gate(before.results(), after.results()).verdict


def chances_of(model: Any, test: Any) -> Any:
    """Returns a model's probabilities, `[rows, classes]`."""
    logits = np.asarray(model(test.features, training=False)["logits"])
    return to_probabilities(logits, logits.shape[1])


def _spread(rows: list[list[float]]) -> list[str]:
    """Returns means over seeds, with standard deviations where several."""
    means, several = np.mean(rows, axis=0), len(rows) > 1
    spreads = np.std(rows, axis=0, ddof=1) if several else means * 0
    return [
        f"{100 * mean:.1f} ± {100 * spread:.1f}"
        if several
        else f"{100 * mean:.1f}"
        for mean, spread in zip(means, spreads, strict=True)
    ]


if __name__ == "__main__":
    sys.exit(main())
