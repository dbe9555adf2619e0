"""Days of traffic: which they are, what moved in them, and since when."""

import math

import numpy as np
import pytest

from slice_tf.evaluation.multiple import benjamini_hochberg
from slice_tf.monitoring import (
    TrafficCounts,
    drift_by_window,
    every_of,
    find_drift,
    latest_drift,
    merge_windows,
    shares_of,
    window_of,
)

NAMES = ["night", "rain"]


def traffic(rain, seed, *, night=0.3, requests=600, first=0.5):
    """Returns counts of requests of two examples."""
    random = np.random.default_rng(seed)
    q = np.where(random.random((2 * requests, 2)) < (night, rain), 0.95, 0.01)
    y = random.uniform(first - 0.3, first + 0.3, len(q))
    counts = TrafficCounts(NAMES, "probabilities", 2)
    counts.add(q, np.stack([y, 1 - y], axis=-1), [2] * requests)
    return counts


def days(*shares, seed=0, **facts):
    return {
        f"2026-11-{day + 1:02d}": traffic(share, seed + day, **facts)
        for day, share in enumerate(shares)
    }


def course(by_window, index=1):
    return [drift[index].share.verdict for drift in by_window.values()]


@pytest.mark.parametrize(
    ("path", "day", "hour"),
    [
        (
            "logs/requests-20261118T101500-012345678.tfrecord",
            "2026-11-18",
            "2026-11-18T10",
        ),
        ("gs://b/2026-11-18T23/part-00001", "2026-11-18", "2026-11-18T23"),
        ("/b/20250101/2026-11-18/part-0", "2026-11-18", None),
        ("/b/dt=20261118/part-20269999", "2026-11-18", None),
        ("/b/2026-11-18T99/part", "2026-11-18", None),
        ("/b/part-00020261118.tfrecord", None, None),
        ("/b/requests.tfrecord", None, None),
    ],
)
def test_the_last_time_in_a_path_is_that_of_its_answers(path, day, hour):
    assert window_of(None, 0, path) == ""
    for every, expected in (("day", day), ("hour", hour)):
        if expected is not None:
            assert window_of(every, 0, path) == expected
            assert every_of([expected]) == every
            continue
        with pytest.raises(ValueError, match=f"path={path}, every={every}"):
            window_of(every, 0, path)


def test_where_a_path_tells_no_time_the_answer_does():
    second = 1_795_000_000  # 2026-11-18T11:06:40 in UTC.
    assert window_of("day", second, "logs/mine.tfrecord") == "2026-11-18"
    assert window_of("hour", second, "logs/mine.tfrecord") == "2026-11-18T11"
    assert window_of("hour", second + 3600, "mine") == "2026-11-18T12"
    # A file is of one window, although it was written to after midnight.
    path = "logs/requests-20261117T235930.tfrecord"
    assert window_of("day", second, path) == "2026-11-17"
    assert window_of("hour", second, path) == "2026-11-17T23"
    # A day is not enough for an hour.
    assert window_of("hour", second, "2026-11-17/a") == "2026-11-18T11"


def test_one_window_is_compared_as_two_sets_are():
    now, then = traffic(0.2, 1), traffic(0.1, 2)
    assert drift_by_window({"": now}, {"": then}) == {"": find_drift(now, then)}


def test_it_is_told_since_when_a_slice_has_moved():
    by_window = drift_by_window(
        days(0.1, 0.1, 0.1, 0.25, 0.25, 0.25), days(0.1, 0.1, 0.1, seed=50)
    )
    assert course(by_window) == ["steady"] * 3 + ["moved"] * 3
    assert course(by_window, 0) == ["steady"] * 6
    since = [drift[1].share.since for drift in by_window.values()]
    assert since == [None] * 3 + ["2026-11-04"] * 3
    latest = latest_drift(by_window)
    assert [one.since for one in latest] == [None, "2026-11-04", None]


def test_a_day_of_chance_does_not_hide_when_it_began():
    windows = days(0.1, 0.1, 0.25, 0.1, 0.25, 0.25)
    windows["2026-11-04"] = traffic(0.17, 4, requests=150)
    by_window = drift_by_window(windows, days(0.1, 0.1, 0.1, seed=50))
    assert course(by_window)[2:] == ["moved", "steady", "moved", "moved"]
    assert latest_drift(by_window)[1].since == "2026-11-03"


def test_a_slice_that_is_back_is_steady_and_its_days_are_told():
    by_window = drift_by_window(
        days(0.1, 0.3, 0.1, 0.1), days(0.1, 0.1, 0.1, seed=50)
    )
    assert course(by_window) == ["steady", "moved", "steady", "steady"]
    assert latest_drift(by_window)[1].verdict == "steady"


def test_what_days_of_the_reference_differ_by_is_no_change():
    weekly = (0.1, 0.2, 0.1, 0.1, 0.2, 0.1, 0.2)
    now, usual = days(0.2, 0.1), days(*weekly, seed=50)

    def told(now, reference):
        return course(drift_by_window(now, reference, share_margin=0.0))

    assert told(now, usual) == ["steady", "steady"]
    whole = {"": merge_windows(usual)}
    assert told(now, whole) == ["moved", "moved"]
    assert told(days(0.2, 0.9), usual) == ["steady", "moved"]
    # What days vary by says nothing of hours.
    hours = {f"{start}T00": one for start, one in usual.items()}
    assert told(now, hours) == told(now, whole)


def test_all_windows_are_asked_at_once():
    windows, reference = days(0.1, 0.12, 0.16), {"": traffic(0.1, 50)}
    by_window = drift_by_window(
        windows, reference, share_margin=0.0, prediction_margin=0.0
    )
    then, raw, adjusted = shares_of(reference[""]), [], []
    for start, drift in by_window.items():
        now = shares_of(windows[start])
        z = np.abs(now.value - then.value) / np.hypot(now.error, then.error)
        raw += [math.erfc(one / math.sqrt(2)) for one in z]
        adjusted += [one.share.p_value for one in drift[:2]]
    # Others that are asked can only raise what these alone give.
    alone = benjamini_hochberg(raw)
    assert (np.array(adjusted) >= alone * (1 - 1e-9)).all()
    assert (np.diff(np.array(adjusted)[np.argsort(raw)]) >= 0).all()


def test_the_order_in_which_windows_come_does_not_matter():
    windows, reference = days(0.1, 0.3, 0.3), days(0.1, 0.1, seed=50)
    again = drift_by_window(
        dict(reversed(windows.items())), dict(reversed(reference.items()))
    )
    assert list(again) == sorted(windows)
    for start, drift in drift_by_window(windows, reference).items():
        for one, other in zip(drift, again[start], strict=True):
            assert (one.name, one.verdict, one.since) == (
                other.name,
                other.verdict,
                other.since,
            )
            assert one.prediction.p_value == pytest.approx(
                other.prediction.p_value
            )


def test_a_day_that_tells_nothing_does_not_speak_for_the_latest():
    windows = days(0.1, 0.3)
    windows["2026-11-03"] = traffic(0.9, 7, requests=5)
    by_window = drift_by_window(windows, {"": traffic(0.1, 50)})
    assert course(by_window) == ["steady", "moved", "too few"]
    assert latest_drift(by_window)[1].verdict == "moved"


def test_of_all_windows_one_output_is_shown():
    windows = {
        "2026-11-01": traffic(0.1, 1),
        "2026-11-02": traffic(0.1, 2, first=0.3),
    }
    by_window = drift_by_window(windows, {"": traffic(0.1, 50)})
    first, second = by_window.values()
    assert [one.output for one in first] == [one.output for one in second]
    assert [one.prediction.verdict for one in first] == ["steady"] * 3
    assert {one.prediction.since for one in second} <= {None, "2026-11-02"}
    assert second[2].prediction.verdict == "moved"


def test_no_window_is_refused():
    with pytest.raises(ValueError, match="Received: windows=0"):
        drift_by_window({}, days(0.1))
