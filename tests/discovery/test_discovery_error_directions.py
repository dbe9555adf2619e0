import numpy as np
import pytest

from slice_tf.discovery import (
    MixtureSlicer,
    discover,
    load_discovery,
    save_discovery,
)
from slice_tf.discovery.error_directions import (
    FAR,
    ErrorDirections,
    broad_slices,
)
from slice_tf.discovery.splitting import split_slice

CENTERS = np.random.default_rng(5).normal(0, 4, (40, 8))


def misled(seed=0, rows=4800, by="attribute"):
    """Forty clusters, and in all of them an attribute, the ninth dimension.

    The model errs on class 1 where the attribute is high, in one cluster, or
    anywhere. Returns embeddings, labels and probabilities.
    """
    rng = np.random.default_rng(seed)
    cluster = rng.integers(0, 40, rows)
    attribute = rng.normal(0, 2, rows)
    embeddings = np.column_stack(
        [CENTERS[cluster] + rng.normal(size=(rows, 8)), attribute]
    )
    labels = cluster % 2
    chance = {
        "attribute": np.where((labels == 1) & (attribute > 2), 0.7, 0.05),
        "cluster": np.where(cluster == 3, 0.7, 0.05),
        "nothing": np.full(rows, 0.1),
    }[by]
    wrong = rng.random(rows) < chance
    sure = rng.uniform(0.6, 0.95, rows)
    ones = np.where(labels ^ wrong, sure, 1 - sure)
    return embeddings, labels, np.stack([1 - ones, ones], axis=1)


def penalised(z, wrong):
    """Logistic regression by Newton's method: mean, scale, slope, offset."""
    mean, scale = z.mean(axis=0), z.std(axis=0)
    x = np.column_stack([(z - mean) / scale, np.ones(len(z))])
    penalty = np.append(np.full(z.shape[1], 10.0), 0.0)
    line = np.zeros(x.shape[1])
    for _ in range(30):
        rates = 1 / (1 + np.exp(-x @ line))
        slope = x.T @ (rates - wrong) + penalty * line
        bend = (x.T * (rates * (1 - rates))) @ x + np.diag(penalty)
        line -= np.linalg.solve(bend, slope)
    return mean, scale, line[:-1], line[-1]


def test_rates_are_those_of_a_penalised_regression_of_a_labels_errors():
    z, labels, probabilities = misled(rows=500)
    wrong = probabilities.argmax(axis=1) != labels
    found = ErrorDirections(z, labels, probabilities, [1])(z, labels)
    own = labels == 1
    mean, scale, slope, offset = penalised(z[own], wrong[own])
    logits = (z - mean) / scale @ slope + offset
    expected = np.where(own, 1 / (1 + np.exp(-logits)), 1)
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_the_order_of_rows_does_not_matter_to_rates():
    given = misled(rows=500)
    order = np.random.default_rng(1).permutation(500)
    one, other = (
        ErrorDirections(*(array[rows] for array in given), [0, 1])
        for rows in (np.arange(500), order)
    )
    np.testing.assert_allclose(one(*given[:2]), other(*given[:2]), atol=1e-3)


@pytest.mark.parametrize("errors", [9, 10])
def test_a_label_of_fewer_than_ten_errors_has_no_direction(errors):
    z, labels, _ = misled(rows=500)
    probabilities = np.eye(2)[labels]
    few = np.flatnonzero(labels == 1)[:errors]
    probabilities[few] = probabilities[few, ::-1]
    directions = ErrorDirections(z, labels, probabilities, [0, 1])
    assert directions.labels == ([1] if errors == 10 else [])


def test_of_the_slices_one_is_broad_and_lies_far_along_the_attribute():
    given = misled()
    slicer = MixtureSlicer().fit(*given)
    views = [one.view for one in slicer.slices_]
    assert views == [0] * (len(views) - 1) + [1]
    broad = slicer.slices_[-1]
    assert (broad.label, broad.component) == (1, FAR)
    inside = slicer.predict_proba(given[0])[:, -1] >= 0.5
    wrong = given[2].argmax(axis=1) != given[1]
    assert given[0][inside, -1].mean() > 2
    assert wrong[inside].mean() > 2 * wrong.mean()


def test_its_first_examples_come_from_many_clusters():
    fresh = misled(seed=1)
    slicer = MixtureSlicer().fit(*misled())
    scores = slicer.predict_proba(*fresh)[:, -1]
    first = np.argsort(-scores)[:20]
    assert (fresh[0][first, -1] > 2).mean() >= 0.9
    near = ((fresh[0][first, None, :8] - CENTERS) ** 2).sum(axis=2)
    assert len(set(near.argmin(axis=1).tolist())) >= 3


@pytest.mark.parametrize("by", ["cluster", "nothing"])
@pytest.mark.parametrize("seed", range(5))
def test_errors_of_a_cluster_or_of_chance_make_no_broad_slice(by, seed):
    slicer = MixtureSlicer().fit(*misled(seed, by=by))
    assert all(one.view == 0 for one in slicer.slices_)


@pytest.mark.parametrize("num_slices", [1, 2, 3])
def test_at_most_half_of_the_slices_are_broad(num_slices):
    slicer = MixtureSlicer(num_slices).fit(*misled())
    broad = [one for one in slicer.slices_ if one.view > 0]
    assert len(slicer.slices_) == num_slices
    assert len(broad) == min(num_slices // 2, 1)


def test_a_label_whose_half_lies_in_as_many_components_is_not_broad():
    z, labels, probabilities = misled()
    slicer = MixtureSlicer().fit(z, labels, probabilities)
    z = slicer.projection_(z, np.float32)
    given = slicer.error_directions_, slicer.mixture_, z, labels, probabilities
    assert [label for label, _ in broad_slices(*given, 2)] == [1]
    assert broad_slices(*given, slicer.mixture_.num_components) == []


def test_counted_and_expected_errors_rank_candidates_ten_to_three():
    z, labels, probabilities = misled()
    slicer = MixtureSlicer().fit(z, labels, probabilities)
    z = slicer.projection_(z, np.float32)
    directions, mixture = slicer.error_directions_, slicer.mixture_
    found = [one for one in slicer.slices_ if one.view == 0]
    shares = mixture.responsibilities(z)

    def rank(one):
        own = labels == one.label
        rates, share = directions(z, labels)[own], shares[own, one.component]
        expected = (share * rates).sum() / share.sum() - rates.mean()
        return one.excess + 0.3 * expected

    order = [rank(one) for one in found]
    assert order == sorted(order, reverse=True)
    ranked = directions.ranked(found[::-1], mixture, z, labels)
    assert ranked == found


def test_a_broad_slice_is_measured_kept_and_split_as_any_other(tmp_path):
    given = misled(rows=9600)
    found = discover(*given)
    broad = int(found.regions.places[:, 0].argmax())
    assert found.regions.places[broad].tolist() == [1, FAR]
    assert found.slices[broad].holds_up
    save_discovery(tmp_path, found)
    again = load_discovery(tmp_path)
    assert again.slices == found.slices
    np.testing.assert_array_equal(
        again.regions.scores(given[0]), found.regions.scores(given[0])
    )
    whole = found.regions.members(given[0])[:, broad]
    name = found.slices[broad].name
    parts = split_slice(found, name, *given)
    places = [
        place
        for place, one in enumerate(parts.slices)
        if one.name in (f"{name}_a", f"{name}_b")
    ]
    both = parts.regions.members(given[0])[:, places].any(axis=1)
    assert (both & whole).sum() > 0.6 * whole.sum()
    kept = [one for k, one in enumerate(parts.slices) if k not in places]
    rest = [one for one in found.slices if one.name != name]
    assert [(one.name, one.size, one.error_rate) for one in kept] == [
        (one.name, one.size, one.error_rate) for one in rest
    ]
