import keras
import numpy as np
import pytest

from slice_tf.models import SliceAwareModel, VanillaModel, build_mlp
from slice_tf.models.baselines import BASELINES, BaselineTask, train_baseline
from slice_tf.models.baselines.data_programming import votes_of_slices
from slice_tf.models.baselines.group_dro import GroupDROModel
from slice_tf.models.baselines.hard_parameter_sharing import (
    HardParameterSharingModel,
)
from slice_tf.models.baselines.label_model import LabelModel, fit_label_model
from slice_tf.models.baselines.last_layer_retraining import balancing_weights
from slice_tf.models.baselines.mixture_of_experts import MixtureOfExpertsModel
from slice_tf.models.baselines.task import accuracies
from slice_tf.models.baselines.up_weighting import slice_weights
from slice_tf.schema import SliceSchema
from sliced_task import FEATURES, SCHEMA, TARGETS, mlp


def noisy_votes():
    """Five sources that give the label in four of five cases."""
    rng = np.random.default_rng(0)
    wrong = rng.random((64, 5)) < 0.2
    return np.abs(TARGETS["label"][:, None] - wrong)


def task_of(num_classes=2, epochs=10):
    keras.utils.set_random_seed(0)
    return BaselineTask(
        backbone=mlp,
        schema=SCHEMA,
        features=FEATURES,
        targets=TARGETS,
        num_classes=num_classes,
        votes=noisy_votes(),
        epochs=epochs,
        batch_size=16,
        optimizer=lambda: keras.optimizers.Adam(3e-2),
    )


@pytest.fixture(scope="module")
def trained():
    return {name: train_baseline(name, task_of()) for name in BASELINES}


@pytest.mark.parametrize("name", BASELINES)
def test_one_call_trains_a_model_better_than_chance(name, trained):
    scores = accuracies(trained[name], FEATURES, TARGETS)
    assert scores.shape == (3,)
    assert scores[-1] > 0.7


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_go_through_a_file(name, trained, tmp_path):
    trained[name].save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        loaded(FEATURES)["logits"], trained[name](FEATURES)["logits"], atol=1e-6
    )


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"vanilla, hard.*name='sram'"):
        train_baseline("sram", task_of())


def test_parameter_counts_are_those_of_the_papers_table_2():
    """M: backbone; r: width of z; k slices and the base; h: an expert's."""
    m, r, k, h = 10 * 7 + 7, 7, 3, 5
    schema = SliceSchema.from_names([f"s{i}" for i in range(k)])

    def backbone():
        return build_mlp({"x": ((10,), "float32")}, (r,))

    experts = [VanillaModel(backbone()) for _ in range(k + 1)]
    heads = 2 * (h + 1)
    counts = {
        "VANILLA": (VanillaModel(backbone()), m + (r + 1)),
        "HPS, MANUAL": (
            HardParameterSharingModel(backbone(), schema),
            m + (k + 1) * (r + 1),
        ),
        "MoE": (
            MixtureOfExpertsModel(experts, schema),
            (k + 1) * (m + r + 1) + (k + 1) * (r + 1),
        ),
        "OURS": (
            SliceAwareModel(backbone(), schema, units=h),
            m + k * (r + 1) + (k + 1) * (r + 1) * h + heads,
        ),
    }
    for name, (model, expected) in counts.items():
        assert model.count_params() == expected, name


def test_heads_of_slices_learn_from_their_members():
    schema = SliceSchema.from_names(["none", "all"])
    model = HardParameterSharingModel(mlp(), schema, multipliers=[1, 2, 1])
    model.compile(keras.optimizers.SGD(0.1))
    before = model.module.dense.kernel.numpy()
    membership = np.tile(np.array([0, 1], "float32"), (64, 1))
    with pytest.warns(UserWarning, match="none"):
        model.fit(FEATURES, {**TARGETS, "membership": membership}, verbose=0)
    moved = np.abs(model.module.dense.kernel.numpy() - before).max(axis=0)
    assert moved[0] == 0
    assert (moved[1:] > 0).all()


def test_mixture_weighs_its_experts_by_the_gate(trained):
    model = trained["mixture_of_experts"]
    outputs = model(FEATURES)
    logits = [np.asarray(one(FEATURES)["logits"]) for one in model.experts]
    shares = np.asarray(outputs["attention"])
    expected = np.einsum("bk,kbc->bc", shares, np.stack(logits))
    np.testing.assert_allclose(outputs["logits"], expected, atol=1e-5)
    assert len(model.trainable_weights) == 2  # the gate alone


def test_the_gate_of_a_mixture_is_not_rounded(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        experts = [VanillaModel(mlp()) for _ in range(3)]
        model = MixtureOfExpertsModel(experts, SCHEMA)
        expected = model(FEATURES)
    finally:
        keras.config.set_dtype_policy("float32")
    model.save(tmp_path / "model.keras")
    outputs = keras.models.load_model(tmp_path / "model.keras")(FEATURES)
    for name in ("logits", "attention"):
        assert expected[name].dtype == "float32"
        np.testing.assert_array_equal(outputs[name], expected[name])


def test_group_dro_gives_weight_to_the_slice_that_does_worst():
    model = GroupDROModel(mlp(), SCHEMA, step_size=0.5)
    model.compile(keras.optimizers.SGD(0.0))  # So that losses stay.
    x = FEATURES["x"]
    logits = np.asarray(model(FEATURES)["logits"])[:, 0]
    wrong = logits > 0  # Label 0 for all: the loss is high where logits are.
    membership = np.stack([wrong, ~wrong], axis=1).astype("float32")
    targets = {"label": np.zeros(len(x), "int64"), "membership": membership}
    steps = {"batch_size": 64, "epochs": 5, "verbose": 0}
    history = model.fit(FEATURES, targets, **steps).history["loss"]
    losses = np.logaddexp(0, logits)
    means = losses[wrong].mean(), losses[~wrong].mean(), losses.mean()
    raised = 0.5 * np.arange(1, 6)[:, None] * means
    np.testing.assert_allclose(model.log_weights, raised[-1], rtol=1e-4)
    # A step's loss is weighed by the weights that this very step has raised.
    weights = np.exp(raised) / np.exp(raised).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(history, weights @ means, rtol=1e-4)
    weights = model.log_weights.numpy()
    model.evaluate(FEATURES, targets, verbose=0)
    np.testing.assert_array_equal(model.log_weights, weights)


def test_weights_follow_the_rarest_slice():
    membership = np.array([[0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 0, 1]])
    weights = slice_weights(membership)
    expected = np.array([1, 2, 4, 1])
    np.testing.assert_allclose(weights, expected / expected.mean())


def test_balancing_gives_every_slice_and_the_rest_the_same_weight():
    membership = np.array([[1, 0], [1, 0], [0, 1], [0, 0], [0, 0], [0, 0]])
    weights = balancing_weights(membership)
    sums = [weights[:2].sum(), weights[2], weights[3:].sum()]
    np.testing.assert_allclose(sums, [2, 2, 2], rtol=1e-6)


def test_slices_vote_for_their_commonest_label():
    membership = np.array([[1, 0], [1, 0], [1, 1], [0, 0]])
    votes = votes_of_slices(membership, np.array([1, 1, 0, 0]), 2)
    expected = [[1, -1, 1], [1, -1, 1], [1, 0, 0], [-1, -1, 0]]
    np.testing.assert_array_equal(votes, expected)


@pytest.mark.parametrize("num_classes", [2, 3])
def test_label_model_finds_the_accuracies_of_sources(num_classes):
    rng = np.random.default_rng(0)
    accuracies = np.array([0.9, 0.8, 0.7, 0.6, 0.75])
    labels = rng.integers(num_classes, size=50_000)
    wrong = (labels[:, None] + rng.integers(1, num_classes, (50_000, 5))) % (
        num_classes
    )
    right = rng.random((50_000, 5)) < accuracies
    votes = np.where(right, labels[:, None], wrong)
    votes[rng.random(votes.shape) < 0.3] = -1
    model = fit_label_model(votes, num_classes)
    for_class = np.diagonal(model.vote_rates[:, :, 1:], axis1=1, axis2=2)
    said = 1 - model.vote_rates[:, :, 0]
    np.testing.assert_allclose(
        for_class / said,
        np.tile(accuracies[:, None], num_classes),
        atol=0.03,
    )
    soft = model.probabilities(votes)
    majority = (votes[:, :, None] == np.arange(num_classes)).sum(axis=1)
    assert (soft.argmax(1) == labels).mean() > (
        majority.argmax(1) == labels
    ).mean()


def test_sources_that_vote_for_one_class_only_do_not_make_all_one_class():
    """Slices are such sources: most abstain, none knows both classes."""
    rng = np.random.default_rng(0)
    labels = (rng.random(20_000) < 0.3).astype(int)
    votes = np.full((20_000, 6), -1)
    rates = np.empty((6, 2, 3))
    for source, says in enumerate([1, 1, 1, 0, 0, 0]):
        inside = np.where(np.arange(2) == says, 0.4, 0.1)
        votes[rng.random(20_000) < inside[labels], source] = says
        rates[source] = np.insert(np.zeros((2, 2)), 0, 1 - inside, axis=1)
        rates[source, :, 1 + says] = inside
    model = fit_label_model(votes, 2, balance=[0.7, 0.3])
    np.testing.assert_allclose(model.vote_rates, rates, atol=0.03)


def test_a_label_that_votes_beside_small_slices_is_believed():
    rng = np.random.default_rng(0)
    labels = (rng.random(2_000) < 0.4).astype(int)
    membership = (rng.random((2_000, 3)) < 0.03).astype(int)
    votes = votes_of_slices(membership, labels, 2)
    soft = fit_label_model(votes, 2, [0.6, 0.4]).probabilities(votes)
    in_none = membership.max(axis=1) == 0
    np.testing.assert_array_equal(soft.argmax(1)[in_none], labels[in_none])


def test_probabilities_of_votes_are_bayes_rule():
    rates = np.array(
        [
            [[0.1, 0.8, 0.1], [0.5, 0.2, 0.3]],
            [[0.6, 0.4, 0.0], [0.3, 0.5, 0.2]],
        ]
    )
    model = LabelModel(rates, np.array([0.75, 0.25]))
    votes = np.array([[0, -1], [1, 1], [-1, -1]])
    expected = np.array(
        [
            [0.75 * 0.8 * 0.6, 0.25 * 0.2 * 0.3],
            [0.0, 0.25 * 0.3 * 0.2],
            [0.75 * 0.1 * 0.6, 0.25 * 0.5 * 0.3],
        ]
    )
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        model.probabilities(votes), expected, rtol=1e-5, atol=1e-9
    )


@pytest.mark.parametrize("balance", [[0.5], [1.0, 0.0], [[0.5, 0.5]]])
def test_each_class_must_have_a_share(balance):
    with pytest.raises(ValueError, match="`balance` must hold a positive sh"):
        fit_label_model(np.array([[0, 1]]), 2, balance)


def test_votes_must_be_classes_or_abstain():
    with pytest.raises(ValueError, match=r"votes from -1 to 2, num_classes=2"):
        fit_label_model(np.array([[-1, 2]]), 2)
