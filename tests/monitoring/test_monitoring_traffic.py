import json

import numpy as np
import pytest

from slice_tf.confidence import Z
from slice_tf.monitoring import (
    TrafficCounts,
    load_traffic,
    means_of,
    save_traffic,
    shares_of,
)

SIZES = [3, 1, 4, 2, 6]


def answers(seed=0, num_slices=3, num_classes=2):
    """Returns membership, outputs and the sizes of requests."""
    random = np.random.default_rng(seed)
    examples = sum(SIZES)
    q = random.random((examples, num_slices))
    return q, random.random((examples, num_classes)), SIZES


def counted(*parts, output="probabilities", num_outputs=2):
    counts = TrafficCounts(["a", "b", "c"], output, num_outputs)
    for part in parts:
        counts.add(*part)
    return counts


def by_request(values):
    return np.array(
        [one.sum(axis=0) for one in np.split(values, np.cumsum(SIZES)[:-1])]
    )


def ratio(y, x):
    """Returns a ratio of sums over requests and its standard error."""
    found = y.sum() / x.sum()
    residual = y - found * x
    spread = (residual**2).sum() * len(y) / (len(y) - 1)
    return found, np.sqrt(spread) / x.sum()


def test_shares_and_means_are_ratios_of_sums_over_requests():
    q, y, sizes = answers()
    counts = counted((q, y, sizes))
    shares, means = shares_of(counts), means_of(counts)
    assert (counts.num_requests, counts.num_examples) == (5, 16)
    everyone = np.concatenate([q, np.ones((len(q), 1))], axis=1)
    members = by_request(everyone)
    for index in range(3):
        expected = ratio(members[:, index], members[:, 3])
        found = shares.value[index], shares.error[index]
        np.testing.assert_allclose(found, expected, rtol=1e-9)
    for index in range(4):
        for output in range(2):
            sums = by_request(everyone[:, index] * y[:, output])
            expected = ratio(sums, members[:, index])
            found = means.value[index, output], means.error[index, output]
            np.testing.assert_allclose(found, expected, rtol=1e-9)
    low, high = shares.ends()
    np.testing.assert_allclose(high - low, 2 * Z * shares.error)


def test_numbers_have_a_mean_and_the_square_of_it():
    q, y, sizes = answers()
    number = y[:, 0]
    counts = counted((q, number, sizes), output="predictions", num_outputs=1)
    np.testing.assert_allclose(
        counts.outputs[-1], [number.sum(), (number**2).sum()]
    )
    assert means_of(counts).value.shape == (4, 1)
    assert means_of(counts).value[-1, 0] == pytest.approx(number.mean())


def test_neither_order_nor_parts_matter():
    parts = [answers(seed) for seed in range(3)]
    at_once = counted(*parts)
    merged = counted(parts[2])
    merged.merge(counted(parts[0], parts[1]))
    for name in ("members", "outputs", "outputs_squared", "members_examples"):
        np.testing.assert_allclose(
            getattr(merged, name), getattr(at_once, name), rtol=1e-12
        )
    assert merged.num_requests == at_once.num_requests == 15


def test_many_requests_are_taken_apart_to_fit_into_memory(monkeypatch):
    whole = counted(answers())
    monkeypatch.setattr("slice_tf.monitoring.traffic._CELLS", 8)
    apart = counted(answers())
    np.testing.assert_allclose(apart.outputs, whole.outputs)
    np.testing.assert_allclose(apart.outputs_squared, whole.outputs_squared)
    np.testing.assert_allclose(apart.outputs_members, whole.outputs_members)


def test_a_file_keeps_the_counts(tmp_path):
    counts = counted(answers())
    save_traffic(tmp_path / "traffic.json", {"": counts})
    found = load_traffic(tmp_path / "traffic.json")
    assert found.to_dict() == counts.to_dict()


@pytest.mark.parametrize(
    ("q", "y", "sizes", "message"),
    [
        ([[0.5, 0.5]], [[0.5, 0.5]], [1], "of shape .1, 3.*shape=.1, 2"),
        ([[0.5, 0.5, 1.5]], [[0.5, 0.5]], [1], "from 0 to 1.*highest=1.5"),
        ([[0.5, 0.5, -0.5]], [[0.5, 0.5]], [1], "from 0 to 1.*lowest=-0.5"),
        ([[0.5, 0.5, np.nan]], [[0.5, 0.5]], [1], "must be finite.*=nan"),
        ([[0.5, 0.5, 0.5]], [[0.5]], [1], "`probabilities` must be of shape"),
        ([[0.5, 0.5, 0.5]], [[0.5, np.inf]], [1], "must be finite.*=inf"),
        ([[0.5, 0.5, 0.5]], [[0.5, 0.5]], [2], r"sizes=\[2\], examples=1"),
        ([[0.5, 0.5, 0.5]], [[0.5, 0.5]], [1, 0], "must be positive"),
    ],
    ids=str,
)
def test_bad_answers_are_refused_and_not_counted(q, y, sizes, message):
    counts = counted()
    with pytest.raises(ValueError, match=message):
        counts.add(q, y, sizes)
    assert counts.to_dict() == counted().to_dict()


def test_counts_of_other_slices_or_outputs_are_not_merged():
    with pytest.raises(ValueError, match="num_outputs=2 and 5"):
        counted().merge(counted(num_outputs=5))
    other = TrafficCounts(["a", "b"], "probabilities", 2)
    with pytest.raises(ValueError, match="same slices"):
        counted().merge(other)


def test_counts_need_an_output_that_is_known_and_a_slice():
    with pytest.raises(ValueError, match="output='logits'"):
        TrafficCounts(["a"], "logits", 2)
    with pytest.raises(ValueError, match=r"one output.*num_outputs=2"):
        TrafficCounts(["a"], "predictions", 2)
    with pytest.raises(ValueError, match="a slice to watch"):
        TrafficCounts([], "probabilities", 2)


def test_what_is_no_file_of_traffic_is_refused(tmp_path):
    path = tmp_path / "traffic.json"
    path.write_text('{"format_version": 7}')
    with pytest.raises(ValueError, match=r"traffic\.json, format_version=7"):
        load_traffic(path)
    save_traffic(path, {"": counted()})
    values = json.loads(path.read_text())
    del values["windows"][0]["counts"]["outputs"]
    path.write_text(json.dumps(values))
    with pytest.raises(
        ValueError, match=r"traffic\.json: .*KeyError='outputs'"
    ):
        load_traffic(path)
