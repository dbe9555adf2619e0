"""How global batches are dealt out to workers and their replicas."""

import itertools

import numpy as np
import pytest

from slice_tf.data import FeatureSpec
from slice_tf.data.dataset import SlicedBatches
from slice_tf.data.deal import Deal, deal_files
from slice_tf.schema import SliceSchema
from sliced_data import sliced_record, write_sliced

SCHEMA = SliceSchema.from_names(["odd"])
SPEC = FeatureSpec.parse(["id=int64"])


@pytest.fixture
def batches(tmp_path):
    """Returns batches of shards with the given numbers of examples."""

    def make(sizes, batch_size, **options):
        numbers = iter(range(sum(sizes)))
        shards = {
            f"part-{shard}": [
                sliced_record({"id": i, "label": i % 2}, [i % 2])
                for i in itertools.islice(numbers, size)
            ]
            for shard, size in enumerate(sizes)
        }
        write_sliced(tmp_path, SCHEMA, shards)
        return SlicedBatches(tmp_path, SPEC, SCHEMA, batch_size, **options)

    return make


def ids(dataset, count=None):
    elements = dataset if count is None else dataset.take(count)
    return [one["id"].tolist() for one, _ in elements.as_numpy_iterator()]


def dealt(data, num_workers, num_replicas, by, epoch=0, skip=0):
    """Returns the ids of each global step, by worker and replica."""
    workers = []
    for worker in range(num_workers):
        deal = Deal(worker, num_workers, num_replicas, by)
        steps = data.steps(deal) - skip
        dataset = data.epoch(epoch, skip=skip, deal=deal)
        parts = ids(dataset, steps * num_replicas + 1)
        assert parts.pop() == []  # After the last come empty ones.
        workers.append(
            [
                parts[step * num_replicas : (step + 1) * num_replicas]
                for step in range(steps)
            ]
        )
    return list(zip(*workers, strict=True))


def joined(lists):
    return list(itertools.chain.from_iterable(lists))


def flat(parts):
    return [
        one for workers in parts for replicas in workers for one in replicas
    ]


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("cache", [False, True])
@pytest.mark.parametrize(("workers", "replicas"), [(1, 3), (2, 1), (2, 2)])
def test_by_record_every_step_has_the_batch_of_one_device(
    batches, workers, replicas, shuffle, cache
):
    data = batches([5, 0, 6], 4, shuffle=shuffle, cache=cache)
    steps = dealt(data, workers, replicas, "record", epoch=2)
    whole = [joined(itertools.chain(*step)) for step in steps]
    assert whole == ids(data.epoch(2))


def test_parts_are_as_equal_as_can_be(batches):
    data = batches([7], 4)
    assert dealt(data, 2, 2, "record") == [
        ([[0], [1]], [[2], [3]]),
        ([[], [4]], [[5], [6]]),
    ]


@pytest.mark.parametrize("replicas", [1, 2])
def test_by_file_every_example_comes_once(batches, replicas):
    data = batches([5, 1, 2, 1], 4)
    steps = dealt(data, 2, replicas, "file")
    assert len(steps) == 3
    assert sorted(joined(flat(steps))) == list(range(9))
    first = [one for step in steps for part in step[0] for one in part]
    assert first == [0, 1, 2, 3, 4]  # The largest shard is one worker's.


def test_files_go_where_least_is():
    assert deal_files([5, 1, 2, 1], 2) == [[0], [1, 2, 3]]
    assert deal_files([], 2) == [[], []]


def test_every_worker_gets_a_file_where_some_are_empty(batches):
    data = batches([5, 0, 0], 3)
    assert deal_files(data.sizes, 3) == [[0], [1], [2]]
    steps = dealt(data, 3, 1, "file")
    assert steps == [([[i]], [[]], [[]]) for i in range(5)]


def test_a_stopped_epoch_goes_on_with_the_next_batch(batches):
    data = batches([20, 20], 8, shuffle=True)
    whole = ids(data.epoch(3))
    assert ids(data.epoch(3, skip=2)) == whole[2:]
    assert sorted(joined(whole)) == list(range(40))
    assert ids(data.epoch(4)) != whole
    assert (
        dealt(data, 2, 1, "record", 3, skip=2)
        == (dealt(data, 2, 1, "record", 3)[2:])
    )


@pytest.mark.parametrize(
    ("num_shards", "by", "expected"),
    [
        (1, "auto", False),
        (2, "auto", True),
        (2, "record", False),
        (2, "file", True),
    ],
)
def test_files_are_dealt_where_there_are_enough(num_shards, by, expected):
    assert Deal(0, 2, 1, by).by_file(num_shards) is expected
    assert Deal(0, 1, 2, by).by_file(num_shards) is False


def test_too_few_files_are_refused_where_asked_for(batches):
    with pytest.raises(ValueError, match=r"shards=1, workers=2.*by record"):
        batches([3], 2).steps(Deal(0, 2, by="file"))


def test_a_batch_that_workers_cannot_share_is_refused(batches):
    with pytest.raises(ValueError, match="batch_size=3, workers=2"):
        batches([3, 3], 3).epoch(deal=Deal(0, 2))


@pytest.mark.parametrize(
    "arguments", [(2, 2), (-1, 1), (0, 1, 0), (0, 1, 1, "shard")]
)
def test_what_is_no_deal_is_refused(arguments):
    with pytest.raises(ValueError, match=r"Received: (worker|by)="):
        Deal(*arguments)


def test_parts_keep_their_targets(batches):
    data = batches([6], 4)
    _, targets = next(iter(data.epoch(deal=Deal(1, 2))))
    np.testing.assert_array_equal(targets["label"], [0, 1])
    np.testing.assert_array_equal(targets["membership"], [[0], [1]])
