import itertools
import json
import math

import numpy as np
import pytest

from slice_tf.slicing import (
    SlicingFunction,
    VoteCounts,
    Votes,
    apply_to_table,
    summarize,
)
from slice_tf.slicing.audit import Share

NAMES = ["all_small", "small", "twin", "odd", "none", "flaky"]


def flaky(row):
    return 1 // (row.int("n") - 3) >= 0


FUNCTIONS = [
    SlicingFunction(lambda row: row.int("n") < 5, "all_small"),
    SlicingFunction(lambda row: row.int("n") < 3, "small"),
    SlicingFunction(lambda row: row.int("n") <= 2, "twin"),
    SlicingFunction(lambda row: row.int("n") % 2, "odd"),
    SlicingFunction(lambda row: False, "none"),
    SlicingFunction(flaky, "flaky"),
]
TABLE = {"n": np.arange(10)}
LABELS = np.array(
    ["no", "no", "no", "yes", "no", "yes", "no", "no", "no", "no"]
)
VOTES = apply_to_table(FUNCTIONS, TABLE)


@pytest.fixture
def summary():
    return summarize(FUNCTIONS, VOTES)


def test_a_summary_counts_slices(summary):
    members = VOTES.membership.astype(int)
    assert members[:, 5].tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1, 1]
    facts = [
        (one.name, one.size, one.coverage, one.unknown)
        for one in summary.slices
    ]
    assert facts == [
        ("all_small", 5, 0.5, 0),
        ("small", 3, 0.3, 0),
        ("twin", 3, 0.3, 0),
        ("odd", 5, 0.5, 0),
        ("none", 0, 0.0, 0),
        ("flaky", 6, 0.6, 1),
    ]
    assert (summary.num_examples, summary.num_in_any) == (10, 10)
    np.testing.assert_array_equal(summary.overlap, members.T @ members)


def test_likeness_is_of_sets(summary):
    sets = [set(np.flatnonzero(column)) for column in VOTES.membership.T]
    jaccard, inside = summary.jaccard, summary.containment
    for (i, a), (j, b) in itertools.product(enumerate(sets), repeat=2):
        assert jaccard[i, j] == len(a & b) / max(1, len(a | b))
        assert inside[i, j] == len(a & b) / max(1, len(a))


def test_duplicates_and_nests_are_found(summary):
    assert summary.duplicates() == [("small", "twin")]
    assert summary.nested() == [
        ("small", "all_small"),
        ("twin", "all_small"),
    ]
    assert ("odd", "flaky") in summary.nested(share=0.6)
    assert summary.largest_overlap() == ("small", "twin", 1.0)


def test_what_deserves_a_look_is_said():
    said = list(summarize(FUNCTIONS, VOTES, LABELS).warnings())
    assert said == [
        "slice `none` holds no example: it teaches nothing",
        "slices `small` and `twin` are nearly one: 100% of the examples in "
        "either are in both",
        "slice `small` holds label no alone: its expert learns a constant",
        "slice `twin` holds label no alone: its expert learns a constant",
    ]
    everyone = SlicingFunction(lambda row: True, "everyone")
    one = summarize([everyone], apply_to_table([everyone], TABLE))
    assert [text[:40] for text in one.warnings()] == [
        "slice `everyone` holds every example: it"
    ]


def test_labels_are_counted_by_slice():
    labels = summarize(FUNCTIONS, VOTES, LABELS).labels
    assert labels.classes == ("no", "yes")
    assert labels.overall.tolist() == [8, 2]
    expected = [[4, 1], [3, 0], [3, 0], [3, 2], [0, 0], [5, 1]]
    assert labels.by_slice.tolist() == expected
    np.testing.assert_allclose(labels.shares[3], [0.6, 0.4])
    constant = summarize(FUNCTIONS, VOTES, np.zeros(10, int))
    assert list(constant.labels.warnings()) == []


def gold_of(columns):
    gold = np.full((10, 6), -1)
    for column, rows in columns.items():
        for row, truth in rows.items():
            gold[row, NAMES.index(column)] = truth
    return gold


def test_functions_are_audited_where_people_looked():
    gold = gold_of(
        {
            "odd": {1: 1, 3: 1, 5: 0, 2: 1, 4: 0},
            "none": {0: 1, 1: 0},
            "flaky": {3: 1, 4: 1},
        }
    )
    audit = summarize(FUNCTIONS, VOTES, gold=gold).audit
    found = dict(
        zip(NAMES, zip(audit.precision, audit.recall, strict=True), strict=True)
    )
    assert found["odd"] == (Share(2, 3), Share(2, 3))
    assert found["none"] == (Share(0, 0), Share(0, 1))
    assert found["flaky"] == (Share(1, 1), Share(1, 1))
    assert found["small"] == (Share(0, 0), Share(0, 0))


@pytest.mark.parametrize(
    ("share", "interval"),
    [
        (Share(0, 10), (0.0, 0.2775328)),
        (Share(10, 10), (0.7224672, 1.0)),
        (Share(5, 10), (0.2365931, 0.7634069)),
        (Share(81, 263), (0.2552724, 0.3662072)),
        (Share(0, 0), (0.0, 1.0)),
    ],
)
def test_intervals_are_wilsons(share, interval):
    np.testing.assert_allclose(share.interval, interval, atol=5e-5)


def test_a_share_of_nothing_is_not_a_number():
    assert math.isnan(Share(0, 0).value)
    assert str(Share(0, 0)) == "-"
    assert str(Share(5, 10)) == "50 (24 to 76)"


def test_a_summary_is_json(summary):
    gold = gold_of({"odd": {1: 1, 2: 0}})
    full = summarize(FUNCTIONS, VOTES, LABELS, gold)
    values = json.loads(json.dumps(full.to_dict(), allow_nan=False))
    assert values["labels"] == {
        "classes": ["no", "yes"],
        "overall": [8, 2],
        "by_slice": full.labels.by_slice.tolist(),
    }
    assert values["audit"]["odd"]["precision"] == {
        "hits": 1,
        "total": 1,
        "value": 1.0,
        "interval": [Share(1, 1).interval[0], 1.0],
    }
    assert values["audit"]["none"]["recall"]["value"] is None
    plain = summary.to_dict()
    assert {key: values[key] for key in plain} == plain
    assert plain["errors"] == {"flaky": 1}
    assert (plain["any"], plain["none"]) == (10, 0)


def test_a_summary_is_a_table():
    gold = gold_of({"odd": {1: 1, 2: 0}})
    text = str(summarize(FUNCTIONS[3:], subset(VOTES, 3), LABELS, gold[:, 3:]))
    assert text.splitlines() == [
        "slice  size  coverage, %  unknown  label no, %  label yes, %"
        "     precision, %        recall, %",
        "odd       5         50.0        0         60.0          40.0"
        "  100 (21 to 100)  100 (21 to 100)",
        "none      0          0.0        0          0.0           0.0"
        "                -                -",
        "flaky     6         60.0        1         83.3          16.7"
        "                -                -",
    ]


def subset(votes, start):
    return Votes(votes.membership[:, start:], votes.unknown[:, start:], [])


def test_counts_add_up_over_any_parts():
    whole = VoteCounts.zeros(6)
    whole.add(VOTES)
    for cut in range(11):
        parts = VoteCounts.zeros(6)
        for part in (slice(0, cut), slice(cut, 10)):
            one = VoteCounts.zeros(6)
            one.add(Votes(VOTES.membership[part], VOTES.unknown[part], []))
            parts.merge(one)
        assert parts.to_dict() == whole.to_dict()
    assert VoteCounts.from_dict(whole.to_dict()).to_dict() == whole.to_dict()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": [1, 2]}, r"one label a row.*labels=\(2,\), rows=\(10,\)"),
        ({"gold": [[1]]}, r"shape of the votes.*gold=\(1, 1\)"),
        ({"gold": np.full((10, 6), 2)}, r"1, 0, or -1.*gold=\[2\]"),
    ],
)
def test_what_does_not_fit_the_votes_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        summarize(FUNCTIONS, VOTES, **arguments)


def test_votes_must_be_those_of_the_functions():
    with pytest.raises(ValueError, match=r"functions=2, votes=\(10, 6\)"):
        summarize(FUNCTIONS[:2], VOTES)


def test_nothing_can_be_summarized():
    empty = apply_to_table(FUNCTIONS, {"n": []})
    summary = summarize(FUNCTIONS, empty, labels=[], gold=np.zeros((0, 6)))
    assert [one.size for one in summary.slices] == [0] * 6
    assert list(summary.warnings()) == []
    none = summarize([], apply_to_table([], TABLE))
    assert (none.num_examples, none.jaccard.shape) == (10, (0, 0))
    assert str(none) == "slice  size  coverage, %  unknown"
