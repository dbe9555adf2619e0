import shutil

import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from slice_tf.data import decode
from slice_tf_serving import ModelServer, write_warmup
from slice_tf_serving.deployment.checksums import check_files
from slice_tf_serving.limits import Limits
from slice_tf_serving.servable import Servable
from slice_tf_serving.warmup import read_warmup

FILE = "assets.extra/tf_serving_warmup_requests"


@pytest.fixture
def version(base_dirs, tmp_path):
    """A version that a test may damage."""
    return shutil.copytree(base_dirs["multi_class"] / "1", tmp_path / "b" / "1")


def test_every_signature_gets_a_request_of_each_size(version):
    write_warmup(version, batch_sizes=(1, 4))
    logs = read_warmup(version)
    tasks, logs = logs[:2], logs[2:]
    assert [
        len(log.classify_log.request.input.example_list.examples)
        for log in tasks
    ] == [1, 4]
    requests = [log.predict_log.request for log in logs]
    assert [
        (
            request.model_spec.signature_name,
            {
                name: [dim.size for dim in tensor.tensor_shape.dim]
                for name, tensor in request.inputs.items()
            },
        )
        for request in requests
    ] == [
        (signature, {name: [size, *shape] for name, shape in inputs.items()})
        for signature, inputs in (
            ("examples", {"examples": []}),
            ("explain", {"n": [], "x": [2, 3]}),
            ("serving_default", {"n": [], "x": [2, 3]}),
        )
        for size in (1, 4)
    ]
    check_files(version)


def test_example_has_all_features(version):
    (_, log, *_) = read_warmup(version)
    inputs = log.predict_log.request.inputs
    features = decode(inputs["examples"].string_val[0]).features.feature
    assert set(features) == {"x", "n"}
    assert list(features["x"].float_list.value) == [0.0] * 6


def test_requests_are_replayed_before_the_version_is_served(version):
    servable = Servable("m", 1, version, Limits())
    servable.close()
    assert servable.num_warmup_requests == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda request: request.inputs.pop("n"), "Missing but required: {n}"),
        (
            lambda request: setattr(
                request.model_spec, "signature_name", "nope"
            ),
            'kind=predict_log, error=Serving signature key "nope" not found',
        ),
    ],
)
def test_version_that_fails_its_warmup_is_not_served(change, message, version):
    log = read_warmup(version)[-1]
    change(log.predict_log.request)
    with tf.io.TFRecordWriter(str(version / FILE)) as writer:
        writer.write(log.SerializeToString())
    with pytest.raises(ValueError, match=f"warm-up requests to.*{message}"):
        ModelServer(version.parent, "m").start()


def test_damaged_requests_are_told(version):
    content = (version / FILE).read_bytes()
    (version / FILE).write_bytes(content[:-1])
    with pytest.raises(ValueError, match=r"must be readable.*record=3"):
        read_warmup(version)


def test_other_kinds_are_told(version):
    log = prediction_log_pb2.PredictionLog()
    log.session_run_log.SetInParent()
    with tf.io.TFRecordWriter(str(version / FILE)) as writer:
        writer.write(log.SerializeToString())
    with pytest.raises(ValueError, match="kind=session_run_log"):
        read_warmup(version)


@pytest.mark.parametrize("sizes", [(), (0,), (1, -1)])
def test_sizes_must_be_positive(sizes, version):
    with pytest.raises(ValueError, match="must hold positive numbers"):
        write_warmup(version, sizes)


def test_there_may_be_a_thousand_requests(version):
    with pytest.raises(ValueError, match="Received: requests=1336"):
        write_warmup(version, range(1, 335))
