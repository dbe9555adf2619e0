"""`slice-tf train`: a model on sliced TFRecords."""

import argparse
import pathlib
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slice_tf.data.feature_spec import FeatureSpec
from slice_tf.programs.flags import FlagParser, new_directory, positive_int

if TYPE_CHECKING:
    from slice_tf.models.task_model import TaskModel


def main(argv: Sequence[str]) -> int:
    """Trains a model and writes a model directory."""
    flags = _parse(argv)
    spec = FeatureSpec.parse(flags.features, flags.label, flags.num_classes)
    _check_directories(flags)
    new_directory(flags.output_dir)

    from slice_tf.schema import SliceSchema
    from slice_tf.training import (
        choose_strategy,
        fit,
        save_model_directory,
        set_seed,
    )

    schema = SliceSchema.load(flags.data)
    set_seed(flags.seed)
    strategy = choose_strategy(flags.strategy)
    _check_batch_size(flags.batch_size, strategy.num_replicas_in_sync)
    train, validation = _datasets(flags, spec, schema)
    with strategy.scope():
        model = _model(flags, spec, schema)
    history = fit(
        model,
        train,
        validation,
        epochs=flags.epochs,
        verbose=1 if sys.stdout.isatty() else 2,
    )
    path = save_model_directory(
        flags.output_dir, model, spec, schema, history, _record(flags)
    )
    _report(model, train, validation, path)
    return 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
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
    add("--seed", type=int, default=0, help="of weights and shuffling")
    add(
        "--strategy",
        choices=("auto", "one", "mirrored"),
        default="auto",
        help="devices: one, all, or all where there are several GPUs",
    )


def _widths(text: str) -> tuple[int, ...]:
    return tuple(positive_int(part) for part in text.split(","))


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


def _check_directories(flags: argparse.Namespace) -> None:
    for name in ("data", "validation"):
        path = getattr(flags, name)
        if path is not None and not path.is_dir():
            raise FileNotFoundError(
                f"`--{name}` must be a directory of sliced TFRecords. "
                f"Received: {name}={path}. `slice-tf apply` writes one."
            )


def _check_batch_size(batch_size: int, num_replicas: int) -> None:
    if batch_size % num_replicas:
        raise ValueError(
            "`--batch-size` must be a multiple of the number of devices, "
            "because every device takes an equal part. Received: "
            f"batch_size={batch_size}, devices={num_replicas}"
        )


def _datasets(
    flags: argparse.Namespace, spec: FeatureSpec, schema: Any
) -> tuple[Any, Any]:
    from slice_tf.data.dataset import load_dataset

    train = load_dataset(
        str(flags.data),
        spec,
        schema,
        flags.batch_size,
        shuffle=True,
        seed=flags.seed,
    )
    if flags.validation is None:
        return train, None
    validation = load_dataset(
        str(flags.validation), spec, schema, flags.batch_size
    )
    return train, validation


def _model(
    flags: argparse.Namespace, spec: FeatureSpec, schema: Any
) -> "TaskModel":
    import keras

    from slice_tf.data.dataset import slice_rates
    from slice_tf.models import SliceAwareModel, VanillaModel
    from slice_tf.training.backbone import make_backbone

    backbone = make_backbone(flags.backbone, spec, flags.units)
    model: TaskModel
    if flags.method == "vanilla":
        model = VanillaModel(backbone, spec.num_classes, schema)
    else:
        model = SliceAwareModel(
            backbone,
            schema,
            spec.num_classes,
            units=flags.expert_units,
            recipe=flags.recipe,
            slice_rates=slice_rates(str(flags.data), schema),
        )
    model.compile(keras.optimizers.Adam(flags.learning_rate))
    return model


def _record(flags: argparse.Namespace) -> Mapping[str, Any]:
    return {
        name: str(value) if isinstance(value, pathlib.Path) else value
        for name, value in vars(flags).items()
    }


def _report(
    model: "TaskModel", train: Any, validation: Any, path: pathlib.Path
) -> None:
    data = train if validation is None else validation
    part = "training" if validation is None else "validation"
    model.evaluate(data, verbose=0)
    counts = model.slice_accuracy.right_and_all()
    names = (*model.slice_accuracy.slices, "base")
    width = max(len("slice"), *map(len, names))
    lines = [f"{'slice':<{width}}  examples  accuracy ({part} data)"]
    for name, (right, everyone) in zip(names, counts, strict=True):
        share = f"{right / everyone:8.1%}" if everyone else "       -"
        lines.append(f"{name:<{width}}  {everyone:8d}  {share}")
    print("\n".join([*lines, f"model: {path}"]))  # noqa: T201
