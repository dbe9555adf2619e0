"""`slice-tf evaluate`: metrics per slice of a trained model."""

import hashlib
import logging
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from slice_tf.programs.flags import FlagParser, positive_int
from slice_tf.programs.quiet import start_tensorflow

if TYPE_CHECKING:
    from slice_tf.data import FeatureSpec
    from slice_tf.evaluation import Evaluator, Results

logger = logging.getLogger("slice_tf.evaluate")


def main(argv: Sequence[str]) -> int:
    """Evaluates a model directory on sliced data and prints a table."""
    parser = FlagParser(
        "evaluate",
        "Predicts sliced data with a trained model, writes results.json and "
        "prints accuracy per slice with 95 % intervals.",
    )
    directory = pathlib.Path
    parser.add_argument(
        "--model", type=directory, required=True, help="model directory"
    )
    parser.add_argument(
        "--data", required=True, help="directory that `slice-tf apply` wrote"
    )
    parser.add_argument(
        "--output", type=directory, required=True, help="results.json to write"
    )
    parser.add_argument(
        "--baseline",
        type=directory,
        help="directory of another model, to compare with example by example",
    )
    parser.add_argument(
        "--batch-size",
        type=positive_int,
        default=1024,
        help="examples predicted at once",
    )
    flags = parser.parse(argv)
    _check_output(flags.output)

    results = _evaluate(
        flags.model, flags.baseline, flags.data, flags.batch_size
    )
    flags.output.parent.mkdir(parents=True, exist_ok=True)
    results.save(flags.output)
    _show(results)
    logger.info("wrote %s", flags.output)
    return 0


def _check_output(path: pathlib.Path) -> None:
    if path.is_dir():
        raise ValueError(
            "The output must be a file, such as results.json. "
            f"Received: output={path}, which is a directory."
        )


def _evaluate(
    model_dir: pathlib.Path,
    baseline_dir: pathlib.Path | None,
    data: str,
    batch_size: int,
) -> "Results":
    start_tensorflow()
    from slice_tf.data.dataset import load_dataset, translated
    from slice_tf.evaluation import Evaluator
    from slice_tf.training import load_model_directory

    model, spec, schema = load_model_directory(model_dir)
    models, facts = [model], [_facts(model_dir)]
    if baseline_dir is not None:
        baseline, other_spec, _ = load_model_directory(baseline_dir)
        spec = _join(spec, other_spec)
        models.append(baseline)
        facts.append(_facts(baseline_dir))
    evaluator = Evaluator(schema, spec.num_classes)
    with translated():
        batches = load_dataset(data, spec, schema, batch_size)
        _count(evaluator, models, batches)
    return evaluator.results(
        data_path=data,
        model=facts[0],
        baseline=facts[1] if baseline_dir is not None else None,
    )


def _count(evaluator: "Evaluator", models: Sequence[Any], batches: Any) -> None:
    import tensorflow as tf

    from slice_tf.evaluation import to_probabilities

    classes = evaluator.counts.num_classes

    @tf.function(reduce_retracing=True)
    def predict(features: Any) -> Any:
        return [model(features, training=False) for model in models]

    for features, targets in batches:
        outputs = [
            {name: value.numpy() for name, value in one.items()}
            for one in predict(features)
        ]
        before = None
        if len(outputs) > 1:
            before = to_probabilities(outputs[1]["logits"], classes)
        evaluator.add(
            targets["label"].numpy(),
            to_probabilities(outputs[0]["logits"], classes),
            targets["membership"].numpy(),
            targets["known"].numpy(),
            baseline_probabilities=before,
            indicator_logits=outputs[0].get("indicator_logits"),
        )


def _join(spec: "FeatureSpec", other: "FeatureSpec") -> "FeatureSpec":
    """Returns what both models read, so that each record is read once."""
    from slice_tf.data import FeatureSpec

    facts = (spec.label, spec.num_classes), (other.label, other.num_classes)
    clash = [
        name
        for name, feature in other.features.items()
        if spec.features.get(name, feature) != feature
    ]
    if facts[0] != facts[1] or clash:
        raise ValueError(
            "A model and its baseline must be of the same task: same label, "
            "number of classes and types of features. Received: model="
            f"{facts[0]}, baseline={facts[1]}, features that differ="
            f"{', '.join(clash) or 'none'}"
        )
    features = {**spec.features, **other.features}
    return FeatureSpec(features, spec.label, spec.num_classes)


def _facts(directory: pathlib.Path) -> Any:
    from slice_tf.evaluation import ModelFacts

    digest = hashlib.sha256()
    with (directory / "model.keras").open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return ModelFacts(str(directory), digest.hexdigest()[:16])


def _show(results: "Results") -> None:
    from slice_tf.evaluation import footnote, results_table
    from slice_tf.programs.tables import show_table

    show_table(*results_table(results))
    note = footnote(results)
    if note:
        print(note)  # noqa: T201 - results go to stdout
