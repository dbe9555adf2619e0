import base64
import dataclasses
import io
import json

import numpy as np
import pytest

from slice_tf.evaluation import ExampleSampler, Results, evaluate
from slice_tf.evaluation.preview import preview
from slice_tf.schema import SliceSchema

SCHEMA = SliceSchema.from_names(["low", "even", "nobody"])
N = 500
LABELS = np.arange(N) % 2
MEMBERS = np.stack(
    [np.arange(N) < 40, np.arange(N) % 2 == 0, np.zeros(N)], axis=1
).astype(int)
# Wrong on every third, and its baseline on every sixth.
AFTER = np.eye(2)[LABELS ^ (np.arange(N) % 3 == 0)] * 0.8 + 0.1
BEFORE = np.eye(2)[LABELS ^ (np.arange(N) % 6 == 0)] * 0.8 + 0.1
TEXTS = np.array([f"text {i}".encode() for i in range(N)], object)


def sample_of(size, batch=64, known=None, seed=0):
    sampler = ExampleSampler(SCHEMA, size, seed)
    for start in range(0, N, batch):
        rows = slice(start, start + batch)
        sampler.add(
            {"text": TEXTS[rows]},
            LABELS[rows],
            AFTER[rows],
            MEMBERS[rows],
            None if known is None else known[rows],
            BEFORE[rows],
        )
    return sampler.sample()


def texts(sample, places):
    return {sample.examples[one].features["text"]["text"] for one in places}


def test_all_of_a_small_slice_are_drawn_and_each_is_listed_once():
    sample = sample_of(size=40)
    assert texts(sample, sample.members["low"]) == {
        f"text {i}" for i in range(40)
    }
    assert texts(sample, sample.errors["low"]) == {
        f"text {i}" for i in range(0, 40, 3)
    }
    assert texts(sample, sample.lost["low"]) == {
        f"text {i}" for i in range(3, 40, 6)
    }
    assert sample.members["nobody"] == []
    assert len({one.key for one in sample.examples}) == len(sample.examples)
    counts = {name: len(places) for name, places in sample.members.items()}
    assert counts == {"low": 40, "even": 40, "nobody": 0, "base": 40}


def test_an_example_says_what_was_predicted_and_who_holds_it():
    sample = sample_of(size=N)
    one = next(
        one for one in sample.examples if one.features["text"]["length"] == 6
    )
    assert (one.label, one.prediction, one.score, one.baseline) == (
        0,
        1,
        0.9,
        1,
    )
    assert one.slices == [0, 1]
    assert one.features == {"text": {"text": "text 0", "length": 6}}


def test_every_example_is_as_likely_to_be_drawn_in_any_batches():
    drawn = np.zeros(N)
    for seed in range(300):
        sample = sample_of(size=50, batch=500 if seed % 2 else 128, seed=seed)
        for text in texts(sample, sample.members["base"]):
            drawn[int(text.split()[1])] += 1
    # Binomial(300, 0.1): 30 draws each, of standard deviation 5.2.
    assert drawn.mean() == 30
    assert np.abs(drawn - 30).max() < 5 * 5.2
    assert drawn.std() == pytest.approx(5.2, rel=0.15)


def test_outside_leaves_out_members_and_what_nobody_knows():
    known = np.ones_like(MEMBERS)
    known[100:200, 0] = 0
    sample = sample_of(size=N, known=known)
    numbers = {
        int(t.split()[1]) for t in texts(sample, sample.outside(SCHEMA, "low"))
    }
    assert numbers == set(range(40, 100)) | set(range(200, N))


def test_a_sample_is_saved_with_its_results(tmp_path):
    results = dataclasses.replace(
        evaluate(LABELS, AFTER, MEMBERS, SCHEMA), examples=sample_of(size=5)
    )
    results.save(tmp_path / "results.json")
    assert Results.load(tmp_path / "results.json") == results
    values = results.to_dict()
    values["examples"]["errors"]["low"] = [len(results.examples.examples)]
    with pytest.raises(ValueError, match="places must be those of examples"):
        Results.from_dict(values)
    del values["examples"]
    assert Results.from_dict(values).examples is None


def test_of_numbers_the_largest_errors_come_first():
    rng = np.random.default_rng(0)
    targets, after, before = rng.normal(size=(3, N))
    sampler = ExampleSampler(SCHEMA, 4)
    for rows in (slice(None, 99), slice(99, None)):
        sampler.add(
            {"text": TEXTS[rows]},
            targets[rows],
            after[rows],
            MEMBERS[rows],
            None,
            before[rows],
        )
    sample = sampler.sample()
    size, farther = np.abs(after - targets), np.abs(before - targets)
    for name, inside in (("low", MEMBERS[:, 0] == 1), ("base", np.ones(N))):
        for kind, by in (("errors", size), ("lost", size - farther)):
            worst = np.argsort(np.where(inside, -by, np.inf))[:4]
            drawn = [sample.examples[x] for x in getattr(sample, kind)[name]]
            assert [one.label for one in drawn] == targets[worst].tolist()
        assert len(sample.members[name]) == 4
    one = sample.examples[sample.errors["base"][0]]
    row = int(np.argmax(size))
    assert (one.label, one.prediction, one.score, one.baseline) == (
        targets[row],
        after[row],
        None,
        before[row],
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"abc", {"text": "abc", "length": 3}),
        ("\u202eabc", {"text": "\u202eabc", "length": 4}),
        (np.array([b"a", b"b"], object), {"text": "a, b", "length": 4}),
        (b"x" * 10_000_000, {"text": "x" * 1000, "length": 10_000_000}),
        (b"\xff\x00\x01", {"binary": 3, "format": ""}),
        (b"a\x00b", {"binary": 3, "format": ""}),
        (
            b"\xff\xd8\xff" + b"x" * 99_997,
            {"binary": 100_000, "format": "jpeg"},
        ),
        (b"GIF8x", {"image": "data:image/gif;base64,R0lGOHg="}),
        (np.int64(7), {"numbers": [7], "size": 1, "low": 7, "high": 7}),
        (
            np.array([1 / 3, np.nan, 2]),
            {
                "numbers": [0.333333, None, 2],
                "size": 3,
                "low": 0.333333,
                "high": 2,
            },
        ),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_preview_says_what_a_value_is(value, expected):
    shown = preview(value)
    assert shown == expected
    json.dumps(shown, allow_nan=False).encode()


@pytest.mark.parametrize("channels", [(), (1,), (3,)])
@pytest.mark.parametrize("high", [1.0, 255.0, 7.0])
def test_an_array_in_the_plane_is_an_image(channels, high):
    image = pytest.importorskip("PIL.Image")
    values = np.linspace(0, high, 8 * 5 * (channels or (1,))[0])
    values = values.reshape(8, 5, *channels)
    uri = preview(values.astype(np.float32))["image"]
    head, _, code = uri.partition(",")
    assert head == "data:image/png;base64"
    read = np.asarray(image.open(io.BytesIO(base64.b64decode(code))))
    expected = np.rint(values / high * 255).reshape(read.shape)
    np.testing.assert_allclose(read, expected, atol=1)


def test_a_large_image_is_thinned_out():
    image = pytest.importorskip("PIL.Image")
    uri = preview(np.zeros((300, 100)))["image"]
    read = image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
    assert read.size == (20, 60)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features": {"text": TEXTS[:3]}}, "'text', values=3, examples=500"),
        ({"membership": MEMBERS + 1}, "only 0 and 1"),
        ({"predictions": AFTER[:3]}, r"of shape \(500, any\)"),
        ({"predictions": AFTER[:3, 0]}, r"of shape \(500,\)"),
        ({"predictions": 0.5}, r"of shape \(any, any\)"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    given = {
        "features": {"text": TEXTS},
        "labels": LABELS,
        "predictions": AFTER,
        "membership": MEMBERS,
        **change,
    }
    with pytest.raises(ValueError, match=message):
        ExampleSampler(SCHEMA, 5).add(**given)


def test_an_empty_sample_is_refused():
    with pytest.raises(ValueError, match=r"at least one.*size=0"):
        ExampleSampler(SCHEMA, 0)
