"""The flags of `slice-tf train`."""

import argparse
import pathlib
from collections.abc import Sequence

from slice_tf.programs.flags import FlagParser, positive_int


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Returns the flags; exits with status 2 where one is malformed."""
    parser = FlagParser("train", "Trains a model on sliced TFRecords.")
    add = parser.add_argument
    add(
        "--data",
        required=True,
        type=pathlib.Path,
        help="directory that `slice-tf apply` wrote",
    )
    add(
        "--validation",
        type=pathlib.Path,
        help="another such directory, scored after each epoch",
    )
    add(
        "--features",
        required=True,
        nargs="+",
        help="what the model reads: name=dtype or name=dtype:shape, such as "
        "image=float32:8x8",
    )
    add("--label", default="label", help="int64 feature with the class")
    add(
        "--num-classes",
        type=positive_int,
        default=2,
        help="number of classes; 2 is a binary task",
    )
    add(
        "--output-dir",
        required=True,
        type=pathlib.Path,
        help="where the model goes; must be new or empty",
    )
    _add_model_flags(parser)
    _add_training_flags(parser)
    return parser.parse(argv)


def _add_model_flags(parser: FlagParser) -> None:
    add = parser.add_argument
    add(
        "--method",
        choices=("slice-aware", "vanilla"),
        default="slice-aware",
        help="with slice experts, or the same backbone without",
    )
    add(
        "--recipe",
        choices=("default", "paper"),
        default="default",
        help="how slices are weighed; `paper` is its section 3.2 to the letter",
    )
    add(
        "--backbone",
        type=_backbone,
        default="mlp",
        help="mlp, or module:function of yours that takes the feature spec "
        "and returns a Keras model",
    )
    add(
        "--units",
        type=_widths,
        default=(64, 64),
        help="widths of the mlp's layers",
    )
    add(
        "--expert-units",
        type=positive_int,
        help="width of each expert; by default the backbone's",
    )


def _add_training_flags(parser: FlagParser) -> None:
    add = parser.add_argument
    add("--epochs", type=positive_int, default=10, help="passes over the data")
    add("--batch-size", type=positive_int, default=128, help="of all devices")
    add("--learning-rate", type=_rate, default=1e-3, help="of Adam")
    add(
        "--cache",
        action="store_true",
        help="keep the examples in memory: faster where they fit",
    )
    add("--seed", type=_seed, default=0, help="of weights and shuffling")
    add(
        "--strategy",
        choices=("auto", "one", "mirrored"),
        default="auto",
        help="devices: one, all, or all where there are several GPUs",
    )


def _widths(text: str) -> tuple[int, ...]:
    return tuple(positive_int(part) for part in text.split(","))


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(
            f"must be a whole number from 0 to 2 ** 32 - 1. Received: {text}"
        )
    return int(text)


def _backbone(text: str) -> str:
    module, _, function = text.partition(":")
    if text != "mlp" and not (module and function):
        raise argparse.ArgumentTypeError(
            f"must be mlp or module:function. Received: {text}"
        )
    return text


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < float("inf"):
        raise argparse.ArgumentTypeError(
            f"must be a positive number. Received: {text}"
        )
    return rate
