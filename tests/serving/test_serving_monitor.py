"""`slice-tf monitor`: from a server's log to what has moved."""

import json
import pathlib
import re
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from exported_task import SCHEMA, made
from slice_tf import cli
from slice_tf.data import read_records, write_records
from slice_tf.evaluation import Evaluator
from slice_tf.monitoring import TrafficCounts, load_traffic, load_windows
from slice_tf.schema import SliceSchema
from slice_tf_serving import Client, ModelServer, publish
from slice_tf_serving.logged_answers import read_answer
from slice_tf_serving.request_log import LogSettings, RequestLog


def run(capsys, *arguments):
    """Returns exit status, stdout and stderr of the program."""
    status = cli.main(["monitor", *map(str, arguments)])
    return (status, *capsys.readouterr())


def write_log(directory, small, *, version=1, requests=400, seed=0):
    """Writes a log in which so large a share of examples is in `small`."""
    random = np.random.default_rng(seed)
    log = RequestLog(LogSettings(directory, 1.0, file_records=150))
    for _ in range(requests):
        inside = random.random((2, 2)) < (small, 0.5)
        outputs = {
            "slice_probabilities": np.where(inside, 0.9, 0.1),
            "probabilities": random.dirichlet([1, 1, 1], 2),
            "class_ids": np.array([0, 1]),
        }
        outputs = {
            name: one.astype(np.float32) if one.dtype == float else one
            for name, one in outputs.items()
        }
        log.add(("m", version, "serving_default"), {}, outputs)
    log.close()
    assert log.num_logged == requests
    return directory


@pytest.fixture(scope="session")
def usual(tmp_path_factory):
    return write_log(tmp_path_factory.mktemp("usual"), small=0.2)


def test_a_server_log_is_counted(base_dirs, url_of, tmp_path, capsys):
    one = made("multi_class")
    settings = LogSettings(tmp_path / "logs", sampling_rate=1.0)
    with ModelServer(
        base_dirs["multi_class"], "m", watch_slices=True, log=settings
    ) as server:
        for scheme in ("grpc", "http"):
            with Client(url_of(server, scheme), "m") as client:
                client.predict(one.features)
    saved = base_dirs["multi_class"] / "1"
    output = tmp_path / "traffic.json"
    flags = ["--logs", tmp_path / "logs", "--saved-model", saved]
    status, shown, _ = run(capsys, *flags, "--output", output)
    assert status == 0
    expected = TrafficCounts(["small", "large"], "probabilities", 3)
    answer = one.expected("explain")
    for _ in range(2):
        expected.add(answer["slice_probabilities"], answer["probabilities"])
    found = load_traffic(output)
    assert (found.num_requests, found.num_examples) == (2, 10)
    for name in ("members", "members_squared", "outputs", "outputs_members"):
        np.testing.assert_allclose(
            getattr(found, name), getattr(expected, name), rtol=1e-5
        )
    assert [line.split()[0] for line in shown.splitlines()[2:]] == [
        "small",
        "large",
    ]
    (left,) = {path.name for path in tmp_path.iterdir()} - {"logs"}
    assert left == "traffic.json"


def test_a_slice_that_moved_is_named(base_dirs, usual, tmp_path, capsys):
    saved = base_dirs["multi_class"] / "1"
    now = write_log(tmp_path / "now", small=0.5, seed=1)
    flags = ["--saved-model", saved]
    reference, output = tmp_path / "reference.json", tmp_path / "now.json"
    assert run(capsys, "--logs", usual, *flags, "--output", reference)[0] == 0
    for other in (usual, reference):
        given = ["--logs", now, *flags, "--reference", other]
        given += ["--page", tmp_path / "page.html"]
        status, shown, _ = run(capsys, *given, "--output", output)
        assert (status, shown.splitlines()[-1]) == (1, "MOVED: small")
        assert "small has moved." in (tmp_path / "page.html").read_text()
        drift = json.loads(output.read_text())["drift"]
        assert [one["verdict"] for one in drift] == [
            "moved",
            "steady",
            "steady",
        ]
        assert drift[0]["share"]["value"] == pytest.approx(0.5, abs=0.04)
        assert drift[0]["share"]["reference"] == pytest.approx(0.26, abs=0.04)


def of_days(directory, shares):
    """Writes logs as of days of November 2026."""
    for day, small in shares.items():
        begun = write_log(directory / day, small, seed=int(day))
        for path in begun.iterdir():
            name = re.sub(r"\d{8}T", f"202611{day}T", path.name)
            path.rename(directory / f"{day}-{name}")
        begun.rmdir()
    return directory


def test_days_are_compared_one_by_one_and_kept(
    base_dirs, usual, tmp_path, capsys
):
    saved = base_dirs["multi_class"] / "1"
    shares = {"01": 0.2, "02": 0.2, "03": 0.5, "04": 0.5}
    logs, output = of_days(tmp_path / "logs", shares), tmp_path / "days.json"
    reference, page = tmp_path / "reference.json", tmp_path / "page.html"
    flags = ["--saved-model", saved, "--output"]
    assert run(capsys, "--logs", usual, *flags, reference)[0] == 0
    flags += [output, "--every", "day", "--append", "--reference", reference]
    nightly = [
        run(capsys, "--logs", logs / f"{day}-*", *flags)
        for day in ("01", "02", "03", "03", "04")
    ]
    assert [status for status, *_ in nightly] == [0, 0, 1, 1, 1]
    assert nightly[-1][1].endswith("MOVED: small (since 2026-11-03)\n")
    windows = load_windows(output)
    assert {
        start: one.num_requests for start, one in windows.items()
    } == dict.fromkeys([f"2026-11-{day}" for day in shares], 400)
    flags = [*flags[:4], "--every", "day", "--workers", 2, "--page", page]
    done = run(capsys, "--logs", logs, *flags, "--reference", reference)
    assert done[:2] == nightly[-1][:2]
    assert load_windows(output).keys() == windows.keys()
    assert "small (since 2026-11-03) has moved." in page.read_text()
    again = ["--every", "hour", "--append", "--logs", logs]
    status, _, error = run(capsys, *flags[:4], *again)
    assert status == 2
    assert f"every=hour, every of {output}=day" in error


def test_accuracy_is_estimated_beside_labelled_data(
    base_dirs, usual, tmp_path, capsys
):
    saved = base_dirs["multi_class"] / "1"
    random = np.random.default_rng(0)
    members = (random.random((2000, 2)) < (0.2, 0.5)).astype(np.uint8)
    p = random.dirichlet([1, 1, 1], 2000)
    labels = (random.random((2000, 1)) > p.cumsum(axis=1)).sum(axis=1)
    evaluator = Evaluator(SCHEMA, 3)
    logits = np.where(members > 0, 2.2, [-2.2, 0.0])
    evaluator.add(labels, p, members, indicator_logits=logits)
    evaluator.results().save(tmp_path / "results.json")
    flags = ["--saved-model", saved, "--output", tmp_path / "now.json"]
    flags += ["--labelled", tmp_path / "results.json", "--logs", usual]
    status, shown, _ = run(capsys, *flags)
    assert status == 0
    lines = shown.splitlines()[-3:]
    assert [line.split()[0] for line in lines] == ["small", "large", "base"]
    accuracy = json.loads((tmp_path / "now.json").read_text())["accuracy"]
    right = (p.argmax(axis=1) == labels).mean()
    assert accuracy[2]["labelled"] == pytest.approx(right)
    assert accuracy[2]["value"] == pytest.approx(right, abs=0.04)
    assert f"{100 * accuracy[2]['value']:.1f} [" in lines[2]
    other = Evaluator(SliceSchema.from_names(["a"]), 3)
    other.add(labels, p, members[:, :1])
    other.results().save(tmp_path / "results.json")
    status, _, error = run(capsys, *flags)
    assert (status, "slices and classes=(('a',), 3)" in error) == (2, True)


def test_windows_need_a_time(base_dirs, tmp_path, capsys):
    """Logs of others may tell none, but then their path must."""
    saved = base_dirs["multi_class"] / "1"
    log = prediction_log_pb2.PredictionLog()
    for name, size in (("slice_probabilities", 2), ("probabilities", 3)):
        log.predict_log.response.outputs[name].CopyFrom(
            tf.make_tensor_proto(np.full((1, size), 0.25, np.float32))
        )
    record = log.SerializeToString()
    write_records(tmp_path / "mine.tfrecord", [record])
    flags = ["--saved-model", saved, "--output", tmp_path / "now.json"]
    logs = ["--logs", tmp_path / "mine.tfrecord"]
    status, _, error = run(capsys, *logs, *flags, "--every", "day")
    assert status == 2
    assert "timestamp_secs" in error
    assert "mine.tfrecord, every=day" in error
    status, _, error = run(capsys, *logs, *flags, "--append")
    assert (status, "append=True, every=None" in error) == (2, True)
    log.log_metadata.timestamp_secs = 1_793_700_000  # 2026-11-03T10 in UTC
    write_records(tmp_path / "mine.tfrecord", [log.SerializeToString()])
    assert run(capsys, *logs, *flags, "--every", "hour")[0] == 0
    assert list(load_windows(tmp_path / "now.json")) == ["2026-11-03T10"]


def test_the_same_traffic_is_steady(base_dirs, usual, tmp_path, capsys):
    saved = base_dirs["multi_class"] / "1"
    again = write_log(tmp_path / "again", small=0.2, seed=2)
    flags = ["--saved-model", saved, "--output", tmp_path / "now.json"]
    done = run(capsys, "--logs", again, *flags, "--reference", usual)
    assert done[0] == 0
    assert done[1].endswith("STEADY: no slice has moved beyond its margin\n")


def test_too_little_traffic_is_no_verdict(base_dirs, usual, tmp_path, capsys):
    saved = base_dirs["multi_class"] / "1"
    few = write_log(tmp_path / "few", small=0.9, requests=20)
    flags = ["--saved-model", saved, "--output", tmp_path / "now.json"]
    status, shown, _ = run(capsys, "--logs", few, *flags, "--reference", usual)
    assert status == 3
    assert "NOT_ENOUGH_DATA" in shown


def test_a_canary_is_compared_with_the_stable_version(
    base_dirs, tmp_path, capsys
):
    saved = base_dirs["multi_class"] / "1"
    logs = write_log(tmp_path / "logs", small=0.2, version=1)
    write_log(logs, small=0.6, version=2, seed=1)
    flags = ["--saved-model", saved, "--output", tmp_path / "now.json"]
    versions = ["--version", 2, "--reference", logs, "--reference-version", 1]
    status, shown, _ = run(capsys, "--logs", logs, *flags, *versions)
    assert (status, shown.splitlines()[-1]) == (1, "MOVED: small")
    assert load_traffic(tmp_path / "now.json").num_requests == 400
    status, _, error = run(capsys, "--logs", logs, *flags, "--version", 9)
    assert (status, "version=9, answers=0" in error) == (2, True)
    status, _, error = run(capsys, "--logs", logs, *flags, "--model", "n")
    assert (status, "model=n, version=None, answers=0" in error) == (2, True)


def test_answers_that_tell_of_no_slices_are_passed_over(
    base_dirs, tmp_path, capsys, caplog
):
    saved = base_dirs["multi_class"] / "1"
    flags = ["--saved-model", saved, "--output", tmp_path / "now.json"]
    log = RequestLog(LogSettings(tmp_path / "logs", 1.0))
    answer = {"probabilities": np.full((1, 3), 1 / 3, np.float32)}
    for _ in range(2):
        log.add(("m", 1, "examples"), {}, answer)
    log.close()
    status, _, error = run(capsys, "--logs", tmp_path / "logs", *flags)
    assert status == 2
    assert "answers=0, others=2. If there are others, log the sig" in error
    write_log(tmp_path / "logs", small=0.2, requests=40)
    status, _, _ = run(capsys, "--logs", tmp_path / "logs", *flags)
    assert (status, load_traffic(tmp_path / "now.json").num_requests) == (0, 40)
    assert "2 answers tell of no slices" in caplog.text


def test_logs_that_cannot_be_counted_are_named(base_dirs, tmp_path, capsys):
    saved = base_dirs["multi_class"] / "1"
    flags = ["--saved-model", saved, "--output", tmp_path / "now.json"]
    log = RequestLog(LogSettings(tmp_path / "plain", 1.0))
    answer = {"slice_probabilities": np.full((1, 2), 0.5, np.float32)}
    log.add(("m", 1, "serving_default"), {}, answer)
    log.close()
    status, _, error = run(capsys, "--logs", tmp_path / "plain", *flags)
    assert status == 2
    assert "requests-" in error
    assert "outputs=slice_probabilities" in error
    write_records(tmp_path / "broken.tfrecord", [b"\xff\xff"])
    status, _, error = run(
        capsys, "--logs", tmp_path / "broken.tfrecord", *flags
    )
    assert status == 2
    assert "broken.tfrecord" in error
    assert "`tensorflow.serving.PredictionLog`s" in error
    status, _, error = run(
        capsys, "--logs", tmp_path / "plain", *flags, "--page", "page.html"
    )
    assert (status, "page=page.html, reference=None" in error) == (2, True)
    other = tmp_path / "other.json"
    other.write_text("{}")
    status, _, error = run(
        capsys, "--logs", tmp_path / "plain", *flags, "--reference", other
    )
    assert status == 2
    assert not (tmp_path / "now.json").exists()


def test_versions_that_answer_otherwise_are_not_mixed(
    base_dirs, tmp_path, capsys
):
    logs = write_log(tmp_path / "logs", small=0.2, requests=10)
    log = RequestLog(LogSettings(logs, 1.0))
    for name, size in (("probabilities", 4), ("predictions", None)):
        shape = (1, size) if size else (1,)
        answer = {
            "slice_probabilities": np.full((1, 2), 0.5, np.float32),
            name: np.full(shape, 0.25, np.float32),
        }
        log.add(("m", 2, "serving_default"), {}, answer)
    log.close()
    saved = base_dirs["multi_class"] / "1"
    flags = ["--saved-model", saved, "--output", tmp_path / "now.json"]
    status, _, error = run(capsys, "--logs", logs, *flags)
    assert status == 2
    assert "Received: some without probabilities" in error


def test_what_holds_no_answer_is_passed_over(base_dirs):
    warmup = base_dirs["multi_class"] / "1/assets.extra"
    records = list(read_records(warmup / "tf_serving_warmup_requests"))
    assert [read_answer(record) for record in records] == [None] * len(records)


def test_logs_are_written_and_read_without_tensorflow(tmp_path):
    code = f"""
import pathlib, sys
import numpy as np
from slice_tf.data.tfrecord import read_records
from slice_tf_serving.logged_answers import read_answer
from slice_tf_serving.request_log import LogSettings, RequestLog
import slice_tf.monitoring
log = RequestLog(LogSettings(pathlib.Path({str(tmp_path)!r}), 1.0))
log.add(("m", 3, "s"), {{}}, {{"y": np.full((1, 2), 0.5, np.float32)}})
log.close()
(path,) = pathlib.Path({str(tmp_path)!r}).iterdir()
(answer,) = map(read_answer, read_records(path))
assert (answer.model, answer.version) == ("m", 3)
assert answer.outputs["y"].tolist() == [[0.5, 0.5]]
heavy = {{"tensorflow", "tensorflow_serving", "keras", "apache_beam"}}
sys.exit(", ".join(heavy & sys.modules.keys()) or 0)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_what_the_log_writes_is_what_tensorflow_reads(tmp_path):
    log = RequestLog(LogSettings(tmp_path, 0.5, inputs=("x", "names")))
    inputs = {
        "x": np.arange(6, dtype=np.int64).reshape(2, 3),
        "names": np.array([b"a", b"\xff"], object),
        "kept_out": np.zeros(1),
    }
    before = int(time.time())
    log.add(("m", 3, "explain"), inputs, {"y": np.float32([[0.25]])})
    log.close()
    (path,) = tmp_path.iterdir()
    (record,) = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    found = prediction_log_pb2.PredictionLog.FromString(record)
    metadata, predict = found.log_metadata, found.predict_log
    assert before <= metadata.timestamp_secs <= time.time()
    assert metadata.sampling_config.sampling_rate == 0.5
    for part in (metadata, predict.request, predict.response):
        spec = part.model_spec
        assert (spec.name, spec.version.value) == ("m", 3)
        assert spec.signature_name == "explain"
    assert predict.request.inputs.keys() == {"x", "names"}
    for name, tensor in predict.request.inputs.items():
        np.testing.assert_array_equal(tf.make_ndarray(tensor), inputs[name])
    assert tf.make_ndarray(predict.response.outputs["y"]).tolist() == [[0.25]]


def test_the_page_shows_how_a_caller_logs(
    exports, tmp_path, monkeypatch, capsys
):
    page = pathlib.Path(__file__).parents[2] / "docs" / "monitoring.md"
    (code,) = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    publish(exports["binary"], tmp_path / "base")
    monkeypatch.chdir(tmp_path)
    with ModelServer(tmp_path / "base", "digits") as server:
        code = code.replace("8500", str(server.grpc_port))
        code = code.replace(
            '{"image": [[0.5] * 64]}', '{"x": [[[0.5] * 3] * 2]}'
        )
        exec(compile(code, str(page), "exec"), {})
    flags = ["--logs", "logs", "--saved-model", "base/1"]
    status, shown, _ = run(capsys, *flags, "--output", "traffic.json")
    assert (status, len(shown.splitlines())) == (0, 4)
    assert load_traffic("traffic.json").num_requests == 1
