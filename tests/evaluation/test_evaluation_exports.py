import json

import numpy as np
import pytest
import tensorflow as tf

from slice_tf import cli
from slice_tf.evaluation import Results, evaluate, to_scalars
from slice_tf.schema import SliceSchema

LABELS = np.arange(200) % 2
MEMBERSHIP = np.stack([np.arange(200) < 80, np.arange(200) < 5], axis=1)
SCHEMA = SliceSchema.from_names(["night", "rain"])


@pytest.fixture
def files(tmp_path):
    """Results of a baseline, and of one that is as good beside it."""
    good = np.where(np.eye(2)[LABELS] == 1, 0.9, 0.1)
    for name, before in (("old", None), ("new", good)):
        evaluate(
            LABELS, good, MEMBERSHIP, SCHEMA, baseline_probabilities=before
        ).save(tmp_path / f"{name}.json")
    return tmp_path


def gate(files, *more):
    paths = [str(files / f"{name}.json") for name in ("old", "new")]
    return cli.main(["gate", *paths, *more])


def scalars_of(directory):
    """What an event file holds: (tag, step) to value."""
    found = {}
    for path in directory.glob("events.*"):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                assert value.metadata.plugin_data.plugin_name == "scalars"
                number = tf.make_ndarray(value.tensor).item()
                found[value.tag, event.step] = number
    return found


def test_tensorboard_gets_every_scalar_at_its_step(files):
    assert gate(files, f"--tensorboard={files / 'runs'}", "--step=7") == 0
    scalars = to_scalars(Results.load(files / "new.json"))
    assert scalars["slices/night/accuracy"] == 1.0
    assert scalars["differences/base/accuracy"] == 0.0
    assert scalars_of(files / "runs") == pytest.approx(
        {(name, 7): value for name, value in scalars.items()}
    )


def test_tensorboard_itself_reads_them(files):
    module = "tensorboard.backend.event_processing.event_accumulator"
    accumulator = pytest.importorskip(module)
    gate(files, f"--tensorboard={files / 'runs'}", "--step=7")
    events = accumulator.EventAccumulator(str(files / "runs"))
    events.Reload()
    scalars = to_scalars(Results.load(files / "new.json"))
    assert set(events.Tags()["tensors"]) == set(scalars)


def test_mlflow_gets_metrics_tags_and_the_file(files, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri((files / "mlruns").as_uri())
    assert gate(files, "--mlflow=release", "--step=7") == 0
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("release")
    (run,) = client.search_runs([experiment.experiment_id])
    results = Results.load(files / "new.json")
    assert run.data.metrics == to_scalars(results)
    (one,) = client.get_metric_history(run.info.run_id, "slices/base/accuracy")
    assert one.step == 7
    assert run.data.tags["slice_tf.verdict"] == "PASS"
    fingerprint = run.data.tags["slice_tf.data_fingerprint"]
    assert fingerprint == results.data.fingerprint
    text = mlflow.artifacts.load_text(f"{run.info.artifact_uri}/results.json")
    assert Results.from_dict(json.loads(text)).slices == results.slices


def test_mlflow_that_is_missing_is_one_line(files, monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert gate(files, "--mlflow=release") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "pip install 'slice-tf[mlflow]'" in error
