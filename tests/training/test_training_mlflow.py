"""MLflow itself, over a store of files."""

import sys

import numpy as np
import pytest

from slice_tf.programs.train import main
from slice_tf.training import LogToMlflow
from sliced_task import write_sliced


@pytest.fixture
def client(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri(f"file:{tmp_path / 'store'}")
    yield mlflow.MlflowClient()
    mlflow.set_tracking_uri(None)


def runs(client, experiment="digits"):
    number = client.get_experiment_by_name(experiment).experiment_id
    return client.search_runs([number])


def test_a_command_logs_its_config_and_epochs(client, tmp_path):
    data = str(write_sliced(tmp_path / "data"))
    flags = [
        *("--data", data, "--features", "x=float32:6", "--epochs", "2"),
        *("--output-dir", str(tmp_path / "model"), "--mlflow", "digits"),
    ]
    assert main(flags) == 0
    (run,) = runs(client)
    assert run.info.status == "FINISHED"
    assert run.data.params["loop.epochs"] == "2"
    losses = client.get_metric_history(run.info.run_id, "loss")
    assert [one.step for one in losses] == [1, 2]
    assert "accuracy/small" in run.data.metrics


def test_training_that_was_stopped_goes_on_in_its_run(client):
    first = LogToMlflow("digits")
    first.on_epoch_end(0, {"loss": 2.0, "accuracy/empty": np.nan})
    second = LogToMlflow("digits")
    second.set_state(first.get_state())
    second.on_epoch_end(1, {"loss": 1.0})
    second.on_train_end()
    (run,) = runs(client)
    assert run.data.metrics == {"loss": 1.0}
    assert run.info.status == "FINISHED"


def test_an_active_run_is_used_and_left_open(client):
    import mlflow

    with mlflow.start_run() as active:
        callback = LogToMlflow("digits", {"seed": 3})
        callback.on_epoch_end(0, {"loss": 1.0})
        callback.on_train_end()
        run = client.get_run(active.info.run_id)
    assert (run.data.metrics, run.data.params) == ({"loss": 1.0}, {"seed": "3"})
    assert run.info.status == "RUNNING"


def test_without_mlflow_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ImportError, match=r"pip install 'slice-tf\[mlflow\]'"):
        LogToMlflow("digits")
