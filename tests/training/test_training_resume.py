import logging
import os
import shutil
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from full_disk import full_disk
from slice_tf.training import Checkpoints, DatasetBatches, Resume, train
from slice_tf.training.stop import Stopped
from slice_tf.training.watch import StopEarly
from sliced_task import FEATURES, TARGETS, made

DATA = DatasetBatches(
    tf.data.Dataset.from_tensor_slices((FEATURES, TARGETS)).take(61).batch(16)
)
STEPS, EPOCHS = 4, 3


class At(keras.callbacks.Callback):
    """Does something at the end of a step, counted over all epochs."""

    def __init__(self, step, action):
        super().__init__()
        self.left, self.action = step, action

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            self.action()


def interrupt():
    raise KeyboardInterrupt


def run(directory, *callbacks, every=0, keep=3, epochs=EPOCHS, **identity):
    model = made(2, metrics=["accuracy"])
    resume = Resume(Checkpoints(directory, keep), every, identity)
    history = train(
        model,
        DATA,
        DATA,
        epochs=epochs,
        verbose=0,
        callbacks=callbacks,
        resume=resume,
    )
    return model.get_weights(), history


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory):
    directory = tmp_path_factory.mktemp("whole") / "checkpoints"
    return directory, run(directory)


@pytest.fixture
def whole(whole_run):
    """What an uninterrupted run gives."""
    return whole_run[1]


@pytest.fixture
def finished(whole_run, tmp_path):
    """The checkpoints that an uninterrupted run leaves."""
    return shutil.copytree(whole_run[0], tmp_path / "finished")


def check_same(found, expected):
    assert found[1] == expected[1]
    for one, other in zip(found[0], expected[0], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("step", "every"), [(1, 0), (6, 1), (7, 3), (8, 0)])
def test_a_run_that_was_stopped_ends_on_the_same_weights(
    tmp_path, whole, step, every
):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, At(step, interrupt), every=every)
    check_same(run(tmp_path, every=every), whole)


def test_sigterm_saves_where_it_is_and_exits_143(tmp_path, whole):
    def terminate():
        os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Stopped) as stopped:
        run(tmp_path, At(6, terminate))
    assert stopped.value.code == 143
    assert names(tmp_path)[-1] == "step-0000000006"
    check_same(run(tmp_path), whole)


def test_a_finished_run_is_not_trained_again(finished, whole):
    check_same(run(finished, At(1, interrupt)), whole)
    assert len(run(finished, epochs=EPOCHS + 1)[1]["loss"]) == EPOCHS + 1


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def test_the_newest_are_kept(tmp_path):
    run(tmp_path, every=1, keep=2, epochs=1)
    assert names(tmp_path) == ["step-0000000003", "step-0000000004"]


def damage(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("checkpoint.json", damage),
        ("values.index", os.unlink),
        ("values.data-00000-of-00001", damage),
    ],
)
def test_a_damaged_newest_is_skipped_with_a_warning(
    finished, whole, caplog, name, change
):
    change(finished / "step-0000000012" / name)
    with caplog.at_level(logging.WARNING, logger="slice_tf.training"):
        check_same(run(finished), whole)
    (record,) = (
        one for one in caplog.records if one.name == "slice_tf.training"
    )
    assert "step-0000000012" in record.message
    assert name in record.message


def test_what_a_killed_process_half_wrote_is_cleared(tmp_path):
    (tmp_path / ".step-0000000009.1.tmp").mkdir()
    run(tmp_path, epochs=1)
    assert names(tmp_path) == ["step-0000000004"]


def test_a_full_disk_is_said_and_older_checkpoints_stay(tmp_path):
    run(tmp_path, epochs=1)
    with full_disk(1024), pytest.raises(OSError, match="is the disk full"):
        run(tmp_path, epochs=2)
    assert names(tmp_path) == ["step-0000000004"]


def test_what_must_not_change_is_named(tmp_path):
    run(tmp_path, epochs=1, seed=1, slices=["a", "b"])
    message = r"Received: slices=\['b', 'a'\] \(checkpoint: \['a', 'b'\]\)\. T"
    with pytest.raises(ValueError, match=message):
        run(tmp_path, seed=1, slices=["b", "a"])


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    run(tmp_path, epochs=1)
    other = made(2, units=3)
    with pytest.raises(ValueError, match="must be of the model that goes on"):
        train(
            other,
            DATA,
            epochs=2,
            verbose=0,
            resume=Resume(Checkpoints(tmp_path)),
        )


def test_early_stopping_goes_on_counting(tmp_path):
    def stopping():
        return StopEarly("val_loss", patience=2, min_delta=10.0)

    whole = run(tmp_path / "whole", stopping(), epochs=9)[1]
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", stopping(), At(7, interrupt), epochs=9)
    assert run(tmp_path / "cut", stopping(), epochs=9)[1] == whole
    assert len(whole["loss"]) == 3
    # What dies between the stop and the model's directory ends the same.
    assert run(tmp_path / "cut", stopping(), epochs=9)[1] == whole


def test_at_least_one_must_be_kept(tmp_path):
    with pytest.raises(ValueError, match="keep=0"):
        Checkpoints(tmp_path, keep=0)
