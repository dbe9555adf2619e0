import dataclasses
import math

import numpy as np
import pytest

from slice_tf.evaluation import render_table
from slice_tf.evaluation.multiple import benjamini_hochberg
from slice_tf.monitoring import (
    TrafficCounts,
    drift_table,
    find_drift,
    means_of,
    read_traffic,
    save_traffic,
    shares_of,
    shares_table,
)

NAMES = ["night", "rain", "rare"]
SHARES = (0.3, 0.1, 0.02)


def traffic(
    shares=SHARES,
    *,
    requests=2000,
    seed=0,
    prefers=None,
    output="probabilities",
):
    """Returns counts of requests of one to four examples.

    In the slice `prefers`, the model sees class 1 more often.
    """
    random = np.random.default_rng(seed)
    sizes = random.integers(1, 5, requests)
    members = random.random((sizes.sum(), len(shares))) < np.array(shares)
    q = np.where(members, 0.95, 0.01)
    first = random.uniform(0, 0.6, len(q))
    if prefers is not None:
        first += 0.3 * members[:, prefers]
    y = np.stack([1 - first, first], axis=-1)
    counts = TrafficCounts(NAMES, output, 2 if output == "probabilities" else 1)
    counts.add(q, y if output == "probabilities" else first, sizes.tolist())
    return counts


def verdicts(drift):
    return [
        (
            one.name,
            one.share.verdict if one.share else None,
            one.prediction.verdict,
            one.verdict,
        )
        for one in drift
    ]


def test_traffic_like_the_reference_is_steady():
    drift = find_drift(traffic(seed=1), traffic(seed=2))
    assert verdicts(drift) == [
        ("night", "steady", "steady", "steady"),
        ("rain", "steady", "steady", "steady"),
        ("rare", "steady", "steady", "steady"),
        ("base", None, "steady", "steady"),
    ]


def test_a_slice_that_doubles_has_moved_and_no_other():
    now = traffic((0.3, 0.2, 0.02), seed=1)
    drift = find_drift(now, traffic(seed=2))
    assert verdicts(drift) == [
        ("night", "steady", "steady", "steady"),
        ("rain", "moved", "steady", "moved"),
        ("rare", "steady", "steady", "steady"),
        ("base", None, "steady", "steady"),
    ]
    rain = drift[1].share
    assert rain.low < 0.2 < rain.high
    assert rain.reference == pytest.approx(0.1, abs=0.02)


def test_a_slice_that_has_vanished_is_told():
    drift = find_drift(traffic((0.3, 0, 0.02), seed=1), traffic(seed=2))
    assert [one.verdict for one in drift][:3] == ["steady", "moved", "steady"]
    nobody = traffic(requests=1000, seed=3)
    nobody.members[1] = nobody.members_squared[1] = 0.0
    nobody.members_examples[1] = 0.0
    for name in ("outputs", "outputs_squared", "outputs_members"):
        getattr(nobody, name)[1] = 0.0
    gone = find_drift(nobody, traffic(seed=2))[1]
    assert (gone.share.verdict, gone.share.value) == ("moved", 0.0)
    assert gone.prediction.verdict == "too few"
    assert math.isnan(gone.prediction.value)


def test_other_predictions_within_a_slice_name_the_output():
    now = traffic(seed=1, prefers=0)
    drift = find_drift(now, traffic(seed=2))
    assert verdicts(drift)[0] == ("night", "steady", "moved", "moved")
    assert drift[0].prediction.value - drift[0].prediction.reference == (
        pytest.approx(-0.3 if drift[0].output == 0 else 0.3, abs=0.03)
    )


def test_a_number_moves_in_standard_deviations_of_the_reference():
    now = traffic(seed=1, prefers=0, output="predictions")
    reference = traffic(seed=2, output="predictions")
    spread = 0.6 / math.sqrt(12)
    for margin, verdict in ((0.5, "moved"), (1.5 * 0.3 / spread, "steady")):
        night = find_drift(now, reference, prediction_margin=margin)[0]
        assert night.prediction.verdict == verdict
        assert night.output == 0


def test_p_values_are_of_a_change_beyond_the_margin():
    now, then = traffic((0.32, 0.11, 0.02), seed=1), traffic(seed=2)
    drift = find_drift(now, then, share_margin=0.0, prediction_margin=0.0)
    change = np.abs(shares_of(now).value - shares_of(then).value)
    error = np.hypot(shares_of(now).error, shares_of(then).error)
    p = [math.erfc(z / math.sqrt(2)) for z in change / error]
    change = np.abs(means_of(now).value - means_of(then).value)
    error = np.hypot(means_of(now).error, means_of(then).error)
    z = (change / error).reshape(-1)
    tails = [math.erfc(one / math.sqrt(2)) for one in z]
    p += np.minimum(1, 2 * np.reshape(tails, (4, 2)).min(axis=1)).tolist()
    found = [one.share.p_value for one in drift[:3]]
    found += [one.prediction.p_value for one in drift]
    assert 0 < found[0] < 0.05 < found[1] < 1
    np.testing.assert_allclose(found, benjamini_hochberg(p), rtol=1e-9)


def test_a_change_within_the_margin_is_of_no_interest_however_sure():
    now, then = traffic((0.33, 0.1, 0.02)), traffic()
    for counts in (now, then):
        for name in vars(counts):
            value = getattr(counts, name)
            if isinstance(value, np.ndarray):
                value *= 10_000
        counts.num_requests *= 10_000
    sure = find_drift(now, then, share_margin=0.0)[0].share
    assert (sure.verdict, sure.p_value < 1e-100) == ("moved", True)
    assert find_drift(now, then)[0].share.verdict == "steady"


@pytest.mark.parametrize("requests", [29, 1500])
def test_too_little_is_not_judged(requests):
    tiny = (0.3, 0.1, 0.0)
    drift = find_drift(
        traffic(tiny, requests=requests, seed=1),
        traffic(tiny, requests=1500, seed=2),
    )
    few = requests < 30
    expected = ["too few" if few else "steady"] * 2
    assert [one.verdict for one in drift][:2] == expected
    # A hundredth of each example, which is what the indicator leaves.
    assert drift[2].share.verdict == ("too few" if few else "steady")


def test_the_order_of_slices_does_not_matter():
    now, then = traffic((0.3, 0.2, 0.02), seed=1), traffic(seed=2)
    order = [2, 0, 1]

    def shuffled(counts):
        moved = TrafficCounts([NAMES[i] for i in order], "probabilities", 2)
        moved.num_requests = counts.num_requests
        for name in ("members", "members_squared", "members_examples"):
            getattr(moved, name)[...] = getattr(counts, name)[[*order, 3]]
        for name in ("outputs", "outputs_squared", "outputs_members"):
            getattr(moved, name)[...] = getattr(counts, name)[[*order, 3]]
        return moved

    found = {one.name: one for one in find_drift(now, then)}
    again = {one.name: one for one in find_drift(shuffled(now), shuffled(then))}
    assert again == found


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("share_margin", -0.1),
        ("prediction_margin", math.inf),
        ("false_discovery_rate", 1.0),
    ],
)
def test_a_number_out_of_range_is_refused(field, value):
    with pytest.raises(ValueError, match=f"{field}={value}"):
        find_drift(traffic(), traffic(), **{field: value})


def test_other_slices_are_not_compared():
    other = TrafficCounts(["a"], "probabilities", 2)
    with pytest.raises(ValueError, match=r"slices=\('night'.*\('a',\)"):
        find_drift(traffic(), other)


def test_tables_show_one_row_a_slice():
    drift = find_drift(traffic((0.3, 0.2, 0.02), seed=1), traffic(seed=2))
    drift = [
        dataclasses.replace(
            one,
            members=100.0,
            share=one.share
            and dataclasses.replace(
                one.share, value=0.2, low=0.15, high=0.25, reference=0.1
            ),
            prediction=dataclasses.replace(
                one.prediction, value=0.7, low=0.6, high=0.8, reference=0.65
            ),
            output=1,
        )
        for one in drift
    ]
    assert render_table(*drift_table(drift)).splitlines()[2:] == [
        "night      100  20.0 [15.0, 25.0]    10.0       1  "
        "0.700 [0.600, 0.800]  0.650   steady",
        "rain       100  20.0 [15.0, 25.0]    10.0       1  "
        "0.700 [0.600, 0.800]  0.650    moved",
        "rare       100  20.0 [15.0, 25.0]    10.0       1  "
        "0.700 [0.600, 0.800]  0.650   steady",
        "base       100                  -       -       1  "
        "0.700 [0.600, 0.800]  0.650   steady",
    ]
    headers, rows = shares_table(traffic())
    assert headers == ["slice", "members", "share, % [95 %]"]
    assert [row[0] for row in rows] == NAMES


def test_what_was_found_goes_to_the_file(tmp_path):
    now, then = traffic((0.3, 0.2, 0.02), seed=1), traffic(seed=2)
    drift = find_drift(now, then)
    path = tmp_path / "traffic.json"
    values = save_traffic(path, {"": now}, then, {"": drift})
    assert read_traffic(path) == values
    assert [one["verdict"] for one in values["drift"]] == [
        one.verdict for one in drift
    ]
    assert values["drift"][1]["share"] == dataclasses.asdict(drift[1].share)
    assert values["drift"][3]["share"] is None
    assert values["windows"][0]["drift"] == values["drift"]
    assert values["traffic"] == {
        "requests": 2000,
        "examples": now.num_examples,
    }
