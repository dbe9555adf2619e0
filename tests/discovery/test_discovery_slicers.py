import re

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import check_estimator

from discovery.planted import planted, precision_of_first
from slice_tf.discovery import (
    ClassMixtureSlicer,
    ConfusionSlicer,
    DominoSlicer,
    ErrorClustersSlicer,
    MixtureSlicer,
    MultiaccuracySlicer,
    SpotlightSlicer,
)
from slice_tf.discovery.projection import fit_projection

FINDERS = [
    ClassMixtureSlicer,
    DominoSlicer,
    ErrorClustersSlicer,
    MixtureSlicer,
    SpotlightSlicer,
]
SLICERS = [*FINDERS, ConfusionSlicer, MultiaccuracySlicer]
EMBEDDINGS, LABELS, PROBABILITIES, INSIDE = planted()


def fitted(slicer_class, **options):
    return slicer_class(**options).fit(EMBEDDINGS, LABELS, PROBABILITIES)


@pytest.mark.parametrize("slicer_class", FINDERS)
def test_a_planted_slice_is_among_the_five_reported(slicer_class):
    embeddings, labels, probabilities, inside = planted(seed=1)
    scores = fitted(slicer_class).predict_proba(
        embeddings, labels, probabilities
    )
    best = np.argsort(-scores, axis=0)[:10]
    assert inside[best].mean(axis=0).max() >= 0.8


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_default_reports_the_planted_slice_first_at_any_scale(classes, scale):
    problem = {"classes": classes, "scale": scale}
    slicer = MixtureSlicer().fit(*planted(**problem)[:3])
    assert precision_of_first(slicer, **problem) == 1


def test_of_many_rows_a_sample_is_enough_to_find_the_slice():
    problem = {"rows": 45_000, "dim": 4}
    slicer = MixtureSlicer().fit(*planted(**problem)[:3])
    assert precision_of_first(slicer, **problem) == 1


@pytest.mark.parametrize(
    ("noise", "expected"), [(0.0, 16), (0.3, 21), (3.0, 32)]
)
def test_directions_are_those_that_hold_most_of_the_variance(noise, expected):
    rng = np.random.default_rng(0)
    latent = rng.normal(size=(5000, 20))
    rows = latent @ rng.normal(size=(20, 60)) / np.sqrt(20)
    embeddings = rows + noise * rng.normal(size=rows.shape)
    kept = fit_projection(embeddings, "auto", rng).matrix.shape[1]
    variances = np.linalg.eigvalsh(np.cov(embeddings.T))[::-1]
    shares = np.cumsum(variances) / variances.sum()
    assert kept == np.clip((shares < 0.9).sum() + 1, 16, 32)
    assert abs(kept - expected) <= 5


def test_scale_of_embeddings_does_not_change_the_slices():
    plain = fitted(MixtureSlicer).predict_proba(EMBEDDINGS)
    huge = MixtureSlicer().fit(EMBEDDINGS * 2.0**40, LABELS, PROBABILITIES)
    np.testing.assert_allclose(huge.predict_proba(EMBEDDINGS * 2.0**40), plain)


@pytest.mark.parametrize("slicer_class", SLICERS)
def test_the_same_seed_gives_the_same_scores(slicer_class):
    first, again = fitted(slicer_class), fitted(slicer_class)
    given = EMBEDDINGS, LABELS, PROBABILITIES
    np.testing.assert_array_equal(
        first.predict_proba(*given), again.predict_proba(*given)
    )


@pytest.mark.parametrize("slicer_class", SLICERS)
def test_scores_of_a_row_do_not_depend_on_the_rows_beside_it(slicer_class):
    slicer = fitted(slicer_class)
    order = np.random.default_rng(0).permutation(len(LABELS))
    whole = slicer.predict_proba(EMBEDDINGS, LABELS, PROBABILITIES)
    some = order[:37]
    part = slicer.predict_proba(
        EMBEDDINGS[some], LABELS[some], PROBABILITIES[some]
    )
    np.testing.assert_allclose(part, whole[some], atol=1e-9)


@pytest.mark.parametrize("slicer_class", SLICERS)
def test_a_model_without_errors_has_no_slices(slicer_class):
    certain = np.eye(2)[LABELS]
    slicer = slicer_class().fit(EMBEDDINGS, LABELS, certain)
    assert slicer.num_slices_ == 0
    assert slicer.predict_proba(EMBEDDINGS).shape == (len(LABELS), 0)
    assert set(slicer.predict(EMBEDDINGS)) == {-1}


def test_a_model_that_is_always_wrong_has_no_slice_that_is_worse():
    wrong = np.eye(2)[1 - LABELS]
    assert MixtureSlicer().fit(EMBEDDINGS, LABELS, wrong).num_slices_ == 0


@pytest.mark.parametrize("slicer_class", SLICERS)
@pytest.mark.parametrize("rows", [1, 2, 7])
def test_fewer_rows_than_components_do_not_fail(slicer_class, rows):
    given = EMBEDDINGS[:rows], LABELS[:rows], PROBABILITIES[:rows]
    slicer = slicer_class().fit(*given)
    assert np.isfinite(slicer.predict_proba(*given)).all()


@pytest.mark.parametrize("slicer_class", SLICERS)
def test_constant_columns_and_duplicate_rows_do_not_fail(slicer_class):
    embeddings = np.repeat(EMBEDDINGS[:20], 30, axis=0)
    embeddings[:, 0] = 5.0
    given = embeddings, LABELS[:600], PROBABILITIES[:600]
    slicer = slicer_class().fit(*given)
    assert np.isfinite(slicer.predict_proba(*given)).all()


@pytest.mark.parametrize("slicer_class", SLICERS)
def test_embeddings_that_are_all_the_same_do_not_fail(slicer_class):
    given = np.ones_like(EMBEDDINGS), LABELS, PROBABILITIES
    slicer = slicer_class().fit(*given)
    assert np.isfinite(slicer.predict_proba(*given)).all()


@pytest.mark.parametrize("slicer_class", SLICERS)
def test_labels_of_one_class_do_not_fail(slicer_class):
    given = EMBEDDINGS, np.zeros(len(LABELS), int), PROBABILITIES
    slicer = slicer_class().fit(*given)
    assert np.isfinite(slicer.predict_proba(*given)).all()


def test_probabilities_of_class_one_are_enough_for_two_classes():
    one = MixtureSlicer().fit(EMBEDDINGS, LABELS, PROBABILITIES[:, 1])
    two = fitted(MixtureSlicer)
    np.testing.assert_allclose(
        one.predict_proba(EMBEDDINGS), two.predict_proba(EMBEDDINGS)
    )


def test_a_mapped_file_gives_the_same_slices(tmp_path):
    np.save(tmp_path / "rows.npy", EMBEDDINGS)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    slicer = MixtureSlicer().fit(mapped, LABELS, PROBABILITIES)
    np.testing.assert_array_equal(
        slicer.predict_proba(mapped),
        fitted(MixtureSlicer).predict_proba(EMBEDDINGS),
    )


def test_predict_names_the_slice_of_most_planted_rows():
    found = fitted(MixtureSlicer).predict(EMBEDDINGS)
    assert (found[INSIDE] == 0).mean() > 0.9
    assert (found[~INSIDE] == 0).mean() < 0.05


def test_score_samples_falls_far_from_all_rows():
    slicer = fitted(MixtureSlicer)
    near = slicer.score_samples(EMBEDDINGS)
    far = slicer.score_samples(EMBEDDINGS + 50)
    assert far.max() < near.min()


@pytest.mark.parametrize("slicer_class", SLICERS)
def test_clones_keep_their_parameters(slicer_class):
    slicer = slicer_class(num_slices=3)
    assert clone(slicer).get_params() == slicer.get_params()
    assert fitted(slicer_class, num_slices=3).num_slices_ <= 3


class GivesPredictions:
    """Makes up what scikit-learn's checks cannot know."""

    def fit(self, X, y=None):  # noqa: N803 - the checks ask for this name
        half = np.full(np.size(y), 0.5)
        half[: len(half) // 2] = 0.9
        ones = None if y is None else np.zeros(len(half), int)
        return super().fit(X, ones, half)

    def fit_predict(self, X, y=None):  # noqa: N803
        return self.fit(X, y).predict(X)


class CheckedMixture(GivesPredictions, MixtureSlicer):
    pass


class CheckedDomino(GivesPredictions, DominoSlicer):
    pass


@pytest.mark.parametrize("slicer", [CheckedMixture(), CheckedDomino()])
def test_scikit_learns_checks_pass_where_predictions_are_given(slicer):
    check_estimator(slicer, on_skip=None)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"embeddings": np.full((4, 2), np.nan)}, "must be finite.*row=0"),
        ({"probabilities": np.full((4, 2), 0.4)}, "sum to one.*row=0"),
        ({"probabilities": np.full((4, 2), [1.5, -0.5])}, "between 0 and 1"),
        ({"probabilities": np.full((3, 2), 0.5)}, "as many rows each"),
        ({"labels": np.array([0, 1, 0, 2])}, "columns of the prob.*0 to 2"),
        ({"labels": np.array([0, 1, 0, 0.5])}, "whole numbers"),
        ({"labels": np.array([0, 1, np.nan, 0])}, "whole numbers.*row=2"),
        ({"labels": np.array(["0", "1", "0", "1"])}, "whole.*dtype=<U1"),
        ({"labels": None}, "needs the labels"),
    ],
)
def test_wrong_input_is_refused(changed, message):
    given = {
        "embeddings": np.zeros((4, 2)),
        "labels": np.array([0, 1, 0, 1]),
        "probabilities": np.full((4, 2), 0.5),
    }
    with pytest.raises(ValueError, match=message):
        MixtureSlicer().fit(**{**given, **changed})


def test_embeddings_of_another_width_are_refused():
    slicer = fitted(MixtureSlicer)
    with pytest.raises(ValueError, match="encoder that the slicer was fitted"):
        slicer.predict_proba(EMBEDDINGS[:, :3])


@pytest.mark.parametrize("slicer_class", SLICERS)
@pytest.mark.parametrize("classes", [3, 4])
def test_probabilities_of_other_classes_are_refused(slicer_class, classes):
    given = EMBEDDINGS, LABELS, np.full((len(LABELS), classes), 1 / classes)
    message = f"as many classes.*classes={classes}, fitted with=2"
    with pytest.raises(ValueError, match=message):
        fitted(slicer_class).predict_proba(*given)


def test_a_slicer_whose_fit_failed_is_not_fitted():
    slicer = fitted(DominoSlicer)
    with pytest.raises(ValueError, match="`start` must be one of"):
        slicer.set_params(start="far").fit(EMBEDDINGS, LABELS, PROBABILITIES)
    with pytest.raises(NotFittedError):
        slicer.predict(EMBEDDINGS)


@pytest.mark.parametrize("scale", [1e-170, 1e170])
def test_error_clusters_are_the_same_at_any_scale(scale):
    given = LABELS, PROBABILITIES
    plain = fitted(ErrorClustersSlicer).predict_proba(EMBEDDINGS, *given)
    slicer = ErrorClustersSlicer().fit(EMBEDDINGS * scale, *given)
    scores = slicer.predict_proba(EMBEDDINGS * scale, *given)
    np.testing.assert_allclose(scores, plain, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("scale", [1e-40, 1e-38, 1e36])
def test_float32_of_any_size_gives_the_same_slices(scale):
    plain = fitted(MixtureSlicer).predict(EMBEDDINGS)
    rows = (EMBEDDINGS * scale).astype(np.float32)
    found = MixtureSlicer().fit(rows, LABELS, PROBABILITIES).predict(rows)
    assert (found == plain).mean() > 0.97


def test_number_of_slices_must_be_positive():
    with pytest.raises(ValueError, match=r"`num_slices` must.*num_slices=0"):
        fitted(MixtureSlicer, num_slices=0)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"num_slices": "auto"}, "`num_slices` must be a whole number from 1."),
        ({"num_slices": True}, "Received: num_slices=True"),
        ({"max_dim": 0}, 'from 1 or "auto". Received: max_dim=0'),
        ({"max_iter": 0}, "Received: max_iter=0"),
        ({"tol": -1.0}, "from 0. Received: tol=-1.0"),
        ({"tol": float("nan")}, "Received: tol=nan"),
        ({"random_state": -1}, "from 0. Received: random_state=-1"),
        ({"random_state": "a"}, "from 0. Received: random_state='a'"),
        ({"share": 2.0}, "above 0 and at most 1. Received: share=2.0"),
        ({"share": 0}, "above 0 and at most 1. Received: share=0"),
        ({"penalty": -1}, "from 0. Received: penalty=-1"),
    ],
)
def test_parameters_out_of_range_are_refused(changed, message):
    embeddings, labels, probabilities, _ = planted(rows=60)
    kinds = {"share": SpotlightSlicer, "penalty": MultiaccuracySlicer}
    slicer = kinds.get(*changed, MixtureSlicer)(**changed)
    with pytest.raises(ValueError, match=re.escape(message)):
        slicer.fit(embeddings, labels, probabilities)


def test_numbers_of_numpy_are_numbers():
    embeddings, labels, probabilities, _ = planted()
    scores = [
        MixtureSlicer(num_slices=kind(2), max_dim=kind(8))
        .fit(embeddings, labels, probabilities)
        .predict_proba(embeddings)
        for kind in (int, np.int64)
    ]
    np.testing.assert_array_equal(*scores)


def test_slices_rank_by_excess_of_errors_shrunken_by_thirty_usual_examples():
    slicer = fitted(MixtureSlicer)
    shares = slicer.mixture_.responsibilities(slicer.projection_(EMBEDDINGS))
    wrong = PROBABILITIES.argmax(axis=1) != LABELS
    for one in slicer.slices_:
        own = one.label == LABELS
        share = shares[own, one.component]
        size, errors = share.sum(), share @ wrong[own]
        excess = (errors - wrong[own].mean() * size) / (size + 30)
        assert [one.size, one.error_rate, one.excess] == pytest.approx(
            [size, errors / size, excess], rel=1e-4
        )
    order = [one.excess for one in slicer.slices_]
    assert order == sorted(order, reverse=True)


def test_densities_and_no_slices_remain_where_a_refit_sees_no_errors():
    embeddings, labels, probabilities, _ = planted(rows=200)
    slicer = MixtureSlicer().fit(embeddings, labels, probabilities)
    before, densities = slicer.slices_, slicer.score_samples(embeddings)
    slicer.fit(embeddings, labels, np.eye(2)[labels])
    assert before
    assert slicer.slices_ == []
    np.testing.assert_array_equal(slicer.score_samples(embeddings), densities)


def test_a_refit_without_errors_forgets_what_was_found():
    slicer = fitted(DominoSlicer)
    assert {"components_", "gaps_"} <= vars(slicer).keys()
    slicer.fit(EMBEDDINGS, LABELS, np.eye(2)[LABELS])
    assert not {"components_", "gaps_"} & vars(slicer).keys()


def test_domino_finds_slices_among_a_thousand_classes():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 1000, 3000)
    probabilities = rng.random((3000, 1000)).astype(np.float32)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    embeddings = rng.normal(size=(3000, 8))
    slicer = DominoSlicer(num_components=7)
    scores = slicer.fit(embeddings, labels, probabilities).predict_proba(
        embeddings, labels, probabilities
    )
    assert scores.shape == (3000, 5)
    assert np.isfinite(scores).all()
