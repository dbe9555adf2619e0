import io
import json
import os
import signal
import subprocess
import sys
import urllib.request
import uuid

import numpy as np
import pytest
import tensorflow as tf

from exported_task import SCHEMA, assert_same, made
from slice_tf import cli
from slice_tf.data import write_records
from slice_tf.evaluation import Evaluator, ModelFacts
from slice_tf.schema import SliceSchema
from slice_tf.training import save_model_directory
from slice_tf_serving import Client
from slice_tf_serving.model_config import read_models_config
from slice_tf_serving.warmup import read_warmup


def run(capsys, *arguments):
    """Returns exit status, stdout and stderr of a program."""
    status = cli.main([str(one) for one in arguments])
    return (status, *capsys.readouterr())


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory):
    one = made("multi_class")
    path = tmp_path_factory.mktemp("trained") / "model"
    schema = one.model.schema
    return save_model_directory(path, one.model, one.spec, schema, {})


def test_export_then_publish(model_dir, tmp_path, capsys):
    saved, base = tmp_path / "saved", tmp_path / "base"
    done = run(capsys, "export", "--model", model_dir, "--output-dir", saved)
    assert done[:2] == (0, f"saved model: {saved}\n")
    assert SliceSchema.load(saved / "assets") == made("binary").model.schema
    assert len(read_warmup(saved)) == 4
    done = run(capsys, "publish", "--saved-model", saved, "--base-dir", base)
    assert done[:2] == (0, f"version: {base / '1'}\n")
    done = run(capsys, "export", "--model", model_dir, "--output-dir", saved)
    assert done[:2] == (2, "")
    assert done[2].count("\n") == 1
    assert "or pass `overwrite`" in done[2]


def test_export_takes_what_servers_are_asked(model_dir, tmp_path, capsys):
    one, saved = made("multi_class"), tmp_path / "saved"
    samples, results = tmp_path / "samples", tmp_path / "results.json"
    write_records(samples, one.examples)
    rows = range(len(one.examples))
    evaluator = Evaluator(SCHEMA, 3)
    evaluator.add(
        np.zeros(5, int),
        one.expected("examples")["probabilities"],
        np.array([[row % 2, 1] for row in rows]),
    )
    evaluator.results().save(results)
    flags = ["--model", model_dir, "--samples", samples, "--results", results]
    heads = ["--slice-heads", "--weights", "bfloat16", "--no-fold"]
    done = run(
        capsys,
        *["export", "--output-dir", saved, *flags, *heads],
        *["--batch-sizes", 1, 4],
    )
    assert done[:2] == (0, f"saved model: {saved}\n")
    signatures = json.loads((saved / "assets.extra/signature.json").read_text())
    assert {
        f"{kind}_{name}"
        for kind in ("indicator", "expert")
        for name in ("small", "large")
    } <= set(signatures["signatures"])
    assert len(read_warmup(saved)) == 2 * len(signatures["signatures"])
    report = saved / "assets.extra/weights_report.json"
    assert json.loads(report.read_text())["examples"] == 5
    card = (saved / "assets.extra/model_card.md").read_text()
    assert "\n| large |  |  |  | 5 |" in card


def test_export_writes_a_part_for_other_models(model_dir, tmp_path, capsys):
    one, path = made("multi_class"), tmp_path / "hub"
    done = run(
        capsys,
        *["export", "--model", model_dir, "--output-dir", path],
        *["--hub", "backbone"],
    )
    assert done[:2] == (0, f"hub module: {path}\n")
    features = {key: tf.constant(part) for key, part in one.features.items()}
    z = tf.saved_model.load(str(path))(features)
    np.testing.assert_allclose(z, one.model.represent(features), atol=1e-6)


def test_export_refuses_results_of_another_model(model_dir, tmp_path, capsys):
    results = tmp_path / "results.json"
    evaluator = Evaluator(SCHEMA, 2)
    evaluator.add(np.zeros(5, int), np.full((5, 2), 0.5), np.ones((5, 2), int))
    evaluator.results(model=ModelFacts("m", "beef")).save(results)
    flags = ["--model", model_dir, "--results", results]
    done = run(capsys, "export", "--output-dir", tmp_path / "m", *flags)
    assert done[0] == 2
    assert "of the model that is exported" in done[2]
    assert "of the model beef" in done[2]


def test_export_needs_a_model_directory(tmp_path, capsys):
    done = run(
        capsys, "export", "--model", tmp_path / "no", "--output-dir", "x"
    )
    assert done == (
        2,
        "",
        "slice-tf export: error: `--model` must be a directory that "
        f"`slice-tf train` wrote. Received: model={tmp_path / 'no'}\n",
    )


def test_publish_keeps_and_rolls_back(exports, tmp_path, capsys):
    flags = ["--saved-model", exports["binary"], "--base-dir", tmp_path]
    for _ in range(3):
        assert run(capsys, "publish", *flags, "--keep", 2)[0] == 0
    done = run(capsys, "publish", "--rollback", "--base-dir", tmp_path)
    assert done[:2] == (0, f"version: {tmp_path / '4'}\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2", "3", "4"]


def test_publish_refuses_a_version_that_is_there(exports, tmp_path, capsys):
    flags = ["--saved-model", exports["binary"], "--base-dir", tmp_path]
    assert run(capsys, "publish", *flags)[0] == 0
    done = run(capsys, "publish", *flags, "--version", 1)
    assert done[0] == 2
    assert "Received: version=1, newest=1" in done[2]


def test_publish_plans_how_the_version_takes_over(exports, tmp_path, capsys):
    base, plan = tmp_path / "base", tmp_path / "plan"
    flags = ["--saved-model", exports["binary"], "--base-dir", base]
    asked = [*flags, "--plan-dir", plan, "--name", "m"]
    status, _, err = run(capsys, "publish", *asked)
    assert (status, base.exists()) == (2, False)
    assert "must hold a version" in err
    assert run(capsys, "publish", *flags)[0] == 0
    status, out, _ = run(
        capsys, "publish", *asked, "--server-base-dir", "/models/m"
    )
    assert (status, out.splitlines()) == (
        0,
        [
            f"version: {base}/2",
            f"{plan}/1.config: serve the old version; wait until 1 AVAILABLE",
            f"{plan}/2.config: load the new version beside it; "
            "wait until 1 and 2 AVAILABLE",
            f"{plan}/3.config: let the chosen few ask the new version; "
            "wait until 1 and 2 AVAILABLE",
            f"{plan}/4.config: let everyone ask the new version; "
            "wait until 1 and 2 AVAILABLE",
            f"{plan}/5.config: unload the old version; wait until 2 AVAILABLE",
        ],
    )
    (third,) = read_models_config(plan / "3.config")
    assert (str(third.base_dir), dict(third.labels)) == (
        "/models/m",
        {"stable": 1, "canary": 2},
    )


def test_publish_takes_the_url_of_a_store(exports, capsys):
    store = f"ram://{uuid.uuid4().hex}/m"
    flags = ["--saved-model", exports["binary"], "--base-dir", store]
    done = run(capsys, "publish", *flags)
    assert done[:2] == (0, f"version: {store}/1\n")
    with pytest.raises(SystemExit, match="2"):
        run(capsys, "publish", *flags, "--keep", 2)
    assert "no atomic rename" in capsys.readouterr().err


def test_publish_refuses_what_breaks_callers(exports, tmp_path, capsys):
    for name, flags, status in (
        ("binary", [], 0),
        ("multi_class", [], 2),
        ("multi_class", ["--new-contract"], 0),
    ):
        saved = ["--saved-model", exports[name], "--base-dir", tmp_path]
        assert run(capsys, "publish", *saved, *flags)[0] == status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_answers_until_it_is_told_to_stop(number, base_dirs):
    command = [sys.executable, "-m", "slice_tf", "serve", "--name", "m"]
    flags = ["--rest-port", "0", "--grpc-port", "0"]
    process = subprocess.Popen(
        [*command, *flags, "--base-dir", str(base_dirs["binary"])],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        rest = process.stdout.readline().removeprefix("REST ready: ").strip()
        grpc = process.stdout.readline().removeprefix("gRPC ready: ").strip()
        one = made("binary")
        url = rest.removesuffix("/v1/models/m")
        with Client(url, "m") as client:
            outputs = client.predict(one.features)
        assert_same(outputs, one.expected("serving_default"))
        assert grpc.startswith("grpc://127.0.0.1:")
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out) == (0, "")
    assert "loaded m version 1" in err
    assert "Traceback" not in err


def test_serve_takes_a_models_config(base_dirs, tmp_path):
    file, token = tmp_path / "models.config", tmp_path / "token"
    token.write_text("s3cret\n")
    configs = " ".join(
        f'config {{ name: "{name}" base_path: "{base_dirs[name]}" '
        'model_platform: "tensorflow" }'
        for name in ("binary", "vanilla")
    )
    file.write_text(f"model_config_list {{ {configs} }}")
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "slice_tf", "serve"),
            *("--models-config", str(file), "--watch-slices"),
            *("--rest-port", "0", "--grpc-port", "0"),
            *("--token-file", str(token), "--log-dir", str(tmp_path / "log")),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        lines = [process.stdout.readline().strip() for _ in range(3)]
        assert [line.rpartition("/")[2] for line in lines[:2]] == [
            "binary",
            "vanilla",
        ]
        url = lines[1].removeprefix("REST ready: ")
        request = urllib.request.Request(
            f"{url}/metadata", headers={"Authorization": "Bearer s3cret"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert json.load(answer)["model_spec"]["name"] == "vanilla"
        process.terminate()
        process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "either --base-dir and --name, or --models-config"),
        (("--name", "m"), "either --base-dir and --name, or"),
        (("--models-config", "a", "--name", "m"), "either --base-dir and"),
        (("--log-rate", "2"), "must be a number in range. Received: 2"),
        (("--poll-seconds", "x"), "must be a number in range. Received: x"),
        (
            ("--base-dir", "b", "--name", "m", "--tls-key", "k"),
            "--tls-key and --tls-certificate go together",
        ),
        (
            ("--base-dir", "b", "--name", "m", "--tls-client-ca", "k"),
            "--tls-client-ca needs --tls-key",
        ),
    ],
)
def test_serve_tells_wrong_flags(flags, message, capsys):
    with pytest.raises(SystemExit):
        cli.main(["serve", *flags])
    assert message in capsys.readouterr().err


def test_serve_needs_a_version(tmp_path, capsys):
    done = run(capsys, "serve", "--base-dir", tmp_path, "--name", "m")
    assert done[0] == 2
    assert done[2].startswith(
        "slice-tf serve: error: A base directory must hold a version"
    )


def test_serve_tells_a_port_in_use(base_dirs, servers, capsys):
    port = servers["vanilla"].rest_port
    done = run(
        capsys,
        *("serve", "--base-dir", base_dirs["binary"], "--name", "m"),
        *("--rest-port", port, "--grpc-port", 0),
    )
    assert done[:2] == (2, "")
    assert f"port={port}, error=Address already in use" in done[2]
    assert done[2].count("\n") == 1


@pytest.fixture
def asking(servers, url_of, capsys):
    """Runs `slice-tf predict` against the multi-class model."""

    def ask(*flags, scheme="http", name="multi_class"):
        url = url_of(servers["multi_class"], scheme)
        return run(capsys, "predict", "--url", url, "--name", name, *flags)

    return ask


def rows():
    features = made("multi_class").features
    return [
        {"x": x.tolist(), "n": int(n)}
        for x, n in zip(features["x"], features["n"], strict=True)
    ]


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_predict_prints_rows_for_rows(scheme, asking, tmp_path):
    file = tmp_path / "request.json"
    file.write_text(json.dumps({"instances": rows()}))
    status, out, _ = asking("--input", file, scheme=scheme)
    received = json.loads(out)["predictions"]
    expected = made("multi_class").expected("serving_default")
    assert status == 0
    np.testing.assert_allclose(
        [row["probabilities"] for row in received],
        expected["probabilities"],
        atol=1e-5,
    )


def test_predict_prints_columns_for_columns(asking, monkeypatch):
    features = made("multi_class").features
    inputs = {name: array.tolist() for name, array in features.items()}
    body = json.dumps({"signature_name": "explain", "inputs": inputs})
    stdin = io.TextIOWrapper(io.BytesIO(body.encode()))
    monkeypatch.setattr("sys.stdin", stdin)
    status, out, _ = asking("--input", "-")
    received = json.loads(out)["outputs"]
    expected = made("multi_class").expected("explain")
    assert status == 0
    np.testing.assert_allclose(
        received["attention"], expected["attention"], atol=1e-5
    )


def test_predict_sends_records(asking, tmp_path):
    file = tmp_path / "data.tfrecord"
    write_records(file, made("multi_class").examples.tolist())
    status, out, _ = asking("--tfrecord", file, "--limit", 3)
    received = [json.loads(line) for line in out.splitlines()]
    expected = made("multi_class").expected("examples")
    assert status == 0
    assert [row["class_ids"] for row in received] == expected["class_ids"][
        :3
    ].tolist()


@pytest.mark.parametrize(
    ("body", "flags", "message"),
    [
        ("{", (), "A request must be JSON. Received: input="),
        ("[]", (), 'must be a JSON object with "instances"'),
        ('{"instances": [{"x": 1}]}', (), "keys must be equal to: n,x"),
        ('{"inputs": {"x": [1]}}', (), "Missing named input: n"),
        (
            '{"inputs": {"x": [1.5], "n": [1]}}',
            (),
            "input=x, shape=(1,), expected=(any, 2, 3)",
        ),
        (
            '{"inputs": {"x": ["a"], "n": [1]}}',
            (),
            "Type: String is not of expected type: float",
        ),
        (
            '{"instances": [1]}',
            ("--signature", "nope"),
            "must be among classify, examples, explain, serving_default. "
            "Received: signature='nope'",
        ),
        (
            '{"instances": [1]}',
            ("--version", "9"),
            "Servable not found for request: Specific(multi_class, 9)",
        ),
    ],
)
def test_predict_tells_what_is_wrong(body, flags, message, asking, tmp_path):
    file = tmp_path / "request.json"
    file.write_text(body)
    status, out, err = asking("--input", file, *flags)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_predict_tells_an_unknown_model(asking, tmp_path):
    file = tmp_path / "request.json"
    file.write_text('{"instances": [1]}')
    status, _, err = asking("--input", file, name="nope")
    assert status == 2
    assert "code=NOT_FOUND" in err


def test_predict_tells_an_unreachable_server(tmp_path, free_port, capsys):
    file = tmp_path / "request.json"
    file.write_text('{"instances": [1]}')
    url = f"http://127.0.0.1:{free_port}"
    flags = ["--url", url, "--name", "m", "--input", file]
    status, _, err = run(capsys, "predict", *flags)
    assert status == 2
    assert f"Received: url={url}, error=[Errno" in err
    assert os.strerror(111) in err
