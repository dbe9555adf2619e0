import numpy as np
import pytest
import tensorflow as tf

from slice_tf.data import (
    append_membership,
    decode,
    encode,
    read_membership,
    strip_membership,
)

RECORD = encode({"text": "héllo", "n": [1, 2, -3], "f": 0.5})


def row(*values):
    return np.array(values, np.uint8)


def rows_of(seed):
    rng = np.random.default_rng(seed)
    size = rng.choice([1, 2, 20, 200, 20_000])
    return rng.integers(0, 2, (2, size), np.uint8)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("record", [b"", RECORD])
def test_what_was_appended_is_read_and_stripped(record, seed):
    membership, unknown = rows_of(seed)
    appended = append_membership(record, membership, unknown)
    assert appended.startswith(record)
    found = read_membership(appended, len(membership))
    np.testing.assert_array_equal(found, [membership, unknown])
    assert {one.dtype for one in found} == {np.dtype(np.uint8)}
    assert strip_membership(appended) == record


@pytest.mark.parametrize("seed", range(8))
def test_tensorflow_sees_the_same_example(seed):
    membership, unknown = rows_of(seed)
    unknown[0] = 1
    appended = append_membership(RECORD, membership, unknown)
    whole = tf.train.Example.FromString(RECORD)
    feature = whole.features.feature
    feature["slices/membership"].int64_list.value.extend(membership.tolist())
    feature["slices/unknown"].int64_list.value.extend(unknown.tolist())
    assert tf.train.Example.FromString(appended) == whole
    shape = [len(membership)]
    parsed = tf.io.parse_single_example(
        appended,
        {
            "text": tf.io.FixedLenFeature([], tf.string),
            "slices/membership": tf.io.FixedLenFeature(shape, tf.int64),
            "slices/unknown": tf.io.FixedLenFeature(shape, tf.int64),
        },
    )
    assert parsed["text"].numpy().decode() == "héllo"
    np.testing.assert_array_equal(parsed["slices/membership"], membership)
    np.testing.assert_array_equal(parsed["slices/unknown"], unknown)


def test_protobuf_would_write_the_same_bytes():
    expected = encode({"slices/membership": [1, 0, 1]})
    assert append_membership(b"", row(1, 0, 1)) == expected
    both = {"slices/membership": [1, 0, 1], "slices/unknown": [0, 1, 0]}
    appended = append_membership(b"", row(1, 0, 1), row(0, 1, 0))
    assert appended == encode(both)


def test_sequence_examples_take_membership_into_their_context():
    message = tf.train.SequenceExample()
    message.context.feature["id"].int64_list.value.append(7)
    message.feature_lists.feature_list["f"].feature.add()
    record = message.SerializeToString()
    appended = append_membership(record, row(1, 0))
    context = tf.train.SequenceExample.FromString(appended).context.feature
    assert context["id"].int64_list.value == [7]
    assert context["slices/membership"].int64_list.value == [1, 0]
    assert strip_membership(appended) == record


def test_unknown_is_written_only_where_a_function_failed():
    silent = append_membership(RECORD, row(1, 0))
    assert b"slices/unknown" not in silent
    assert append_membership(RECORD, row(1, 0), row(0, 0)) == silent
    np.testing.assert_array_equal(read_membership(silent, 2)[1], [0, 0])


def test_rows_may_be_bytes():
    expected = append_membership(RECORD, row(1, 0), row(0, 1))
    assert append_membership(RECORD, b"\1\0", b"\0\1") == expected


def test_a_second_run_replaces_the_first():
    first = append_membership(RECORD, row(1, 0, 1), row(0, 1, 0))
    second = append_membership(strip_membership(first), row(0, 1))
    assert second == append_membership(RECORD, row(0, 1))


def test_the_last_membership_counts_without_stripping():
    twice = append_membership(append_membership(RECORD, row(1, 0)), row(0, 1))
    np.testing.assert_array_equal(read_membership(twice, 2)[0], [0, 1])


@pytest.mark.parametrize("failed", [None, row(0, 0)])
def test_an_old_unknown_in_a_merged_record_is_overruled(failed):
    old = append_membership(RECORD, row(1, 0, 1), row(0, 1, 0))
    merged = tf.train.Example.FromString(old).SerializeToString()
    assert strip_membership(merged) == merged
    new = append_membership(merged, row(1, 0), failed)
    np.testing.assert_array_equal(read_membership(new, 2), [[1, 0], [0, 0]])


def test_keys_may_be_renamed():
    keys = ("my/slices", "my/failed")
    appended = append_membership(RECORD, row(1, 0), row(0, 1), keys)
    names = set(decode(appended).features.feature)
    assert names == {"text", "n", "f", *keys}
    found = read_membership(appended, 2, keys)
    np.testing.assert_array_equal(found, [[1, 0], [0, 1]])
    assert strip_membership(appended) == appended
    assert strip_membership(appended, keys) == RECORD


OURS = encode({"slices/membership": [1]})
UNTOUCHED = {
    "no membership": RECORD,
    "empty": b"",
    "one chunk with more": encode({"a": 1, "slices/membership": [1]}),
    "key as a value": encode({"a": "slices/membership", "z": [1]}),
    "unknown alone": RECORD + encode({"slices/unknown": [1]}),
    "not last": OURS + encode({"z": [1]}),
    "of another field": RECORD + b"\x12" + OURS[1:],
    "entry without value": b"\x0a\x15\x0a\x13\x0a\x11slices/membership",
}


@pytest.mark.parametrize("name", UNTOUCHED)
def test_a_users_own_record_is_left_alone(name):
    assert strip_membership(UNTOUCHED[name]) == UNTOUCHED[name]


def test_scalar_fields_before_membership_are_walked_over():
    fields = b"\x10\x96\x01" + b"\x19" + bytes(8) + b"\x25" + bytes(4)
    assert strip_membership(fields + OURS) == fields


def test_junk_raises_nothing_but_value_errors():
    rng = np.random.default_rng(0)
    fragment = append_membership(b"", row(1, 0, 1), row(0, 1, 0))
    for size in range(300):
        junk = rng.bytes(size)
        damaged = bytearray(RECORD + fragment)
        damaged[rng.integers(len(damaged))] = rng.integers(256)
        cut = (RECORD + fragment)[: rng.integers(len(RECORD + fragment))]
        cut_front = fragment[rng.integers(len(fragment)) :]
        for record in (junk, junk + fragment, bytes(damaged), cut, cut_front):
            try:
                assert record.startswith(strip_membership(record))
                read_membership(record, 3)
            except ValueError:
                pass


@pytest.mark.parametrize(
    ("membership", "unknown"),
    [
        (row(2, 0), None),
        (row(1, 0), row(0, 255)),
        (np.array([1, 0]), None),
        (row(1, 0).reshape(1, 2), None),
        (b"10", None),
    ],
)
def test_rows_of_anything_but_zero_and_one_are_refused(membership, unknown):
    with pytest.raises(ValueError, match=r"must be rows of 0 and 1.*Received"):
        append_membership(RECORD, membership, unknown)


def test_rows_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="membership=2, unknown=3 values"):
        append_membership(RECORD, row(1, 0), row(0, 0, 0))


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (RECORD, "must have slice membership.*features=f, n, text"),
        (b"", "features=none"),
        (b"\xff", "must hold a serialized `tf.train.Example`"),
        (append_membership(RECORD, row(1, 0, 1)), r"\[1, 0, 1\], length=3"),
        (encode({"slices/membership": [1, 2]}), r"membership=\[1, 2\]"),
        (encode({"slices/membership": [0.0, 1.0]}), r"membership=\[\]"),
        (
            encode({"slices/membership": [0, 1], "slices/unknown": [0, -1]}),
            r"slices/unknown=\[0, -1\]",
        ),
    ],
)
def test_membership_that_does_not_fit_is_refused(record, message):
    with pytest.raises(ValueError, match=message):
        read_membership(record, 2)
