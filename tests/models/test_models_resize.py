import keras
import numpy as np
import pytest

from slice_tf.models import add_slices, remove_slices
from slice_tf.schema import Slice
from sliced_task import FEATURES, TARGETS, made

NEW = [Slice("third", monitor_only=True), Slice("fourth")]


def plain(outputs):
    return {key: np.asarray(value) for key, value in outputs.items()}


@pytest.mark.parametrize("recipe", ["default", "paper"])
@pytest.mark.parametrize("rank", [None, 2])
def test_added_slices_keep_what_was_learned(recipe, rank):
    model = made(3, recipe=recipe, rank=rank)
    model.fit(FEATURES, TARGETS, epochs=3, verbose=0)
    wider = add_slices(model, NEW, [0.1, 0.2])
    before, after = plain(model(FEATURES)), plain(wider(FEATURES))
    assert wider.schema.names == ("small", "large", "third", "fourth")
    np.testing.assert_allclose(
        wider.slice_rates, [*model.slice_rates, 0.1, 0.2]
    )
    q = after["indicator_logits"]
    np.testing.assert_allclose(q[:, :2], before["indicator_logits"], atol=1e-5)
    np.testing.assert_array_equal(q[:, 2:], np.full((64, 2), -4.0))
    p = before["expert_logits"][:, [0, 1, 2, 2, 2]]
    p[:, 2] = 0  # It is monitored only.
    np.testing.assert_allclose(after["expert_logits"], p, atol=1e-5)
    np.testing.assert_array_equal(after["attention"][:, 2], np.zeros(64))
    # The new expert is the base's, so only indicators tell them apart.
    q_base = after.get("base_indicator_logits", np.zeros((64, 1)))[:, 0]
    new, base = after["attention"][:, 3], after["attention"][:, 4]
    np.testing.assert_allclose(new, base * np.exp(-4 - q_base), rtol=1e-4)


def test_added_slices_hardly_change_predictions():
    model = made(2)
    model.fit(FEATURES, TARGETS, epochs=3, verbose=0)
    before = np.asarray(model(FEATURES)["logits"])
    after = np.asarray(add_slices(model, NEW, [0.1, 0.2])(FEATURES)["logits"])
    np.testing.assert_allclose(after, before, atol=0.02 * np.abs(before).max())


def test_added_slices_are_learned():
    wider = add_slices(made(2), NEW, [0.5, 0.5])
    wider.compile(keras.optimizers.Adam(3e-2))
    more = (FEATURES["x"][:, 3:5] > 0).astype("float32")
    membership = np.concatenate([TARGETS["membership"], more], axis=1)
    targets = {**TARGETS, "membership": membership}
    history = wider.fit(FEATURES, targets, epochs=30, verbose=0).history
    assert history["indicator_loss"][-1] < 0.7 * history["indicator_loss"][0]
    kernel = wider.module.experts.kernel.numpy()
    assert kernel.shape[1] == 4  # One of the five has no expert.
    assert np.any(kernel[:, 2] != kernel[:, 3])


@pytest.mark.parametrize("recipe", ["default", "paper"])
def test_removed_slices_leave_the_others_as_they_were(recipe):
    model = made(3, recipe=recipe)
    model.fit(FEATURES, TARGETS, verbose=0)
    narrower = remove_slices(model, ["small"])
    before, after = plain(model(FEATURES)), plain(narrower(FEATURES))
    assert narrower.schema.names == ("large",)
    for key in ("indicator_logits", "expert_logits"):
        np.testing.assert_allclose(after[key], before[key][:, 1:], atol=1e-5)


def test_adding_and_removing_gives_the_same_model():
    model = made(2)
    same = remove_slices(add_slices(model, NEW, [0, 0]), ["third", "fourth"])
    for one, other in zip(same.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    nothing = remove_slices(model, ["small", "large"])
    np.testing.assert_array_equal(
        nothing(FEATURES)["attention"], np.ones((64, 1))
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda model: add_slices(model, NEW), r"model has rates.*rates=None"),
        (
            lambda model: add_slices(model, [Slice("small")], [0.1]),
            "names of their own.*small",
        ),
        (lambda model: remove_slices(model, ["big"]), r"small, large.*: big"),
        (
            lambda model: remove_slices(model.fold(), ["small"]),
            "must not be folded",
        ),
    ],
)
def test_what_cannot_be_resized_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        change(made(2))
