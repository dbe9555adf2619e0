import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from slice_tf.losses import Recipe
from slice_tf.models import SliceAwareModel, add_slices
from slice_tf.schema import Slice, SliceSchema
from sliced_task import FEATURES, SCHEMA, TARGETS, made, mlp

KEYS = {"logits", "indicator_logits", "expert_logits", "attention"}


def plain(outputs):
    return {key: np.asarray(value) for key, value in outputs.items()}


def assert_equal(results, expected):
    assert set(results) == set(expected)
    for key, value in expected.items():
        np.testing.assert_array_equal(results[key], value, err_msg=key)


@pytest.mark.parametrize(("num_classes", "num_logits"), [(2, 1), (3, 3)])
def test_outputs_are_the_contract(num_classes, num_logits):
    outputs = made(num_classes).predict(FEATURES, verbose=0)
    assert {key: value.shape for key, value in outputs.items()} == {
        "logits": (64, num_logits),
        "indicator_logits": (64, 2),
        "expert_logits": (64, 3, num_logits),
        "attention": (64, 3),
    }


@pytest.mark.parametrize("recipe", ["default", "paper"])
@pytest.mark.parametrize("num_classes", [2, 3])
def test_fit_learns_and_logs_every_part(recipe, num_classes):
    model = made(num_classes, recipe=recipe, metrics=["accuracy"])
    history = model.fit(FEATURES, TARGETS, epochs=8, verbose=0).history
    assert set(history) == {
        "loss",
        "base_loss",
        "indicator_loss",
        "expert_loss",
        "accuracy",
        "accuracy/small",
        "accuracy/large",
        "accuracy/base",
    }
    parts = [
        history[f"{part}_loss"] for part in ("base", "indicator", "expert")
    ]
    np.testing.assert_allclose(
        history["loss"], np.sum(parts, axis=0), rtol=1e-5
    )
    np.testing.assert_allclose(
        history["accuracy"], history["accuracy/base"], rtol=1e-6
    )
    assert history["loss"][-1] < 0.8 * history["loss"][0]


def test_user_metrics_score_probabilities_of_the_final_prediction():
    model = made(2, metrics=["accuracy", keras.metrics.AUC(name="auc")])
    model.fit(FEATURES, TARGETS, epochs=4, verbose=0)
    result = model.evaluate(FEATURES, TARGETS, verbose=0, return_dict=True)
    logits = model.predict(FEATURES, verbose=0)["logits"][:, 0]
    auc = keras.metrics.AUC()
    auc.update_state(TARGETS["label"], keras.ops.sigmoid(logits))
    np.testing.assert_allclose(result["auc"], auc.result(), rtol=1e-6)
    right = (logits > 0) == TARGETS["label"]
    np.testing.assert_allclose(result["accuracy"], right.mean(), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32"])
def test_labels_may_be_any_integers(dtype):
    targets = {**TARGETS, "label": TARGETS["label"].astype(dtype)[:, None]}
    model = made(3)
    np.testing.assert_allclose(
        model.evaluate(FEATURES, targets, verbose=0),
        model.evaluate(FEATURES, TARGETS, verbose=0),
    )


def test_weighted_metrics_take_the_weights_of_examples():
    weights = (TARGETS["label"] == 1).astype("float32")
    model = made(2, weighted_metrics=["accuracy"])
    result = model.evaluate(FEATURES, TARGETS, 64, 0, weights, return_dict=True)
    logits = model.predict(FEATURES, verbose=0)["logits"][:, 0]
    of_class_1 = logits[TARGETS["label"] == 1] > 0
    np.testing.assert_allclose(result["accuracy"], of_class_1.mean())


def test_arguments_of_fit_may_go_by_their_order_in_keras():
    seen = []
    on_batch = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append((batch, set(logs)))
    )
    made(2).fit(FEATURES, TARGETS, 32, 1, 0, [on_batch])
    logs = {"loss", "base_loss", "indicator_loss", "expert_loss"}
    assert [(batch, names - logs) for batch, names in seen] == [
        (0, {"accuracy/base"}),
        (1, {"accuracy/base"}),
    ]


def test_one_batch_is_trained_on_and_scored_by_name():
    model = made(2)
    before = model.test_on_batch(FEATURES, TARGETS, return_dict=True)["loss"]
    for _ in range(5):
        model.train_on_batch(FEATURES, TARGETS)
    model.reset_metrics()
    after = model.test_on_batch(FEATURES, TARGETS, return_dict=True)["loss"]
    assert after < before


def test_same_seed_gives_the_same_weights_and_predictions():
    runs = []
    for _ in range(2):
        model = made(3, seed=7)
        model.fit(FEATURES, TARGETS, epochs=3, batch_size=16, verbose=0)
        outputs = model.predict(FEATURES, verbose=0)
        runs.append([*model.get_weights(), *outputs.values()])
    for first, second in zip(*runs, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("recipe", ["paper", Recipe(member_weight=5.0)])
def test_loaded_model_predicts_the_same_and_goes_on(tmp_path, recipe):
    schema = SliceSchema((Slice("a", monitor_only=True), Slice("b")))
    model = made(3, schema=schema, recipe=recipe, units=5, metrics=["accuracy"])
    model.fit(FEATURES, TARGETS, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.schema == schema
    assert_equal(
        loaded.predict(FEATURES, verbose=0), model.predict(FEATURES, verbose=0)
    )
    runs = [
        one.fit(FEATURES, TARGETS, epochs=2, shuffle=False, verbose=0).history
        for one in (model, loaded)
    ]
    assert runs[0] == runs[1]


def test_subclassed_backbone_goes_through_a_file(tmp_path):
    model = SliceAwareModel(Halves(), SCHEMA, 3)
    model.compile()
    model.fit(FEATURES, TARGETS, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert_equal(
        loaded.predict(FEATURES, verbose=0), model.predict(FEATURES, verbose=0)
    )


@keras.saving.register_keras_serializable(package="tests")
class Halves(keras.Model):
    """A backbone that is no functional model."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(4, activation="relu")

    def build(self, shapes):
        self.dense.build(shapes["x"])
        self.built = True

    def call(self, features):
        return self.dense(features["x"] / 2.0)


def test_unknown_membership_has_no_influence():
    known = np.ones_like(TARGETS["membership"])
    known[::2, 0] = 0
    runs = []
    for wrong in (0.0, 1.0, np.nan):
        membership = np.where(known > 0, TARGETS["membership"], wrong)
        targets = {**TARGETS, "membership": membership, "known": known}
        model = made(2)
        history = model.fit(
            FEATURES, targets, epochs=2, shuffle=False, verbose=0
        ).history
        runs.append((history, model.get_weights()))
    for history, weights in runs[1:]:
        assert history == runs[0][0]
        for one, other in zip(weights, runs[0][1], strict=True):
            np.testing.assert_array_equal(one, other)


def test_monitored_slice_has_an_indicator_and_no_expert():
    schema = SliceSchema((Slice("small", monitor_only=True), Slice("large")))
    model = made(2, schema=schema)
    before = model.module.indicators.kernel.numpy()
    model.fit(FEATURES, TARGETS, epochs=2, verbose=0)
    outputs = model.predict(FEATURES, verbose=0)
    np.testing.assert_array_equal(outputs["attention"][:, 0], np.zeros(64))
    np.testing.assert_array_equal(
        outputs["expert_logits"][:, 0], np.zeros((64, 1))
    )
    assert model.module.experts.kernel.shape == (8, 2, 8)
    assert np.all(model.module.indicators.kernel.numpy()[:, 0] != before[:, 0])


def test_sample_weight_of_zero_takes_an_example_away():
    weights = np.array([1.0, 0.0] * 32)
    model = made(2)
    weighted = model.evaluate(
        FEATURES, TARGETS, 64, 0, weights, return_dict=True
    )
    kept = weights > 0
    plain_loss = model.evaluate(
        {key: value[kept] for key, value in FEATURES.items()},
        {key: value[kept] for key, value in TARGETS.items()},
        verbose=0,
        return_dict=True,
    )
    # As in Keras, the sum is divided by all examples.
    np.testing.assert_allclose(
        weighted["loss"], plain_loss["loss"] / 2, rtol=1e-5
    )


def test_weights_from_a_dataset_are_those_from_arrays():
    weights = np.linspace(0.0, 2.0, 64)
    data = tf.data.Dataset.from_tensor_slices((FEATURES, TARGETS, weights))
    model = made(2)
    from_data = model.evaluate(data.batch(16), verbose=0)
    from_arrays = model.evaluate(FEATURES, TARGETS, 16, 0, weights)
    np.testing.assert_allclose(from_data, from_arrays, rtol=1e-6)


def test_regularizers_of_the_backbone_count():
    keras.utils.set_random_seed(0)
    x = keras.Input((6,), name="x")
    dense = keras.layers.Dense(4, kernel_regularizer=keras.regularizers.L2(0.1))
    backbone = keras.Model({"x": x}, dense(x))
    model = SliceAwareModel(backbone, SCHEMA)
    model.compile()
    result = model.evaluate(FEATURES, TARGETS, verbose=0, return_dict=True)
    parts = sum(result[f"{p}_loss"] for p in ("base", "indicator", "expert"))
    penalty = 0.1 * np.sum(dense.kernel.numpy() ** 2)
    np.testing.assert_allclose(result["loss"] - parts, penalty, rtol=1e-4)


def test_features_that_the_backbone_does_not_read_do_not_shift_the_others():
    model = made(2)
    more = {**FEATURES, "a_first": FEATURES["x"] * 9, "z_last": FEATURES["x"]}
    assert_equal(
        model.predict(more, verbose=0), model.predict(FEATURES, verbose=0)
    )


def test_without_slices_it_is_a_plain_classifier():
    model = made(2, schema=SliceSchema(()), rates=None)
    history = model.fit(
        FEATURES, {"label": TARGETS["label"]}, epochs=5, verbose=0
    ).history
    assert history["indicator_loss"] == [0.0] * 5
    assert history["loss"][-1] < history["loss"][0]


def run(**compile_arguments):
    """Logs, predictions, and right answers a slice after two epochs."""
    model = made(2, **compile_arguments)
    history = model.fit(
        FEATURES, TARGETS, batch_size=16, epochs=2, shuffle=False, verbose=0
    ).history
    predictions = model.predict(FEATURES, verbose=0)
    counts = model.slice_accuracy.right_and_all()
    return {**history, **predictions, "counts": counts}


@pytest.fixture(scope="module")
def plain_run():
    return run()


@pytest.mark.parametrize("jit_compile", [False, True])
def test_several_steps_in_one_call_and_xla_compute_the_same(
    jit_compile, plain_run
):
    results = run(jit_compile=jit_compile, steps_per_execution=3)
    assert results.keys() == plain_run.keys()
    assert {"accuracy/small", "accuracy/large", *KEYS} <= results.keys()
    for key, expected in plain_run.items():
        np.testing.assert_allclose(results[key], expected, atol=1e-4)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains_with_float32_outputs(policy):
    keras.config.set_dtype_policy(policy)
    try:
        model = made(3)
        history = model.fit(FEATURES, TARGETS, epochs=4, verbose=0).history
    finally:
        keras.config.set_dtype_policy("float32")
    outputs = model.predict(FEATURES, verbose=0)
    assert {value.dtype.name for value in outputs.values()} == {"float32"}
    assert model.module.experts.compute_dtype == policy.removeprefix("mixed_")
    assert history["loss"][-1] < history["loss"][0]


def test_explain_gives_calibrated_membership():
    model = made(2)
    rates = TARGETS["membership"].mean(axis=0)
    explained = plain(model.explain(FEATURES))
    outputs = plain(model(FEATURES))
    odds = rates / (1 - rates) * np.exp(outputs["indicator_logits"])
    np.testing.assert_allclose(
        explained["slice_probabilities"], odds / (1 + odds), rtol=1e-4
    )
    np.testing.assert_allclose(
        explained["probabilities"].sum(1), np.ones(64), rtol=1e-6
    )
    np.testing.assert_array_equal(
        explained["class_ids"], explained["probabilities"].argmax(axis=1)
    )
    assert set(explained) == {
        "probabilities",
        "class_ids",
        "slice_probabilities",
        "attention",
        "logits",
        "contributions",
    }
    np.testing.assert_allclose(
        explained["contributions"].sum(axis=1), explained["logits"], atol=1e-6
    )


@pytest.mark.parametrize("recipe", ["default", "paper"])
def test_folded_model_predicts_and_scores_the_same(tmp_path, recipe):
    model = made(3, recipe=recipe, units=16)
    model.fit(FEATURES, TARGETS, epochs=2, verbose=0)
    folded = model.fold()
    folded.compile()
    folded.save(tmp_path / "folded.keras")
    loaded = keras.models.load_model(tmp_path / "folded.keras")
    scores = model.evaluate(FEATURES, TARGETS, verbose=0)
    expected = plain(model.explain(FEATURES))
    for one in (folded, loaded, folded.fold()):
        for key, value in plain(one.explain(FEATURES)).items():
            np.testing.assert_allclose(value, expected[key], atol=1e-5)
        np.testing.assert_allclose(
            one.evaluate(FEATURES, TARGETS, verbose=0), scores, rtol=1e-5
        )
    assert [tuple(w.shape) for w in folded.module.weights] == [
        (8, 3 * (2 * 3 + 1)),
        (3 * (2 * 3 + 1),),
    ]
    assert folded.module.trainable_weights == []


def test_folded_model_of_a_subclassed_backbone_goes_through_a_file(tmp_path):
    model = SliceAwareModel(Halves(), SCHEMA, 3)
    expected = plain(model(FEATURES))
    model.fold().save(tmp_path / "folded.keras")
    loaded = keras.models.load_model(tmp_path / "folded.keras")
    for key, value in plain(loaded(FEATURES)).items():
        np.testing.assert_allclose(value, expected[key], atol=1e-6)


def test_model_without_weights_cannot_be_folded():
    with pytest.raises(ValueError, match=r"must have weights.*built=False"):
        SliceAwareModel(Halves(), SCHEMA).fold()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: SliceAwareModel(mlp(), SCHEMA, 1),
            ValueError,
            "num_classes=1",
        ),
        (lambda: SliceAwareModel(mlp(), None), TypeError, "schema=None"),
        (lambda: SliceAwareModel(mlp(), ["a"]), TypeError, "type=list"),
        (lambda: SliceAwareModel("bert", SCHEMA), TypeError, "type=str"),
        (
            lambda: SliceAwareModel(mlp(), SCHEMA, recipe="papre"),
            ValueError,
            "recipe='papre'",
        ),
        (
            lambda: SliceAwareModel(mlp(), SCHEMA, slice_rates=[0.1]),
            ValueError,
            "one number a slice",
        ),
        (
            lambda: SliceAwareModel(mlp(), SCHEMA, units=0),
            ValueError,
            "units=0",
        ),
        (
            lambda: SliceAwareModel(mlp(), SCHEMA).compile("adam", "mse"),
            ValueError,
            "brings its own losses.*Received: loss=mse",
        ),
        (
            lambda: SliceAwareModel(mlp(), SCHEMA).compile(loss_weights=[1]),
            ValueError,
            r"Received: loss_weights=\[1\]",
        ),
    ],
)
def test_wrong_arguments_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("targets", "error", "message"),
    [
        (TARGETS["label"], TypeError, "must be a dict"),
        ({"label": TARGETS["label"]}, ValueError, "must hold `membership`"),
        (
            {**TARGETS, "label": TARGETS["label"].astype("float32")},
            TypeError,
            "must be integers.*dtype=.*float32",
        ),
        (
            {**TARGETS, "label": np.eye(3, dtype="int64")[TARGETS["label"]]},
            ValueError,
            r"`label` must be of shape \[batch\]",
        ),
        (
            {**TARGETS, "membership": TARGETS["membership"][:, :1]},
            ValueError,
            r"paired by position.*shape=\(32, 1\), slices=2",
        ),
    ],
)
def test_wrong_targets_are_refused(targets, error, message):
    with pytest.raises(error, match=message):
        made(2).fit(FEATURES, targets, verbose=0)


@pytest.mark.parametrize("num_classes", [2, 3])
def test_soft_labels_of_one_class_are_that_class(num_classes):
    soft = np.eye(num_classes, dtype="float32")[TARGETS["label"]]
    runs = []
    for label in (TARGETS["label"], soft):
        model = made(num_classes, metrics=["accuracy"])
        targets = {**TARGETS, "label": label}
        runs.append(
            model.fit(FEATURES, targets, epochs=2, shuffle=False, verbose=0)
        )
    assert set(runs[0].history) == set(runs[1].history)
    for key, values in runs[0].history.items():
        np.testing.assert_allclose(runs[1].history[key], values, rtol=1e-5)


def test_base_loss_waits_for_the_end_of_the_warm_up(tmp_path):
    model = made(2, recipe=Recipe(warmup_steps=4))
    before = model.module.head.kernel.numpy()
    scored = model.evaluate(FEATURES, TARGETS, verbose=0)
    history = model.fit(FEATURES, TARGETS, batch_size=32, epochs=2, verbose=0)
    assert history.history["base_loss"] == [0.0, 0.0]
    np.testing.assert_array_equal(model.module.head.kernel, before)
    # Evaluation counts everything, and no step.
    assert scored[0] > history.history["loss"][0]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for one in (loaded, add_slices(model, [Slice("third")], [0.1])):
        assert int(one.steps) == 4
    loaded.fit(FEATURES, TARGETS, verbose=0)
    assert np.any(loaded.module.head.kernel.numpy() != before)


def test_options_go_through_a_file(tmp_path):
    recipe = Recipe(base_indicator="free", temperature=2.0)
    schema = SliceSchema.from_names(["a", "b"])
    model = SliceAwareModel(mlp(), schema, rank=2, recipe=recipe)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert_equal(plain(loaded(FEATURES)), plain(model(FEATURES)))
    assert loaded.recipe == recipe
    assert loaded.module.get_config() == model.module.get_config()


def test_missing_feature_is_named():
    with pytest.raises(ValueError, match="missing=x, features=y"):
        made(2)({"y": FEATURES["x"]})


def test_backbone_must_give_one_vector_an_example():
    x = keras.Input((6, 2), name="x")
    with pytest.raises(ValueError, match=r"\[batch, dim\].*\(None, 6, 2\)"):
        SliceAwareModel(keras.Model({"x": x}, x * 1.0), SCHEMA)


def test_label_that_is_no_class_shows_in_the_loss():
    targets = {**TARGETS, "label": TARGETS["label"] + 2}
    assert np.isnan(made(2).evaluate(FEATURES, targets, verbose=0)[0])


def test_summary_of_a_thousand_slices_fits_on_a_screen():
    schema = SliceSchema.from_names([f"s{i}" for i in range(1000)])
    lines = []
    model = SliceAwareModel(mlp(), schema, units=4, name="model")
    model.summary(line_length=76, print_fn=lines.append)
    shown = "\n".join(lines)
    assert len(shown.splitlines()) < 20
    words = re.sub("[^ -~]+", " ", shown).split()  # No lines of the table.
    assert " ".join(words) == (
        'Model: "model" Layer (type) Output Shape Param # '
        "mlp (Functional) (None, 8) 56 "
        "slice_residual_attention {logits: (None, 1), 45,046 "
        "(SliceResidualAttention) indicator_logits: (None, 1000), "
        "expert_logits: (None, 1001, 1), attention: (None, 1001)} "
        "Total params: 45,102 (176.18 KB) Trainable params: 45,102 "
        "(176.18 KB) Non-trainable params: 0 (0.00 B)"
    )


@pytest.mark.parametrize(("num_slices", "prints_slices"), [(10, 1), (11, 0)])
def test_progress_of_many_slices_is_one_readable_line(
    num_slices, prints_slices, capsys
):
    schema = SliceSchema.from_names([f"s{i}" for i in range(num_slices)])
    membership = np.ones((64, num_slices), "float32")
    data = FEATURES, {"label": TARGETS["label"], "membership": membership}
    model = made(2, schema=schema, rates=None)
    fitted = model.fit(*data, verbose=2, validation_data=data)
    printed = capsys.readouterr().out
    for key in ("accuracy/s0", "val_accuracy/s0"):
        assert len(fitted.history[key]) == 1
        assert printed.count(f" {key}:") == prints_slices
    assert printed.count(" val_accuracy/base:") == 1
