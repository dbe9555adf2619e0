"""The flags of `slice-tf train`."""

import argparse
import dataclasses
import importlib.util
import pathlib
from collections.abc import Sequence
from typing import Any

from slice_tf.data.oversample import Oversample
from slice_tf.programs.flags import FlagParser, positive_int, positive_number
from slice_tf.training.config import (
    CHOICES,
    TrainConfig,
    read_flat,
    read_setting,
)

DEFAULTS = TrainConfig().flat()


@dataclasses.dataclass(frozen=True)
class Flags:
    """What a command line asks for.

    Args:
        config: The config file, flags and settings as one, in that order of
            precedence from least to most.
        output_dir: Where the model goes.
        run_dir: Where config, logs and checkpoints go, or `None`.
        supervise: How often to start again after a failure, or `None`.
        local_workers: Number of worker processes to start on this host.
        timeout: Seconds to wait for other workers.
        tensorboard: Where TensorBoard's files go, or `None`.
        mlflow: Name of an experiment of MLflow to log to, or `None`.
    """

    config: TrainConfig
    output_dir: pathlib.Path
    run_dir: pathlib.Path | None
    supervise: int | None
    local_workers: int
    timeout: int
    tensorboard: pathlib.Path | None
    mlflow: str | None


def parse(argv: Sequence[str]) -> Flags:
    """Returns the flags; exits with status 2 where one is malformed."""
    parser = _parser()
    flags = vars(parser.parse(argv))
    file, settings = flags.pop("config"), flags.pop("set")
    own = {key: flags.pop(key) for key in tuple(flags) if "." not in key}
    try:
        values = read_flat(file) if file else {}
        values.update(flags, **dict(map(read_setting, settings)))
        config = TrainConfig.from_flat(values)
        Oversample.parse(config.data.oversample)
    except (ValueError, TypeError, OSError) as error:
        parser.error(str(error))
    for key, flag in (("train", "--data"), ("features", "--features")):
        if not getattr(config.data, key):
            parser.error(
                f"what to train on must be said. Received: no {flag}, and no "
                f"data.{key} in a config"
            )
    if own["mlflow"] and importlib.util.find_spec("mlflow") is None:
        parser.error(
            "--mlflow needs a package that is not installed: "
            "pip install 'slice-tf[mlflow]'"
        )
    return Flags(config, **own)


def _parser() -> FlagParser:
    parser = FlagParser("train", "Trains a model on sliced TFRecords.")
    _add_data_flags(parser)
    _add_model_flags(parser)
    _add_loop_flags(parser)
    _add_run_flags(parser)
    return parser


def _add(
    parser: FlagParser, flag: str, key: str, help: str, **options: Any
) -> None:
    """Adds a flag that sets a key of the config where it is given."""
    default = DEFAULTS[key]
    if isinstance(default, tuple):
        default = ",".join(map(str, default))
    is_told = default is not False and default not in (None, "")
    said = f" (default: {default})" if is_told else ""
    if key in CHOICES:
        options["choices"] = CHOICES[key]
    elif "action" not in options:
        options.setdefault("metavar", key.rpartition(".")[2].upper())
    parser.add_argument(
        flag, dest=key, default=argparse.SUPPRESS, help=help + said, **options
    )


def _add_data_flags(parser: FlagParser) -> None:
    _add(
        parser, "--data", "data.train", "directory that `slice-tf apply` wrote"
    )
    _add(
        parser,
        "--validation",
        "data.validation",
        "another such directory, scored after each epoch",
    )
    _add(
        parser,
        "--features",
        "data.features",
        "what the model reads: name=dtype or name=dtype:shape, such as "
        "image=float32:8x8; tokens=int64:max16 is padded to 16 values",
        nargs="+",
    )
    _add(
        parser,
        "--label",
        "data.label",
        "feature with the answer: the class, int64; 0 or 1 for each label, "
        "int64; or a number, float32",
    )
    _add(
        parser,
        "--task",
        "data.task",
        "what is predicted: one class, several labels, or a number",
    )
    _add(
        parser,
        "--num-classes",
        "data.num_classes",
        "number of classes, 2 for a binary task, or of labels",
        type=positive_int,
    )
    _add(
        parser,
        "--cache",
        "data.cache",
        "keep the examples in memory: faster where they fit",
        action="store_true",
    )
    _add(
        parser,
        "--deal-by",
        "data.deal_by",
        "how examples go to workers: each reads shards of its own, or every "
        "shard and keeps its part; auto is file where there are enough shards",
    )

    _add(
        parser,
        "--oversample",
        "data.oversample",
        "how many times an epoch brings training examples of a slice or "
        "class: rare=4 class:1=2",
        nargs="+",
        type=_times,
        metavar="SLICE=TIMES",
    )
    _add(
        parser,
        "--reweigh",
        "data.reweigh",
        "weigh examples so that over-sampling leaves the loss what it means",
        action="store_true",
    )


def _add_model_flags(parser: FlagParser) -> None:
    _add(
        parser,
        "--method",
        "model.method",
        "with slice experts, or the same backbone without",
    )
    _add(
        parser,
        "--recipe",
        "model.recipe",
        "how slices are weighed; `paper` is its section 3.2; "
        "--set recipe.KEY=VALUE changes a field of `slice_tf.losses.Recipe`",
    )
    _add(
        parser,
        "--backbone",
        "model.backbone",
        "mlp, or module:function of yours that takes the feature spec and "
        "returns a Keras model",
        type=_backbone,
    )
    _add(
        parser,
        "--units",
        "model.units",
        "widths of the mlp's layers",
        type=_widths,
    )
    _add(
        parser,
        "--expert-units",
        "model.expert_units",
        "width of each expert; by default the backbone's",
        type=positive_int,
    )


def _add_loop_flags(parser: FlagParser) -> None:
    for flag, key, help, kind in (
        ("--epochs", "epochs", "passes over the data", positive_int),
        ("--batch-size", "batch_size", "of all devices", positive_int),
        ("--seed", "seed", "of weights and shuffling", _seed),
        (
            "--strategy",
            "strategy",
            "devices: one, all of this host, or those of TF_CONFIG",
            str,
        ),
        ("--precision", "precision", "of what layers compute", str),
        (
            "--steps-per-execution",
            "steps_per_execution",
            "steps that TensorFlow makes before it asks Python",
            positive_int,
        ),
        (
            "--accumulate",
            "accumulate",
            "pieces a device computes its part of a batch in, to save memory",
            positive_int,
        ),
    ):
        _add(parser, flag, f"loop.{key}", help, type=kind)
    _add(
        parser,
        "--jit-compile",
        "loop.jit_compile",
        "let XLA compile the gradients",
        action="store_true",
    )
    _add(
        parser,
        "--learning-rate",
        "optimizer.learning_rate",
        "of Adam",
        type=positive_number,
    )
    _add(
        parser,
        "--schedule",
        "optimizer.schedule",
        "how the learning rate goes down to 0",
    )


def _add_run_flags(parser: FlagParser) -> None:
    add = parser.add_argument
    add(
        "--output-dir",
        required=True,
        type=pathlib.Path,
        help="where the model goes; must be new or empty",
    )
    add(
        "--run-dir",
        type=pathlib.Path,
        help="where config, log and checkpoints go; the same command goes on "
        "from the last checkpoint there",
    )
    add("--config", type=pathlib.Path, help="YAML file with sections of keys")
    add(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="a key of the config; more than one may be given",
    )
    add(
        "--supervise",
        type=positive_int,
        metavar="TIMES",
        help="start again after a failure, at most so often; needs --run-dir",
    )
    add(
        "--local-workers",
        type=positive_int,
        default=1,
        help="worker processes to start on this host, on loopback",
    )
    add(
        "--timeout",
        type=positive_int,
        default=300,
        help="seconds to wait for the other workers",
    )
    add(
        "--tensorboard",
        type=pathlib.Path,
        metavar="DIR",
        help="where TensorBoard's files go: all logs, and the worst slices of "
        "each epoch",
    )
    add(
        "--mlflow",
        metavar="EXPERIMENT",
        help="experiment of MLflow to log to, on the server that "
        "MLFLOW_TRACKING_URI names; needs slice-tf[mlflow]",
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


def _times(text: str) -> str:
    try:
        Oversample.parse([text])
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text
