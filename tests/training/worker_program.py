"""Trains as one worker of TF_CONFIG, or alone; prints weights and history.

python worker_program.py DATA CHECKPOINTS [STEP_TO_DIE_AT]
"""

import json
import os
import signal
import sys

import keras

from slice_tf.data import FeatureSpec
from slice_tf.data.dataset import SlicedBatches
from slice_tf.training import Checkpoints, Resume, choose_strategy, train
from slice_tf.training.strategy import deal_of
from sliced_task import SCHEMA, made

SPEC = FeatureSpec.parse(["x=float32:6"])
EPOCHS = 3


class Die(keras.callbacks.Callback):
    """Kills the process, as the kernel does one that took too much memory."""

    def __init__(self, step):
        super().__init__()
        self.left = step

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def run(data, checkpoints, step_to_die_at=None, strategy=None):
    strategy = strategy or choose_strategy("auto", timeout=60)
    batches = SlicedBatches(data, SPEC, SCHEMA, 16, shuffle=True, seed=1)
    with strategy.scope():
        model = made(2, metrics=["accuracy"])
    chief = deal_of(strategy).worker == 0
    history = train(
        model,
        batches,
        batches,
        epochs=EPOCHS,
        verbose=0,
        deal_by="record",
        callbacks=[Die(step_to_die_at)] if step_to_die_at else [],
        resume=Resume(Checkpoints(checkpoints, chief=chief), every=3),
    )
    weights = [one.tolist() for one in model.get_weights()]
    return {"weights": weights, "history": history}


def main():
    data, checkpoints, *step = sys.argv[1:]
    json.dump(run(data, checkpoints, *map(int, step)), sys.stdout)


if __name__ == "__main__":
    main()
