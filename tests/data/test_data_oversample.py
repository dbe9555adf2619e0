"""Over-sampling: each example comes, and rare ones come again."""

import collections

import numpy as np
import pytest

from slice_tf.data import FeatureSpec, Oversample
from slice_tf.data.dataset import SlicedBatches, load_dataset
from slice_tf.data.deal import Deal
from slice_tf.schema import SliceSchema
from sliced_data import sliced_record, write_sliced

SCHEMA = SliceSchema.from_names(["night", "rain", "snow"])
SPEC = FeatureSpec.parse(["id=int64"], num_classes=3)
TIMES = {"night": 3, "rain": 2, "class:2": 4}
SIZE = 20


def membership(index):
    return [int(index % 5 == 0), int(index % 2 == 0), 0]


def copies(index):
    night, rain, _ = membership(index)
    return max(3 * night, 2 * rain, 4 * (index % 3 == 2), 1)


COPIES = {index: copies(index) for index in range(SIZE)}


@pytest.fixture
def directory(tmp_path):
    def record(index):
        features = {"id": index, "label": index % 3}
        return sliced_record(features, membership(index))

    numbers = np.split(np.arange(SIZE), [9, 9])
    shards = {
        f"part-{i}": [record(int(one)) for one in part]
        for i, part in enumerate(numbers)
    }
    return write_sliced(tmp_path, SCHEMA, shards)


def ids(dataset):
    return [b[0]["id"].tolist() for b in dataset.as_numpy_iterator()]


def counted(batches):
    return collections.Counter(one for batch in batches for one in batch)


@pytest.mark.parametrize("cache", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
def test_examples_come_as_often_as_said(directory, shuffle, cache):
    dataset = load_dataset(
        directory,
        SPEC,
        SCHEMA,
        4,
        shuffle=shuffle,
        cache=cache,
        oversample=Oversample(TIMES),
    )
    batches = ids(dataset)
    assert counted(batches) == COPIES
    assert len(dataset) == len(batches) == -(-sum(COPIES.values()) // 4)


def epochs(directory, *, skip=0):
    data = SlicedBatches(
        directory,
        SPEC,
        SCHEMA,
        4,
        shuffle=True,
        seed=1,
        oversample=Oversample(TIMES),
    )
    return [ids(data.epoch(epoch, skip=skip)) for epoch in range(2)]


def test_epochs_repeat_with_the_seed_and_go_on_within(directory):
    first, second = epochs(directory)
    assert epochs(directory) == [first, second]
    assert first != second
    assert epochs(directory, skip=3) == [first[3:], second[3:]]


@pytest.mark.parametrize("by", ["file", "record"])
def test_workers_share_all_copies(directory, by):
    data = SlicedBatches(
        directory, SPEC, SCHEMA, 4, oversample=Oversample(TIMES)
    )
    found = collections.Counter()
    for worker in range(2):
        deal = Deal(worker, 2, by=by)
        found += counted(ids(data.epoch(deal=deal).take(data.steps(deal))))
    assert found == COPIES


def test_weights_make_up_for_copies(directory):
    oversample = Oversample(TIMES, reweigh=True)
    data = SlicedBatches(directory, SPEC, SCHEMA, 7, oversample=oversample)
    total = collections.Counter()
    for features, _, weights in data.epoch().as_numpy_iterator():
        for one, weight in zip(features["id"].tolist(), weights, strict=True):
            total[one] += float(weight)
    mean = sum(COPIES.values()) / SIZE
    for index in range(SIZE):
        assert total[index] == pytest.approx(mean)
    assert data.shown_rates is None


def test_rates_are_those_of_what_is_shown(directory):
    data = SlicedBatches(
        directory, SPEC, SCHEMA, 4, oversample=Oversample(TIMES)
    )
    rows = np.repeat(
        [membership(i) for i in range(SIZE)], list(COPIES.values()), axis=0
    )
    np.testing.assert_allclose(data.shown_rates, rows.mean(axis=0))
    assert data.num_examples == len(rows)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ({"nihgt": 2}, "slice=nihgt, slices=night, rain, snow. Did you mean n"),
        ({"class:3": 2}, "class:3, num_classes=3"),
        ({"snow": 2}, "nothing to repeat. Received: snow=2, examples=0"),
    ],
)
def test_what_cannot_be_repeated_is_refused(directory, times, message):
    with pytest.raises(ValueError, match=message):
        load_dataset(directory, SPEC, SCHEMA, 4, oversample=Oversample(times))


@pytest.mark.parametrize("number", [0, -1, 1.5, True])
def test_times_are_whole_numbers_from_1(number):
    with pytest.raises(ValueError, match=f"Received: rare={number}"):
        Oversample({"rare": number})


def test_texts_say_slices_and_classes():
    found = Oversample.parse(["rare=4", "class:1=2"], reweigh=True)
    assert found == Oversample({"rare": 4, "class:1": 2}, reweigh=True)


@pytest.mark.parametrize("texts", [["rare"], ["=2"], ["a=x"], ["a=1", "a=2"]])
def test_malformed_texts_are_refused(texts):
    with pytest.raises(ValueError, match=f"oversample={texts[-1]!r}"):
        Oversample.parse(texts)
