import collections

import apache_beam as beam
import pytest
from apache_beam.metrics import MetricsFilter
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.transforms.display import DisplayData
from apache_beam.transforms.window import (
    FixedWindows,
    IntervalWindow,
    TimestampedValue,
)
from apache_beam.typehints import TypeCheckError

from beam_job import KEYWORDS, functions_in, raw_record, sliced_by_keywords
from slice_tf.data import append_membership, encode
from slice_tf_beam import ApplySlicingFunctions
from slice_tf_beam.functions import fingerprint_of, load_functions
from slice_tf_beam.transforms.apply_slicing_functions import AddMembership

RAW = [raw_record(index) for index in range(40)]


def test_each_record_gets_its_membership():
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        sliced = pipeline | beam.Create(RAW) | ApplySlicingFunctions([KEYWORDS])
        assert_that(sliced, equal_to([sliced_by_keywords(one) for one in RAW]))


def test_a_bundle_larger_than_a_chunk_loses_nothing():
    indices = range(2500)
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        sliced = (
            pipeline
            | beam.Create([raw_record(index) for index in indices])
            | ApplySlicingFunctions([KEYWORDS])
        )
        expected = [sliced_by_keywords(raw_record(index)) for index in indices]
        assert_that(sliced, equal_to(expected))


def test_applied_twice_membership_stands_once():
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        sliced = (
            pipeline
            | beam.Create(RAW)
            | "First" >> ApplySlicingFunctions([f"{KEYWORDS}:night"])
            | "Second" >> ApplySlicingFunctions([KEYWORDS])
        )
        assert_that(sliced, equal_to([sliced_by_keywords(one) for one in RAW]))


class WithPlace(beam.DoFn):
    """Pairs a record with the event time and window it has."""

    def process(
        self,
        record,
        timestamp=beam.DoFn.TimestampParam,
        window=beam.DoFn.WindowParam,
    ):
        yield record, float(timestamp), window


def test_times_and_windows_are_kept():
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        sliced = (
            pipeline
            | beam.Create(list(enumerate(RAW)))
            | beam.MapTuple(lambda time, one: TimestampedValue(one, time))
            | beam.WindowInto(FixedWindows(10))
            | ApplySlicingFunctions([KEYWORDS])
            | beam.ParDo(WithPlace())
        )
        expected = [
            (
                sliced_by_keywords(record),
                float(time),
                IntervalWindow(time // 10 * 10, time // 10 * 10 + 10),
            )
            for time, record in enumerate(RAW)
        ]
        assert_that(sliced, equal_to(expected), reify_windows=False)


def test_failures_are_counted_by_slice_and_stand_in_the_record():
    names = ["raises_on_some", "rain"]
    paths = [f"{functions_in('faulty.py')}:{name}" for name in names]
    pipeline = beam.Pipeline(runner=FnApiRunner())
    sliced = pipeline | beam.Create(RAW) | ApplySlicingFunctions(paths)
    expected = [
        append_membership(
            record,
            bytes([index % 2 == 0 and index % 10 != 3, index % 2 == 0]),
            bytes([index % 10 == 3, 0]),
        )
        for index, record in enumerate(RAW)
    ]
    assert_that(sliced, equal_to(expected))
    result = pipeline.run()
    result.wait_until_finish()
    counters = result.metrics().query(
        MetricsFilter().with_namespace("slice_tf")
    )
    counts = collections.Counter()
    for one in counters["counters"]:
        counts[one.key.metric.name] += one.committed
    assert counts == {"examples": 40, "unknown/raises_on_some": 4}


def test_the_transform_tells_its_schema():
    schema = ApplySlicingFunctions([KEYWORDS]).schema
    assert schema.names == ("rain", "night")


def test_the_transform_shows_what_it_applies():
    shown = DisplayData.create_from(ApplySlicingFunctions([KEYWORDS])).items
    assert {one.key: one.value for one in shown} == {
        "functions": KEYWORDS,
        "slices": "rain, night",
    }


def test_workers_must_have_the_functions_of_the_driver():
    add_membership = AddMembership((KEYWORDS,), "0" * 16)
    with pytest.raises(ValueError, match="driver=0000000000000000, worker="):
        add_membership.setup()


def test_few_large_records_are_asked_about_at_once():
    large = [encode({"text": "rain", "image": bytes(3 << 20)})] * 5
    add_membership = AddMembership(
        (KEYWORDS,), fingerprint_of(load_functions([KEYWORDS]))
    )
    add_membership.setup()
    add_membership.start_bundle()
    sliced = [len(list(add_membership.process(one, 0, 0, 0))) for one in large]
    assert sliced == [0, 2, 0, 2, 0]
    assert len(list(add_membership.finish_bundle())) == 1


def test_a_record_that_is_no_example_fails_its_bundle():
    pipeline = beam.Pipeline(runner=FnApiRunner())
    junk = pipeline | beam.Create([b"\xff\xff"])
    _ = junk | ApplySlicingFunctions([KEYWORDS])
    # Beam keeps no class of an exception that takes more than a text.
    message = r"must hold a serialized `tf\.train\.Example`.*record=0"
    with pytest.raises(RuntimeError, match=message):
        pipeline.run()


def test_only_bytes_can_be_sliced():
    pipeline = beam.Pipeline(runner=FnApiRunner())
    texts = pipeline | beam.Create(["text"])
    with pytest.raises(TypeCheckError, match=r"expected .*bytes.*, got .*str"):
        _ = texts | ApplySlicingFunctions([KEYWORDS])


@pytest.mark.parametrize(
    ("functions", "error", "message"),
    [
        (KEYWORDS, TypeError, "must be a sequence of import paths"),
        ([functions_in("twice.py")], ValueError, "twice=same"),
        ([functions_in("nothing.py")], ValueError, "file that exists"),
    ],
)
def test_wrong_functions_are_refused_when_the_pipeline_is_built(
    functions, error, message
):
    with pytest.raises(error, match=message):
        ApplySlicingFunctions(functions)
