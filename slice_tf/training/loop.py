"""The training loop that works the same under every strategy."""

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from slice_tf.data.dataset import translated
from slice_tf.data.deal import Deal
from slice_tf.training.batches import Batches
from slice_tf.training.build import build
from slice_tf.training.hooks import Hooks
from slice_tf.training.progress import Progress
from slice_tf.training.resume import Resume
from slice_tf.training.step import TrainStep
from slice_tf.training.stop import Stopped, StopRequest
from slice_tf.training.strategy import deal_of
from slice_tf.training.watch import LogEpochs, StopOnBadLoss

# Reading logs waits for all devices, so it is not done at every step.
STEPS_BETWEEN_LOGS = 100


def train(
    model: keras.Model,
    data: Batches,
    validation: Batches | None = None,
    *,
    epochs: int,
    steps_per_execution: int = 1,
    accumulate: int = 1,
    jit_compile: bool = False,
    deal_by: str = "auto",
    verbose: int = 2,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    resume: Resume | None = None,
) -> dict[str, list[float]]:
    """Trains a compiled model under the strategy it was made in.

    On one device it gives the weights of `fit`, and on several the weights of
    one with the same global batches, an uneven last one included. Where
    `resume` holds a checkpoint, it goes on from there to the same weights.

    Args:
        model: A compiled model, made in the scope of a strategy. Its loss
            must be a mean over the batch, besides regularizers.
        data: What to learn from.
        validation: What to score after each epoch.
        epochs: Number of passes over `data`, those before a restart included.
        steps_per_execution: Steps that TensorFlow makes before Python is
            asked. Callbacks hear of the last of them.
        accumulate: Number of pieces that a replica computes its part of a
            batch in, to save memory.
        jit_compile: Whether XLA compiles the gradients.
        deal_by: How examples go to workers; see `Deal`.
        verbose: 0 is silent, 2 logs one line an epoch.
        callbacks: Keras callbacks. `logs` of a batch are up to a hundred
            steps old.
        resume: Where checkpoints are, and how often to write one.

    Returns:
        What each epoch logged: metric name to one number an epoch.

    Raises:
        ValueError: As `fit`, or a number is below 1.
        Stopped: If the process was told to end; a checkpoint is written.
    """
    _check_counts(
        epochs=epochs,
        steps_per_execution=steps_per_execution,
        accumulate=accumulate,
    )
    watching = [
        StopOnBadLoss(lambda: data.epoch().as_numpy_iterator()),
        *([LogEpochs(epochs)] if verbose == 2 else []),
    ]
    loop = _Loop(
        model,
        data,
        validation,
        TrainStep(model, accumulate, jit_compile),
        deal_by,
        steps_per_execution,
        [*watching, *callbacks],
        resume,
    )
    if jit_compile:
        _check_compilable(data.epoch().element_spec)
    with translated():
        return loop.run(epochs)


class _Loop:
    """What `train` keeps while it runs."""

    def __init__(
        self,
        model: keras.Model,
        data: Batches,
        validation: Batches | None,
        step: TrainStep,
        deal_by: str,
        steps_per_execution: int,
        callbacks: Sequence[keras.callbacks.Callback],
        resume: Resume | None,
    ) -> None:
        self.model, self.data, self.validation = model, data, validation
        self.strategy = model.distribute_strategy
        self.deal = deal_of(self.strategy, deal_by)
        self.steps = data.steps(self.deal)
        self.steps_per_execution = steps_per_execution
        self.resume = resume
        self.progress = Progress()
        self.hooks = Hooks(callbacks, model)
        self._train = repeated(self.strategy, step)
        self._score = Scorer(model, deal_by)

    def run(self, epochs: int) -> dict[str, list[float]]:
        _check_not_empty("training", self.steps)
        if self.validation is not None:
            steps = self.validation.steps(self.deal)
            _check_not_empty("validation", steps)
        with self.strategy.scope():
            build(self.model, self.data.epoch().element_spec)
        self.hooks.start({"epochs": epochs, "steps": self.steps})
        state: dict[str, Any] = {}
        if self.resume is not None:
            self.progress, state = self.resume.restore(self.model)
        with StopRequest(self.strategy) as stop:
            self.hooks.on_train_begin()
            self.hooks.set_state(state)
            while self.progress.epoch < epochs and not self.hooks.stopping:
                self._epoch(stop)
            self.hooks.on_train_end()
        return self.progress.history

    def _epoch(self, stop: StopRequest) -> None:
        progress = self.progress
        self.hooks.on_epoch_begin(progress.epoch)
        if progress.step == 0:
            self.model.reset_metrics()
        else:  # Else an epoch that stopped after its last step seems empty.
            self.hooks.on_train_batch_end(progress.step - 1, {})
        iterator = iterate(
            self.strategy, self.data, self.deal, progress.epoch, progress.step
        )
        logs: dict[str, float] = {}
        logged = progress.step
        while progress.step < self.steps and not self.hooks.stopping:
            number = self._next_number()
            self._train(iterator, tf.constant(number))
            progress.step += number
            if progress.step - logged >= STEPS_BETWEEN_LOGS:
                logs, logged = read_logs(self.model), progress.step
            self.hooks.on_train_batch_end(progress.step - 1, logs)
            self._save_if(stop)
        logs = read_logs(self.model)
        if self.validation is not None:
            scores = self._score(self.validation)
            logs.update({f"val_{key}": one for key, one in scores.items()})
        progress.end_epoch(logs)
        self.hooks.on_epoch_end(progress.epoch - 1, logs)
        self._save_if(stop, end_of_epoch=True)

    def _next_number(self) -> int:
        """Returns how many steps to make before Python is asked again."""
        number = min(self.steps_per_execution, self.steps - self.progress.step)
        if self.resume is not None and self.resume.every:
            until = self.resume.every - self.progress.step % self.resume.every
            number = min(number, until)
        return number

    def _save_if(self, stop: StopRequest, end_of_epoch: bool = False) -> None:
        """Writes a checkpoint where one is due, or the process must end."""
        must_end, step = stop.requested(), self.progress.step
        if self.resume is not None:
            every = self.resume.every
            due = every and step % every == 0 and step < self.steps
            if due or end_of_epoch or must_end:
                self.resume.save(
                    self.model, self.progress, self.hooks, self.steps
                )
        if must_end:
            raise Stopped


class Scorer:
    """Scores a compiled model on batches, under its strategy.

    Args:
        model: A compiled model.
        deal_by: How examples go to workers; see `Deal`.
    """

    def __init__(self, model: keras.Model, deal_by: str = "auto") -> None:
        self._model = model
        self._strategy = model.distribute_strategy
        self._deal = deal_of(self._strategy, deal_by)
        self._many = repeated(self._strategy, model.test_step)

    def __call__(self, data: Batches) -> dict[str, float]:
        """Returns what the metrics say; `model.metrics` keep their state."""
        self._model.reset_metrics()
        iterator = iterate(self._strategy, data, self._deal)
        self._many(iterator, tf.constant(data.steps(self._deal)))
        return read_logs(self._model)


def read_logs(model: keras.Model) -> dict[str, float]:
    """Returns the metrics of all replicas together."""
    with model.distribute_strategy.scope():
        logs = model.get_metrics_result()
    return {key: float(value) for key, value in logs.items()}


def iterate(
    strategy: tf.distribute.Strategy,
    data: Batches,
    deal: Deal,
    epoch: int = 0,
    skip: int = 0,
) -> Iterator[Any]:
    """Returns an iterator over this process's part of an epoch."""
    dataset = data.epoch(epoch, skip=skip, deal=deal)
    return iter(strategy.distribute_datasets_from_function(lambda _: dataset))


def repeated(strategy: tf.distribute.Strategy, step: Any) -> Any:
    """Returns a function that makes several steps in TensorFlow."""

    @tf.function(reduce_retracing=True)
    def many(iterator: Any, number: Any) -> None:
        for _ in tf.range(number):
            strategy.run(step, args=(next(iterator),))

    return many


def _check_counts(**counts: int) -> None:
    for name, value in counts.items():
        if type(value) is not int or value < 1:
            raise ValueError(
                f"`{name}` must be a whole number from 1. "
                f"Received: {name}={value}"
            )


def _check_compilable(element_spec: Any) -> None:
    if any(one.dtype == tf.string for one in tf.nest.flatten(element_spec)):
        raise ValueError(
            "`jit_compile` needs batches of numbers, because XLA has no "
            "strings. Received: jit_compile=True, and strings in a batch."
        )


def _check_not_empty(part: str, steps: int) -> None:
    if not steps:
        raise ValueError(
            f"The {part} data must hold at least one example, because nothing "
            "is learned from none. Received: examples=0"
        )
