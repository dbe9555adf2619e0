"""`slice-tf train`: a model on sliced TFRecords."""

import argparse
import contextlib
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slice_tf.data.feature_spec import FeatureSpec
from slice_tf.programs.flags import new_directory
from slice_tf.programs.train_flags import parse
from slice_tf.schema import SliceSchema

if TYPE_CHECKING:
    from slice_tf.models.task_model import TaskModel


def main(argv: Sequence[str]) -> int:
    """Trains a model and writes a model directory."""
    flags = parse(argv)
    spec = FeatureSpec.parse(flags.features, flags.label, flags.num_classes)
    _check_directories(flags)
    new_directory(flags.output_dir)
    try:
        _train(flags, spec)
    except BaseException:  # An interrupt, too, leaves nothing behind.
        with contextlib.suppress(OSError):
            flags.output_dir.rmdir()
        raise
    return 0


def _train(flags: argparse.Namespace, spec: FeatureSpec) -> None:
    from slice_tf.programs.progress import progress_bar
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
    with progress_bar(flags.epochs) as bar:
        history = fit(
            model,
            train,
            validation,
            epochs=flags.epochs,
            verbose=0 if bar else 2,
            callbacks=bar,
        )
    path = save_model_directory(
        flags.output_dir, model, spec, schema, history, _record(flags)
    )
    _report(model, train, validation, path)


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
    flags: argparse.Namespace, spec: FeatureSpec, schema: SliceSchema
) -> tuple[Any, Any]:
    from slice_tf.data.dataset import load_dataset

    train = load_dataset(
        str(flags.data),
        spec,
        schema,
        flags.batch_size,
        shuffle=True,
        seed=flags.seed,
        cache=flags.cache,
    )
    if flags.validation is None:
        return train, None
    validation = load_dataset(
        str(flags.validation),
        spec,
        schema,
        flags.batch_size,
        cache=flags.cache,
    )
    return train, validation


def _model(
    flags: argparse.Namespace, spec: FeatureSpec, schema: SliceSchema
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
