import numpy as np
import pytest

from slice_tf.training import KeepBest
from slice_tf.training.best import lower_bound
from slice_tf.training.config import OptimizerConfig
from slice_tf.training.optimizer import make_optimizer
from sliced_task import made


def test_lower_bound_is_wilsons():
    # 81 of 263: 0.2553 to 0.3662, Newcombe 1998, table I.
    assert lower_bound(81, 263) == pytest.approx(0.2553, abs=5e-5)
    assert lower_bound(0, 0) == lower_bound(0, 9) == 0.0


@pytest.mark.parametrize(
    ("monitor", "values", "best"),
    [
        ("val_loss", [3.0, 1.0, 2.0], 1),
        ("val_accuracy", [0.1, 0.2, 0.9], 2),
        ("val_accuracy/loss_of_signal", [0.1, 0.9, 0.2], 1),
        ("val_rmse/night", [3.0, 1.0, 2.0], 1),
    ],
)
def test_the_best_weights_come_back_also_after_a_restart(
    tmp_path, caplog, monitor, values, best
):
    caplog.set_level("INFO", logger="slice_tf.training")
    model, path = made(2), tmp_path / "best.npz"
    start = model.get_weights()
    keep = KeepBest(monitor, path)
    keep.set_model(model)
    for epoch, value in enumerate(values):
        model.set_weights([one + epoch for one in start])
        keep.on_epoch_end(epoch, {monitor: value})
    again = KeepBest(monitor, path)
    again.set_model(model)
    again.set_state(keep.get_state())
    for one in (keep, again):
        model.set_weights(start)
        one.on_train_end()
        for found, first in zip(model.get_weights(), start, strict=True):
            np.testing.assert_array_equal(found, first + best)
    said = f"kept the weights of epoch {best + 1}, the best in {monitor}"
    assert caplog.messages == [said, said]


def test_a_slice_is_judged_by_its_lower_bound():
    model = made(2)
    keep = KeepBest("val_accuracy/small")
    keep.set_model(model)
    model.slice_accuracy.counts.assign([[1, 1], [0, 0], [1, 1]])
    keep.on_epoch_end(0, {"val_accuracy/small": 1.0})
    assert keep.best == pytest.approx(lower_bound(1, 1))
    model.slice_accuracy.counts.assign([[90, 100], [0, 0], [90, 100]])
    keep.on_epoch_end(1, {"val_accuracy/small": 0.9})
    assert keep.best_epoch == 1


def test_what_is_not_logged_cannot_be_best():
    keep = KeepBest("val_loss")
    keep.set_model(made(2))
    with pytest.raises(ValueError, match="monitor=val_loss, logged=loss"):
        keep.on_epoch_end(0, {"loss": 1.0})


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [0.0, 0.5, 1.0, 1.0, 1.0]),
        ("linear", [0.0, 0.5, 1.0, 0.5, 0.0]),
        ("cosine", [0.0, 0.5, 1.0, 0.5, 0.0]),
    ],
)
def test_the_rate_goes_up_and_then_as_its_schedule_says(schedule, expected):
    config = OptimizerConfig(1.0, schedule, warmup_steps=2)
    rate = make_optimizer(config, steps=6)._learning_rate
    found = [float(rate(step)) for step in (0, 1, 2, 4, 6)]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_warmup_must_end():
    config = OptimizerConfig(warmup_steps=6)
    with pytest.raises(ValueError, match="warmup_steps=6, steps=6"):
        make_optimizer(config, steps=6)
