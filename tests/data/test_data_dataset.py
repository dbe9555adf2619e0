import json

import numpy as np
import pytest
import tensorflow as tf

from slice_tf.data import FeatureSpec, encode, write_records
from slice_tf.data.dataset import (
    count_records,
    load_dataset,
    slice_rates,
    translated,
)
from slice_tf.schema import SliceSchema
from sliced_data import sliced_record, write_manifest, write_sliced

SCHEMA = SliceSchema.from_names(["night", "rain"])
SPEC = FeatureSpec.parse(
    ["id=int64", "image=float32:2x2", "word=string"], num_classes=3
)


def record(index, **changes):
    features = {
        "id": index,
        "image": np.full(4, index, np.float32),
        "word": f"w{index}",
        "label": index % 3,
        "unread": "payload",
    }
    return sliced_record({**features, **changes}, [index % 2, 1])


def shards_of(counts):
    numbers = iter(range(sum(counts)))
    return {
        f"part-{shard}": [record(next(numbers)) for _ in range(count)]
        for shard, count in enumerate(counts)
    }


def flat(batches):
    return [one for batch in batches for one in batch]


def ids(dataset):
    return [batch["id"].tolist() for batch, _ in dataset.as_numpy_iterator()]


@pytest.mark.parametrize("compressed", [False, True])
def test_batches_hold_everything_in_order(tmp_path, compressed):
    write_sliced(tmp_path, SCHEMA, shards_of([2, 1]), compressed)
    first, last = load_dataset(
        tmp_path, SPEC, SCHEMA, batch_size=2
    ).as_numpy_iterator()
    features, targets = first
    assert sorted(features) == ["id", "image", "word"]
    np.testing.assert_array_equal(features["id"], [0, 1])
    np.testing.assert_array_equal(features["word"], [b"w0", b"w1"])
    expected = np.broadcast_to([[[0]], [[1]]], (2, 2, 2))
    np.testing.assert_array_equal(features["image"], expected)
    assert features["image"].dtype == np.float32
    np.testing.assert_array_equal(targets["label"], [0, 1])
    assert targets["label"].dtype == np.int64
    np.testing.assert_array_equal(targets["membership"], [[0, 1], [1, 1]])
    np.testing.assert_array_equal(targets["known"], np.ones((2, 2)))
    assert {targets[key].dtype.name for key in ("membership", "known")} == {
        "float32"
    }
    np.testing.assert_array_equal(last[0]["id"], [2])


def test_plain_and_gzip_shards_mix(tmp_path):
    shards = shards_of([2, 2])
    write_sliced(tmp_path, SCHEMA, shards)
    write_records(tmp_path / "part-1", shards["part-1"], compressed=True)
    write_manifest(tmp_path, shards)
    assert ids(load_dataset(tmp_path, SPEC, SCHEMA, 4)) == [[0, 1, 2, 3]]


def test_known_is_zero_where_a_function_failed(tmp_path):
    features = {"id": 0, "image": np.zeros(4), "word": "w", "label": 0}
    records = [
        sliced_record(features, [1, 0], unknown=[0, 1]),
        sliced_record(features, [0, 1]),
    ]
    write_sliced(tmp_path, SCHEMA, {"part": records})
    _, targets = next(iter(load_dataset(tmp_path, SPEC, SCHEMA, 2)))
    np.testing.assert_array_equal(targets["known"], [[1, 0], [1, 1]])
    np.testing.assert_array_equal(targets["membership"], [[1, 0], [0, 1]])


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("batch_size", [1, 4, 7, 100])
@pytest.mark.parametrize("cache", [False, True])
def test_no_example_is_lost_at_any_batch_size(
    tmp_path, batch_size, shuffle, cache
):
    write_sliced(tmp_path, SCHEMA, shards_of([10, 0, 7]))
    dataset = load_dataset(
        tmp_path, SPEC, SCHEMA, batch_size, shuffle=shuffle, cache=cache
    )
    assert sorted(flat(ids(dataset))) == list(range(17))
    assert len(dataset) == -(-17 // batch_size)


def test_cached_epochs_read_no_file(tmp_path):
    write_sliced(tmp_path, SCHEMA, shards_of([2, 3]))
    dataset = load_dataset(tmp_path, SPEC, SCHEMA, 2, cache=True)
    first = ids(dataset)
    for name in ("part-0", "part-1"):
        (tmp_path / name).unlink()
    assert ids(dataset) == first == [[0, 1], [2, 3], [4]]


def test_no_examples_are_no_batches(tmp_path):
    write_sliced(tmp_path, SCHEMA, shards_of([0]))
    for cache in (False, True):
        dataset = load_dataset(
            tmp_path, SPEC, SCHEMA, 2, shuffle=True, cache=cache
        )
        assert ids(dataset) == []


def test_drop_remainder_leaves_out_the_smaller_batch(tmp_path):
    write_sliced(tmp_path, SCHEMA, shards_of([5]))
    dataset = load_dataset(tmp_path, SPEC, SCHEMA, 2, drop_remainder=True)
    assert ids(dataset) == [[0, 1], [2, 3]]
    assert dataset.element_spec[1]["label"].shape == (2,)


def test_repeat_goes_on_with_the_next_epoch(tmp_path):
    write_sliced(tmp_path, SCHEMA, shards_of([3]))
    dataset = load_dataset(tmp_path, SPEC, SCHEMA, 2, repeat=True).take(3)
    assert ids(dataset) == [[0, 1], [2], [0, 1]]


@pytest.mark.parametrize("cache", [False, True])
def test_the_same_seed_gives_the_same_batches(tmp_path, cache):
    write_sliced(tmp_path, SCHEMA, shards_of([20, 20, 20]))

    def epochs(seed):
        dataset = load_dataset(
            tmp_path, SPEC, SCHEMA, 8, shuffle=True, seed=seed, cache=cache
        )
        return [ids(dataset), ids(dataset)]

    first, second = epochs(3)
    assert epochs(3) == [first, second]
    assert first != second
    assert epochs(4) != [first, second]
    assert sorted(flat(first)) == sorted(flat(second)) == list(range(60))


@pytest.mark.parametrize("batch_size", [0, -1, 2.0, True])
def test_batch_size_must_be_a_positive_integer(tmp_path, batch_size):
    with pytest.raises(ValueError, match=f"batch_size={batch_size}"):
        load_dataset(tmp_path, SPEC, SCHEMA, batch_size)


def test_unfinished_data_is_refused(tmp_path):
    write_sliced(tmp_path, SCHEMA, shards_of([1]))
    (tmp_path / "manifest.json").unlink()
    with pytest.raises(ValueError, match=r"missing=manifest.json.*not finish"):
        load_dataset(tmp_path, SPEC, SCHEMA, 1)


def test_other_slices_are_refused(tmp_path):
    write_sliced(tmp_path, SCHEMA, shards_of([1]))
    other = SliceSchema.from_names(["rain", "night"])
    message = "has night, rain; schema has rain, night"
    with pytest.raises(ValueError, match=message):
        load_dataset(tmp_path, SPEC, other, 1)


def test_a_shard_that_no_job_wrote_is_refused(tmp_path):
    write_sliced(tmp_path, SCHEMA, shards_of([1]))
    write_records(tmp_path / "stray", [record(0)])
    with pytest.raises(ValueError, match=r"stray, not in manifest\.json"):
        load_dataset(tmp_path, SPEC, SCHEMA, 1)


def test_a_shard_cut_at_the_end_of_a_record_is_refused(tmp_path):
    write_sliced(tmp_path, SCHEMA, shards_of([3]))
    write_records(tmp_path / "part-0", shards_of([2])["part-0"])
    with pytest.raises(ValueError, match=r"part-0, bytes=\d+, bytes in"):
        load_dataset(tmp_path, SPEC, SCHEMA, 1)


UNFIT = {
    "missing": (
        {"image": np.zeros(0, np.int64), "word": "w", "label": 0},
        "feature='id', features=image, label",
    ),
    "wrong dtype": (
        {"id": 0.5},
        "feature='id', dtype=float32, values=1, expected dtype=int64",
    ),
    "wrong size": (
        {"image": np.zeros(3)},
        r"feature='image'.*values=3,.*expected values=4 \(shape \(2, 2\)\)",
    ),
    "label too large": ({"label": 3}, "label=3, num_classes=3"),
    "label negative": ({"label": -1}, "label=-1, num_classes=3"),
}


def unfit_record(name):
    changes, _ = UNFIT[name]
    if name == "missing":
        return sliced_record(changes, [0, 0])
    return record(0, **changes)


@pytest.mark.parametrize("name", UNFIT)
def test_an_unfit_first_record_is_refused_before_training(tmp_path, name):
    shards = {"part": [record(0), unfit_record(name)]}
    write_sliced(tmp_path, SCHEMA, shards)
    message = f"part: record 1: .*{UNFIT[name][1]}"
    with pytest.raises(ValueError, match=message):
        load_dataset(tmp_path, SPEC, SCHEMA, 1)


@pytest.mark.parametrize("name", UNFIT)
def test_an_unfit_later_record_is_named(tmp_path, name):
    shards = {"part": [record(i) for i in range(150)] + [unfit_record(name)]}
    write_sliced(tmp_path, SCHEMA, shards)
    dataset = load_dataset(tmp_path, SPEC, SCHEMA, 8)
    message = f"part: record 150: .*{UNFIT[name][1]}"
    with pytest.raises(ValueError, match=message), translated():
        ids(dataset)


def test_a_later_record_that_is_no_example_is_named(tmp_path):
    shards = {"part": [record(i) for i in range(150)] + [b"\xff\xfe junk"]}
    write_sliced(tmp_path, SCHEMA, shards)
    dataset = load_dataset(tmp_path, SPEC, SCHEMA, 8)
    message = "part: record 150: .*serialized `tf.train.Example`"
    with pytest.raises(ValueError, match=message), translated():
        ids(dataset)


def test_a_later_record_without_membership_is_named(tmp_path):
    bare = encode({"id": 0, "image": np.zeros(4), "word": "", "label": 0})
    shards = {"part": [record(i) for i in range(150)] + [bare]}
    write_sliced(tmp_path, SCHEMA, shards)
    dataset = load_dataset(tmp_path, SPEC, SCHEMA, 8)
    message = "part: record 150: .*must have slice membership"
    with pytest.raises(ValueError, match=message), translated():
        ids(dataset)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_damaged_shard_is_named_while_training(tmp_path, compressed):
    shards = shards_of([200])
    write_sliced(tmp_path, SCHEMA, shards, compressed)
    dataset = load_dataset(tmp_path, SPEC, SCHEMA, 8)
    path = tmp_path / "part-0"
    data = bytearray(path.read_bytes())
    path.write_bytes(data[: len(data) * 3 // 4])
    message = rf"file={path}, record=1\d\d, byte=\d+.*damage=truncated"
    with pytest.raises(ValueError, match=message), translated():
        ids(dataset)


def unknown_as(values):
    """A record that says so of what is not known."""
    return record(0) + encode({"slices/unknown": np.array(values, np.int64)})


@pytest.mark.parametrize("values", [[1], [0, 2], [-1, 0]])
def test_a_later_row_of_unknown_that_is_not_whole_is_named(tmp_path, values):
    whole = [record(i) for i in range(150)] + [unknown_as([0, 1])]
    write_sliced(tmp_path, SCHEMA, {"part": [*whole, unknown_as(values)]})
    dataset = load_dataset(tmp_path, SPEC, SCHEMA, 200)
    with pytest.raises(ValueError, match="part: record 151: "), translated():
        ids(dataset)


@pytest.mark.parametrize("value", [2, -1])
def test_membership_is_0_or_1(tmp_path, value):
    damaged = record(0) + encode({"slices/membership": np.array([0, value])})
    records = [record(i) for i in range(150)] + [damaged]
    write_sliced(tmp_path, SCHEMA, {"part": records})
    dataset = load_dataset(tmp_path, SPEC, SCHEMA, 8)
    with pytest.raises(ValueError, match="part: record 150: "), translated():
        ids(dataset)


def test_no_slices_are_no_columns(tmp_path):
    schema = SliceSchema(())
    features = {"id": 0, "image": np.zeros(4), "word": "w", "label": 0}
    write_sliced(tmp_path, schema, {"part": [sliced_record(features, [])]})
    _, targets = next(iter(load_dataset(tmp_path, SPEC, schema, 1)))
    assert targets["membership"].shape == targets["known"].shape == (1, 0)


def test_damage_is_named_from_within_keras_fit(tmp_path):
    import keras

    shards = {"part": [record(i) for i in range(150)] + [record(0, label=9)]}
    write_sliced(tmp_path, SCHEMA, shards)
    dataset = load_dataset(tmp_path, SPEC, SCHEMA, 8)
    pairs = dataset.map(
        lambda x, y: (tf.reshape(x["image"], (-1, 4)), y["label"])
    )
    model = keras.Sequential([keras.layers.Dense(3)])
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(True))
    message = "part: record 150: .*label=9"
    with pytest.raises(ValueError, match=message), translated():
        model.fit(pairs, shuffle=False, verbose=0)


def test_errors_of_the_model_pass_unchanged():
    with pytest.raises(tf.errors.InvalidArgumentError), translated():
        tf.ones((2, 3)) @ tf.ones((2, 3))


def write_summary(directory, sizes, num_examples):
    slices = [{"name": n, "size": s} for n, s in sizes.items()]
    summary = {
        "format_version": 1,
        "num_examples": num_examples,
        "slices": slices,
    }
    (directory / "summary.json").write_text(json.dumps(summary))


def test_counts_and_rates_come_from_the_job(tmp_path):
    write_sliced(tmp_path, SCHEMA, shards_of([3, 2]))
    write_summary(tmp_path, {"night": 1, "rain": 5}, num_examples=5)
    assert count_records(tmp_path) == 5
    rates = slice_rates(tmp_path, SCHEMA)
    np.testing.assert_array_equal(rates, np.array([0.2, 1.0], np.float32))
    assert rates.dtype == np.float32


def test_rates_of_other_slices_are_refused(tmp_path):
    write_summary(tmp_path, {"night": 1}, num_examples=5)
    with pytest.raises(ValueError, match="has night; schema has night, rain"):
        slice_rates(tmp_path, SCHEMA)


def test_rates_of_no_examples_are_zero(tmp_path):
    write_summary(tmp_path, {"night": 0, "rain": 0}, num_examples=0)
    np.testing.assert_array_equal(slice_rates(tmp_path, SCHEMA), [0, 0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"must hold JSON\. Received: file=.*manifest\.json"),
        ("[]", "must hold a JSON object.*type=list"),
        ('{"format_version": 2}', "format_version=2"),
    ],
)
def test_a_malformed_manifest_is_refused(tmp_path, text, message):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        count_records(tmp_path)
