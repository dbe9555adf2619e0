import numpy as np
import pytest

from slice_tf.evaluation import (
    IndicatorCounts,
    OverlapCounts,
    PairedCounts,
    SliceCounts,
)
from slice_tf.evaluation.members import find, pack


def random_batch(num_rows, num_slices=3, num_classes=2, seed=0):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(num_classes), num_rows)
    return {
        "labels": rng.integers(0, num_classes, num_rows),
        "probabilities": probabilities,
        "membership": rng.integers(0, 2, (num_rows, num_slices)),
        "known": (rng.random((num_rows, num_slices)) < 0.9).astype(np.uint8),
    }


def rows_of(batch, rows):
    return {name: values[rows] for name, values in batch.items()}


def counted(batch, *parts, num_slices=3, num_classes=2):
    counts = SliceCounts(num_slices, num_classes)
    for rows in parts or (slice(None),):
        counts.add(**rows_of(batch, rows))
    return counts


def assert_same(one, other):
    for name, value in vars(one).items():
        np.testing.assert_array_equal(value, getattr(other, name), name)


def test_each_prediction_counts_in_its_slices_and_in_the_base():
    counts = SliceCounts(2, 2)
    counts.add(
        labels=[0, 1, 1],
        probabilities=[[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]],
        membership=[[1, 0], [1, 1], [0, 1]],
    )
    np.testing.assert_array_equal(
        counts.confusion,
        [[[1, 0], [0, 1]], [[0, 0], [1, 1]], [[1, 0], [1, 1]]],
    )
    np.testing.assert_array_equal(counts.sizes, [2, 2, 3])
    losses = -np.log([0.9, 0.8, 0.3])
    briers = np.array([0.1, 0.2, 0.7]) ** 2
    columns = np.stack([losses, briers])
    np.testing.assert_allclose(
        counts.sums * 2.0**-20,
        columns @ np.array([[1, 0, 1], [1, 1, 1], [0, 1, 1]]),
        atol=3e-6,
    )


def test_unknown_membership_is_no_membership():
    counts = SliceCounts(2, 2)
    counts.add([1], [[0.4, 0.6]], [[1, 1]], known=[[0, 1]])
    np.testing.assert_array_equal(counts.sizes, [0, 1, 1])
    np.testing.assert_array_equal(counts.unknown, [1, 0, 0])


@pytest.mark.parametrize("num_slices", [1, 7, 8, 9, 64, 65, 130])
def test_all_memberships_are_found(num_slices):
    rng = np.random.default_rng(num_slices)
    members = rng.random((50, num_slices)) < rng.random((50, 1))
    parts = find(pack(members))
    found = np.concatenate([np.stack(part, axis=1) for part in parts])
    np.testing.assert_array_equal(
        found[np.lexsort(found.T[::-1])], np.argwhere(members)
    )


def test_nobody_is_a_member_of_anything():
    assert find(pack(np.zeros((5, 3), bool))) == []


@pytest.mark.parametrize("num_classes", [2, 5])
def test_parts_and_order_do_not_matter_to_the_last_bit(num_classes):
    batch = random_batch(2_000, num_classes=num_classes)
    whole = counted(batch, num_classes=num_classes)
    order = np.random.default_rng(1).permutation(2_000)
    parts = np.array_split(order, [0, 1, 700])
    merged = SliceCounts(3, num_classes)
    for rows in reversed(parts):
        merged.merge(counted(batch, rows, num_classes=num_classes))
    assert_same(merged, whole)
    assert_same(counted(batch, *parts, num_classes=num_classes), whole)


def test_more_rows_than_are_counted_at_once():
    batch = random_batch(40_000, num_slices=2)
    members = batch["membership"] & batch["known"]
    hits = batch["probabilities"].argmax(axis=1) == batch["labels"]
    counts = counted(batch, num_slices=2)
    correct = np.trace(counts.confusion, axis1=1, axis2=2)
    np.testing.assert_array_equal(correct, [*(hits @ members), hits.sum()])
    np.testing.assert_array_equal(counts.sizes, [*members.sum(0), 40_000])


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32])
def test_membership_may_be_of_any_dtype(dtype):
    batch = random_batch(50)
    other = {**batch, "membership": batch["membership"].astype(dtype)}
    assert_same(counted(other), counted(batch))


def test_whole_weights_count_like_copies():
    batch = random_batch(300)
    copies = np.random.default_rng(1).integers(0, 4, 300)
    weighted = SliceCounts(3, 2, weighted=True)
    weighted.add(**batch, weights=copies)
    repeated = counted(rows_of(batch, np.repeat(np.arange(300), copies)))
    for name in ("scores", "confusion"):
        np.testing.assert_array_equal(
            getattr(weighted, name) * 2.0**-20, getattr(repeated, name)
        )
    np.testing.assert_allclose(weighted.sums, repeated.sums, rtol=1e-6)
    np.testing.assert_array_equal(weighted.sizes, counted(batch).sizes)


def test_parts_with_weights_and_clusters_add_up():
    batch = random_batch(500)
    rng = np.random.default_rng(1)
    batch["weights"] = rng.random(500)
    batch["clusters"] = rng.integers(0, 2**40, 500)
    parts = []
    for rows in (slice(None), slice(0, 200), slice(200, None)):
        counts = SliceCounts(3, 2, weighted=True, clustered=True)
        counts.add(**rows_of(batch, rows))
        parts.append(counts)
    parts[2].merge(parts[1])
    assert_same(parts[2], parts[0])


def test_the_largest_weights_and_losses_add_up_to_the_last_bit():
    weight, num_rows = 1023.7, 40_001
    counts = SliceCounts(1, 3, weighted=True)
    counts.add(
        labels=np.zeros(num_rows, np.int64),
        probabilities=np.tile([0.0, 0.25, 0.75], (num_rows, 1)),
        membership=np.ones((num_rows, 1), np.uint8),
        weights=np.full(num_rows, weight),
    )
    units = round(weight * 2**20)
    loss = -np.log(np.finfo(np.float64).eps)
    square = int(np.rint(loss**2 * units))
    np.testing.assert_array_equal(counts.squares[0], [num_rows * square] * 2)
    assert num_rows * square > 2**53
    np.testing.assert_array_equal(
        counts.weights[1], [num_rows * round(units**2 / 2**20)] * 2
    )


def test_examples_of_a_cluster_share_a_bucket():
    counts = SliceCounts(1, 2, clustered=True)
    guesses = np.eye(2)[[0, 1, 1, 0]]
    members = np.ones((4, 1))
    counts.add([0, 0, 1, 1], guesses, members, clusters=[7, 7, 7, -1])
    assert sorted(map(tuple, counts.buckets[0][counts.buckets[0].any(1)])) == [
        (1, 0),
        (1, 2),
    ]


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, -1.0], r"not negative.*weight=-1\.0 at row 1"),
        ([np.nan, 1.0], "weight=nan at row 0"),
        ([np.inf, 1.0], "weight=inf at row 0"),
        ([1.0, 1025.0], "at most 1024; scale all.*weight=1025.0 at row 1"),
        ([0.0, 1e-6], "must lie around one.*largest weight of a batch=1e-06"),
        ([1.0], r"`weights` must be of shape \(2,\)"),
        (None, "weights=None, weighted=True"),
    ],
)
def test_bad_weights_are_refused(weights, message):
    counts = SliceCounts(0, 2, weighted=True)
    with pytest.raises(ValueError, match=message):
        counts.add([0, 1], np.eye(2), np.zeros((2, 0)), weights=weights)
    assert counts.num_examples == 0


def test_weights_and_clusters_come_where_they_are_expected():
    batch = random_batch(2)
    with pytest.raises(ValueError, match="weights=an array, weighted=False"):
        SliceCounts(3, 2).add(**batch, weights=[1, 1])
    with pytest.raises(ValueError, match="clusters=an array, clustered=False"):
        SliceCounts(3, 2).add(**batch, clusters=[1, 1])
    counts = SliceCounts(3, 2, clustered=True)
    with pytest.raises(TypeError, match="must be integers, texts or bytes"):
        counts.add(**batch, clusters=[0.5, 1.5])


def test_shared_examples_are_counted_for_all_pairs():
    counts, rest = OverlapCounts(2), OverlapCounts(2)
    counts.add([[1, 1], [1, 0]])
    rest.add([[1, 1], [0, 0]], known=[[1, 0], [1, 1]])
    counts.merge(rest)
    np.testing.assert_array_equal(counts.shared, [[3, 1], [1, 1]])


def test_shared_examples_of_many_slices_are_a_product():
    members = np.random.default_rng(0).random((20_000, 70)) < 0.3
    counts = OverlapCounts(70)
    counts.add(members)
    whole = members.astype(np.int64)
    np.testing.assert_array_equal(counts.shared, whole.T @ whole)


def test_no_slices_leave_the_base():
    counts = SliceCounts(0, 2)
    counts.add([1, 0], [[0.1, 0.9], [0.2, 0.8]], np.zeros((2, 0)))
    np.testing.assert_array_equal(counts.confusion, [[[0, 1], [0, 1]]])


def test_checksum_tells_other_labels_and_members():
    batch = random_batch(100)
    checksums = {counted(batch).checksum}
    for name in ("labels", "membership", "known"):
        values = batch[name].copy()
        values[0] = 1 - values[0]
        checksums.add(counted({**batch, name: values}).checksum)
    assert len(checksums) == 4


def test_checksum_takes_all_known_and_no_mask_for_the_same():
    batch = random_batch(10)
    known = np.ones_like(batch["membership"])
    masked, unmasked = {**batch, "known": known}, dict(batch)
    del unmasked["known"]
    assert counted(masked).checksum == counted(unmasked).checksum


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": [0, 2]}, r"lie in \[0, 2\).*label=2 at row 1"),
        ({"labels": [-1, 0]}, "label=-1 at row 0"),
        ({"labels": [0]}, r"`probabilities` must be of shape \(1, 2\)"),
        ({"labels": [[0, 1]]}, r"of shape \(any,\).*shape=\(1, 2\)"),
        (
            {"probabilities": [[0.5, 0.5], [np.nan, 1.0]]},
            r"must be finite.*\[nan, 1.0\] at row 1",
        ),
        ({"probabilities": [[0.5, 0.6], [0.5, 0.5]]}, "at row 0.*logits"),
        ({"probabilities": [[1.5, -0.5], [0.5, 0.5]]}, "not negative"),
        ({"probabilities": [[0.5], [0.5]]}, r"\(2, 2\).*shape=\(2, 1\)"),
        ({"membership": [[1], [0]]}, r"of shape \(2, 2\)"),
        ({"membership": [[1, 0], [2, 0]]}, "Received: membership=2 at row 1"),
        ({"membership": [[1, 0], [np.nan, 0]]}, "membership=nan at row 1"),
        ({"known": [[1, 0], [0.5, 0]]}, "`known` must hold only 0 and 1"),
    ],
)
def test_bad_input_is_refused_and_nothing_counted(change, message):
    good = {
        "labels": [0, 1],
        "probabilities": [[0.5, 0.5], [0.5, 0.5]],
        "membership": [[1, 0], [0, 1]],
    }
    counts = SliceCounts(2, 2)
    with pytest.raises(ValueError, match=message):
        counts.add(**{**good, **change})
    assert counts.num_examples == 0


def test_labels_must_be_integers():
    with pytest.raises(TypeError, match=r"labels\.dtype=float64"):
        SliceCounts(1, 2).add([0.5], [[0.5, 0.5]], [[1]])


def test_numbers_of_slices_and_classes_are_checked():
    with pytest.raises(ValueError, match="num_slices=1, num_classes=1"):
        SliceCounts(1, 1)


def test_only_the_same_slices_merge():
    with pytest.raises(ValueError, match="num_slices=1 and 2"):
        SliceCounts(1, 2).merge(SliceCounts(2, 2))
    with pytest.raises(ValueError, match="weighted=False and True"):
        SliceCounts(1, 2).merge(SliceCounts(1, 2, weighted=True))
    with pytest.raises(ValueError, match="num_slices=1 and 2"):
        OverlapCounts(1).merge(OverlapCounts(2))
    with pytest.raises(ValueError, match="num_slices=1 and 2"):
        PairedCounts(1).merge(PairedCounts(2))
    with pytest.raises(ValueError, match="num_slices=1 and 2"):
        IndicatorCounts(1).merge(IndicatorCounts(2))


def test_paired_verdicts_fall_into_four_cells():
    before, after = [1, 1, 0, 0, 1], [1, 0, 1, 0, 1]
    membership = [[1], [1], [1], [0], [0]]
    counts = PairedCounts(1)
    counts.add(before[:2], after[:2], membership[:2])
    rest = PairedCounts(1)
    rest.add(before[2:], after[2:], membership[2:], known=[[0], [1], [1]])
    counts.merge(rest)
    expected = [[[0, 0], [1, 1]], [[1, 1], [1, 2]]]
    np.testing.assert_array_equal(counts.cells, expected)


def test_verdicts_must_pair_up():
    with pytest.raises(ValueError, match=r"candidate_correct.*shape \(2,\)"):
        PairedCounts(1).add([0, 1], [1], [[1], [1]])


def test_unknown_rows_count_for_no_indicator():
    counts = IndicatorCounts(2)
    counts.add([[1.0, -1.0]], [[1, 0]], known=[[1, 0]])
    np.testing.assert_array_equal(counts.cells.sum(axis=2), [[0, 1], [0, 0]])


def test_indicator_logits_must_be_finite():
    with pytest.raises(ValueError, match="indicator_logits=inf"):
        IndicatorCounts(1).add([[np.inf]], [[1]])
