"""Sends what training logs to MLflow."""

import math
from collections.abc import Mapping
from typing import Any

import keras


class LogToMlflow(keras.callbacks.Callback):
    """Logs an epoch's numbers to a run of MLflow, and how it was trained.

    Needs MLflow, as in `pip install 'slice-tf[mlflow]'`. The run is the
    active one where there is one, or else a new one of the experiment, which
    ends when training does; a training that was stopped goes on in its run.
    The server is what MLflow's own `MLFLOW_TRACKING_URI` says. A number that
    does not exist, such as the accuracy of a slice without examples, is left
    out.

    Args:
        experiment: Name of the experiment; made where there is none.
        params: What the model is trained with, by name.

    Raises:
        ImportError: If MLflow is not installed.
    """

    def __init__(
        self, experiment: str, params: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__()
        try:
            import mlflow
        except ImportError as error:
            raise ImportError(
                "Logging to MLflow needs its package. Install it with "
                "`pip install 'slice-tf[mlflow]'`. Received: "
                f"experiment={experiment}"
            ) from error
        self.run_id: str | None = None
        self._experiment, self._params = experiment, dict(params or {})
        self._client = mlflow.MlflowClient()
        active = mlflow.active_run()
        self._is_ours = active is None
        if active is not None:
            self.run_id = active.info.run_id
            self._log_params()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        from mlflow.entities import Metric
        from mlflow.utils.time import get_current_time_millis

        if self.run_id is None:
            self.run_id = self._start()
            self._log_params()
        now = get_current_time_millis()
        metrics = [
            Metric(key, float(value), now, epoch + 1)
            for key, value in (logs or {}).items()
            if math.isfinite(float(value))
        ]
        self._client.log_batch(self.run_id, metrics=metrics)

    def on_train_end(self, logs: Any = None) -> None:
        if self._is_ours and self.run_id is not None:
            self._client.set_terminated(self.run_id)

    def get_state(self) -> dict[str, Any]:
        """Returns what `set_state` needs, as plain JSON values."""
        return {"run_id": self.run_id}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Goes on in the run that training began in."""
        if self._is_ours:
            self.run_id = state["run_id"]

    def _start(self) -> str:
        found = self._client.get_experiment_by_name(self._experiment)
        number = (
            self._client.create_experiment(self._experiment)
            if found is None
            else found.experiment_id
        )
        return str(self._client.create_run(number).info.run_id)

    def _log_params(self) -> None:
        from mlflow.entities import Param

        params = [Param(key, str(one)) for key, one in self._params.items()]
        self._client.log_batch(self.run_id, params=params)
