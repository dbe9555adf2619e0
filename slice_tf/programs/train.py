"""`slice-tf train`: a model on sliced TFRecords."""

import contextlib
import logging
import math
import os
import pathlib
import sys
import tempfile
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from slice_tf.data.feature_spec import FeatureSpec
from slice_tf.near_miss import did_you_mean
from slice_tf.programs.flags import new_directory
from slice_tf.programs.quiet import start_tensorflow
from slice_tf.programs.train_flags import Flags, parse
from slice_tf.schema import BASE, SliceSchema
from slice_tf.training.config import TrainConfig
from slice_tf.training.supervisor import supervise

if TYPE_CHECKING:
    from slice_tf.models.task_model import TaskModel

logger = logging.getLogger("slice_tf.training")

_OF_SUPERVISOR = ("--supervise", "--local-workers")


def main(argv: Sequence[str]) -> int:
    """Trains a model and writes a model directory."""
    flags = parse(argv)
    config = flags.config
    spec = FeatureSpec.parse(
        config.data.features,
        config.data.label,
        config.data.num_classes,
        config.data.task,
    )
    _check_directories(config)
    _check_compilable(config, spec)
    if flags.supervise or flags.local_workers > 1:
        return _supervise(flags, argv)
    new_directory(flags.output_dir)
    try:
        _train(flags, spec)
    except BaseException:  # An interrupt, too, leaves nothing behind.
        with contextlib.suppress(OSError):
            flags.output_dir.rmdir()
        raise
    return 0


def _supervise(flags: Flags, argv: Sequence[str]) -> int:
    if flags.supervise and flags.run_dir is None:
        raise ValueError(
            "`--supervise` needs `--run-dir`, because a run that starts again "
            "goes on from the checkpoints there. Received: no run_dir"
        )
    own = [f"{flag}=" for flag in _OF_SUPERVISOR]
    rest: list[str] = []
    words = iter(argv)
    for word in words:
        if word in _OF_SUPERVISOR:
            next(words, None)
        elif not word.startswith(tuple(own)):
            rest.append(word)
    command = [sys.executable, "-m", "slice_tf", "train", *rest]
    return supervise(command, flags.supervise or 0, flags.local_workers)


def _train(flags: Flags, spec: FeatureSpec) -> None:
    start_tensorflow(start_devices=not os.environ.get("TF_CONFIG"))
    from slice_tf.programs.progress import progress_bar
    from slice_tf.training import (
        choose_strategy,
        save_model_directory,
        set_seed,
        train,
    )
    from slice_tf.training.loop import Scorer
    from slice_tf.training.strategy import deal_of, meet

    config, loop = flags.config, flags.config.loop
    schema = SliceSchema.load(config.data.train)
    _check_watched(config, schema)
    strategy = choose_strategy(loop.strategy, flags.timeout)
    set_seed(loop.seed)
    deal = deal_of(strategy, config.data.deal_by)
    _check_batch_size(loop.batch_size, deal.total_replicas)
    data, validation = _batches(config, spec, schema)
    with _precision(loop.precision), strategy.scope():
        model = _model(config, spec, schema, data.steps(deal), data.shown_rates)
    chief = deal.worker == 0
    with progress_bar(loop.epochs) if chief else _nothing() as bar:
        history = train(
            model,
            data,
            validation,
            epochs=loop.epochs,
            steps_per_execution=loop.steps_per_execution,
            accumulate=loop.accumulate,
            jit_compile=loop.jit_compile,
            deal_by=config.data.deal_by,
            verbose=0 if bar or not chief else 2,
            callbacks=[*bar, *_callbacks(flags, data.num_examples, chief)],
            resume=_resume(flags, schema, data.num_examples, chief),
        )
    score = Scorer(model, config.data.deal_by)
    score(
        _unsampled(config, spec, schema) if validation is None else validation
    )
    table = _table(model, "training" if validation is None else "validation")
    record = {"backbone": config.model.backbone, **config.flat()}
    with _own_directory(flags.output_dir, chief) as path:
        save_model_directory(path, model, spec, schema, history, record)
    if chief:
        print(f"{table}\nmodel: {flags.output_dir}")  # noqa: T201 - results
    meet(strategy)  # None leaves while another writes.


@contextlib.contextmanager
def _nothing() -> Iterator[list[Any]]:
    yield []


@contextlib.contextmanager
def _own_directory(final: pathlib.Path, chief: bool) -> Iterator[pathlib.Path]:
    """Yields where a worker writes: reading weights may need all of them."""
    if chief:
        yield final
        return
    with tempfile.TemporaryDirectory() as nowhere:
        yield pathlib.Path(nowhere)


@contextlib.contextmanager
def _precision(policy: str) -> Iterator[None]:
    """Makes layers of a precision, and none after it."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _check_directories(config: TrainConfig) -> None:
    named = {"data": config.data.train, "validation": config.data.validation}
    for name, path in named.items():
        if path is not None and not pathlib.Path(path).is_dir():
            raise FileNotFoundError(
                f"`--{name}` must be a directory of sliced TFRecords. "
                f"Received: {name}={path}. `slice-tf apply` writes one."
            )


def _check_compilable(config: TrainConfig, spec: FeatureSpec) -> None:
    texts = [
        name for name, one in spec.features.items() if one.dtype == "string"
    ]
    if config.loop.jit_compile and texts:
        raise ValueError(
            "`--jit-compile` needs features of numbers, because XLA has no "
            f"strings. Received: features={', '.join(texts)}. Leave it out."
        )


def _check_watched(config: TrainConfig, schema: SliceSchema) -> None:
    """Refuses what the end of the first epoch would: it may take hours."""
    watched = _watched(config)
    if watched.startswith("val_") and config.data.validation is None:
        raise ValueError(
            "What `keep.best` and `keep.patience` watch must be scored. "
            f"Received: metric={watched}, and no --validation"
        )
    metric, slash, name = watched.partition("/")
    known = (*schema.names, BASE)
    if slash and name not in known:
        raise ValueError(
            "`keep.best` must name one of the slices. "
            f"Received: keep.best={watched}."
            f"{did_you_mean(watched, [f'{metric}/{one}' for one in known])}"
        )


def _watched(config: TrainConfig) -> str:
    """Returns the metric to keep weights or to stop by, or nothing."""
    return config.keep.best or ("val_loss" if config.keep.patience else "")


def _check_batch_size(batch_size: int, num_replicas: int) -> None:
    if batch_size % num_replicas:
        raise ValueError(
            "`--batch-size` must be a multiple of the number of devices, "
            "because every device takes an equal part. Received: "
            f"batch_size={batch_size}, devices={num_replicas}"
        )


def _batches(
    config: TrainConfig, spec: FeatureSpec, schema: SliceSchema
) -> tuple[Any, Any]:
    from slice_tf.data import Oversample
    from slice_tf.data.dataset import SlicedBatches

    size, cache = config.loop.batch_size, config.data.cache
    oversample = Oversample.parse(config.data.oversample, config.data.reweigh)
    train = SlicedBatches(
        config.data.train,
        spec,
        schema,
        size,
        shuffle=True,
        seed=config.loop.seed,
        cache=cache,
        oversample=oversample if oversample.times else None,
    )
    if config.data.validation is None:
        return train, None
    return train, SlicedBatches(
        config.data.validation, spec, schema, size, cache=cache
    )


def _unsampled(
    config: TrainConfig, spec: FeatureSpec, schema: SliceSchema
) -> Any:
    """Returns training data as it is, to be scored."""
    from slice_tf.data.dataset import SlicedBatches

    return SlicedBatches(
        config.data.train, spec, schema, config.loop.batch_size
    )


def _model(
    config: TrainConfig,
    spec: FeatureSpec,
    schema: SliceSchema,
    steps: int,
    shown_rates: Any,
) -> "TaskModel":
    from slice_tf.data.dataset import slice_rates
    from slice_tf.models import SliceAwareModel, VanillaModel
    from slice_tf.training.backbone import make_backbone
    from slice_tf.training.optimizer import make_optimizer

    backbone = make_backbone(config.model.backbone, spec, config.model.units)
    classes, task = spec.num_classes or None, spec.task
    model: TaskModel
    if config.model.method == "vanilla":
        model = VanillaModel(backbone, classes, schema, task=task)
    else:
        rates = slice_rates(config.data.train, schema)
        _warn_of_empty(schema, rates)
        model = SliceAwareModel(
            backbone,
            schema,
            classes,
            task=task,
            units=config.model.expert_units,
            recipe=config.make_recipe(),
            slice_rates=rates if shown_rates is None else shown_rates,
        )
    model.compile(make_optimizer(config.optimizer, steps * config.loop.epochs))
    return model


def _warn_of_empty(schema: SliceSchema, rates: Any) -> None:
    pairs = zip(schema.names, rates, strict=True)
    empty = [name for name, rate in pairs if rate == 0]
    if empty:
        logger.warning(
            "no training example is in these slices, whose experts learn "
            "nothing: %s",
            ", ".join(empty),
        )


def _callbacks(flags: Flags, num_examples: int, chief: bool) -> list[Any]:
    """Returns callbacks; what a later one reads comes first."""
    import keras

    from slice_tf.training import (
        KeepBest,
        LogToMlflow,
        StopEarly,
        WatchWorstSlices,
        WriteLog,
    )
    from slice_tf.training.run_directory import write_run
    from slice_tf.training.worst_slices import WORST

    keep, run_dir = flags.config.keep, flags.run_dir
    callbacks: list[Any] = []
    if flags.tensorboard is not None or keep.best == WORST:
        # On every worker: counts are summed over all of them.
        callbacks.append(WatchWorstSlices(flags.tensorboard if chief else None))
    if run_dir is not None and chief:
        # Not before: a start that its checkpoint refuses changes no run.
        callbacks.append(
            keras.callbacks.LambdaCallback(
                on_train_begin=lambda *_: write_run(run_dir, flags.config)
            )
        )
        callbacks.append(WriteLog(run_dir / "log.jsonl", num_examples))
    if flags.mlflow is not None and chief:
        callbacks.append(LogToMlflow(flags.mlflow, flags.config.flat()))
    if keep.best is not None:
        path = run_dir and run_dir / "best.npz"
        callbacks.append(KeepBest(keep.best, path, chief))
    if keep.patience:
        callbacks.append(StopEarly(_watched(flags.config), keep.patience))
    return callbacks


def _resume(
    flags: Flags, schema: SliceSchema, num_examples: int, chief: bool
) -> Any:
    """Returns where to go on."""
    from slice_tf.training import Checkpoints, Resume
    from slice_tf.training.run_directory import identity_of

    if flags.run_dir is None:
        return None
    config = flags.config
    return Resume(
        Checkpoints(
            flags.run_dir / "checkpoints", config.keep.checkpoints, chief
        ),
        config.keep.checkpoint_every,
        identity_of(config, schema, num_examples),
    )


def _table(model: "TaskModel", part: str) -> str:
    """Returns what was counted last; all workers call it, to sum counts."""
    numbers = model.task == "regression"
    metric, title = model.slice_metric, "rmse" if numbers else "accuracy"
    with model.distribute_strategy.scope():
        sums = metric.sums if numbers else metric.counts
        counts = sums.numpy()
    names = (*metric.slices, "base")
    width = max(len("slice"), *map(len, names))
    lines = [f"{'slice':<{width}}  examples  {title} ({part} data)"]
    for name, (total, everyone) in zip(names, counts, strict=True):
        said = "       -"
        if everyone and numbers:
            said = f"{math.sqrt(total / everyone):8.4g}"
        elif everyone:
            said = f"{total / everyone:8.1%}"
        lines.append(f"{name:<{width}}  {int(everyone):8d}  {said}")
    return "\n".join(lines)
