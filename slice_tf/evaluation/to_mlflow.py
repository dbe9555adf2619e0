"""Sends results to MLflow."""

import json

from slice_tf.evaluation.columns import to_scalars
from slice_tf.evaluation.results import FILE_NAME, Results

# What MLflow takes in one call.
_AT_ONCE = 1_000


def log_to_mlflow(results: Results, experiment: str, step: int = 0) -> str:
    """Logs results as metrics of a run, with results.json as its artifact.

    Needs MLflow, as in `pip install 'slice-tf[mlflow]'`. The run is the
    active one where there is one, or else a new one of the experiment. The
    server is what MLflow's own `MLFLOW_TRACKING_URI` says.

    Args:
        results: Of an evaluation; with verdicts after `slice-tf gate`.
        experiment: Name of the experiment; made where there is none.
        step: Of the metrics, such as the number of the release.

    Returns:
        The id of the run.

    Raises:
        ImportError: If MLflow is not installed.
    """
    try:
        import mlflow
    except ImportError as error:
        raise ImportError(
            "Results go to MLflow only where its package is installed: "
            "`pip install 'slice-tf[mlflow]'`. Received: "
            f"experiment={experiment!r}"
        ) from error
    if mlflow.active_run() is not None:
        return _log(results, step)
    mlflow.set_experiment(experiment)
    with mlflow.start_run():
        return _log(results, step)


def _log(results: Results, step: int) -> str:
    import mlflow

    scalars = list(to_scalars(results).items())
    for start in range(0, len(scalars), _AT_ONCE):
        mlflow.log_metrics(dict(scalars[start : start + _AT_ONCE]), step)
    tags = {
        "slice_tf.data": results.data.path,
        "slice_tf.data_fingerprint": results.data.fingerprint,
        "slice_tf.model": results.model.path,
        "slice_tf.model_fingerprint": results.model.fingerprint,
    }
    if results.data.label:
        tags["slice_tf.label"] = results.data.label
    if results.gate is not None:
        tags["slice_tf.verdict"] = results.gate.verdict
        tags["slice_tf.verdict_reason"] = results.gate.reason
    mlflow.set_tags(tags)
    text = json.dumps(results.to_dict(), allow_nan=False, indent=1)
    mlflow.log_text(text + "\n", FILE_NAME)
    run = mlflow.active_run()
    return str(run.info.run_id)
