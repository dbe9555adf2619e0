"""`slice-tf evaluate`: metrics per slice of a model, or of predictions."""

import argparse
import dataclasses
import hashlib
import logging
import pathlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from slice_tf.programs.evaluate_flags import parse
from slice_tf.programs.exports import export
from slice_tf.programs.flags import split_beam_flags
from slice_tf.programs.quiet import start_tensorflow

if TYPE_CHECKING:
    from slice_tf.data import FeatureSpec
    from slice_tf.data.feature_spec import Feature
    from slice_tf.evaluation import (
        Evaluator,
        ExampleSampler,
        RegressionCounts,
        Results,
    )
    from slice_tf.schema import SliceSchema

logger = logging.getLogger("slice_tf.evaluate")


def main(argv: Sequence[str]) -> int:
    """Evaluates a model directory, or predictions, and prints a table."""
    own, beam_flags = split_beam_flags(argv)
    flags = parse(own, beam_flags)
    flags.output.parent.mkdir(parents=True, exist_ok=True)
    audits = {} if flags.audit is None else _load_audits(flags.audit)
    if flags.predictions is not None:
        results = _evaluate_predictions(flags, beam_flags)
    else:
        results = _evaluate(flags)
    if audits:
        results = _with_audits(results, audits)
    if audits or flags.predictions is None:
        results.save(flags.output)
    _show(results)
    logger.info("wrote %s", flags.output)
    export(results, flags)
    return 0


def _load_audits(path: pathlib.Path) -> Any:
    from slice_tf.evaluation import load_audits

    return load_audits(path)


def _with_audits(results: "Results", audits: Any) -> "Results":
    from slice_tf.evaluation import with_audits

    return with_audits(results, audits)


def _evaluate_predictions(
    flags: argparse.Namespace, beam_flags: Sequence[str]
) -> "Results":
    from slice_tf_beam.beam_logs import quiet_beam

    quiet_beam()
    from slice_tf_beam import evaluate_predictions

    return evaluate_predictions(
        flags.predictions,
        str(flags.output),
        schema_dir=flags.schema,
        num_workers=flags.workers,
        pipeline_options=beam_flags,
    )


def _evaluate(flags: argparse.Namespace) -> "Results":
    start_tensorflow()
    from slice_tf.data.dataset import load_dataset, translated
    from slice_tf.evaluation import Evaluator, ExampleSampler
    from slice_tf.training import load_model_directory

    model, spec, schema = load_model_directory(flags.model)
    models, facts = [model], [_facts(flags.model)]
    if flags.baseline is not None:
        baseline, other_spec, _ = load_model_directory(flags.baseline)
        spec = _join(spec, other_spec)
        models.append(baseline)
        facts.append(_facts(flags.baseline))
    numbers = spec.task == "regression"
    if numbers and flags.audit is not None:
        raise ValueError(
            "`--audit` corrects the accuracy of classes. Received: "
            f"audit={flags.audit}, task=regression"
        )
    num_classes = _num_classes(flags, spec)
    sampler = None
    shown: dict[str, Feature] = {}
    if flags.examples is not None:
        sampler = ExampleSampler(schema, flags.examples)
        spec, shown = _with_shown(spec, flags.example_feature)
    with translated():
        batches = _predicted(
            models,
            load_dataset(flags.data, spec, schema, flags.batch_size),
            shown,
        )
        counts = (
            _count_numbers(schema, len(models) > 1, batches, sampler)
            if numbers
            else _count(
                Evaluator(schema, num_classes),
                batches,
                sampler,
                flags.label_index,
            )
        )
    results = counts.results(
        data_path=flags.data,
        model=facts[0],
        baseline=facts[1] if flags.baseline is not None else None,
    )
    sample = None if sampler is None else sampler.sample()
    return dataclasses.replace(results, examples=sample)


def _num_classes(flags: argparse.Namespace, spec: "FeatureSpec") -> int:
    """Returns the number of classes; of several labels, one is evaluated."""
    index, several = flags.label_index, spec.task == "multi_label"
    if several and not 0 <= (-1 if index is None else index) < spec.num_classes:
        raise ValueError(
            "A model of several labels is evaluated a label at a time: "
            "`--label-index` must be below the number of labels. Received: "
            f"label_index={index}, labels={spec.num_classes}"
        )
    if index is not None and not several:
        raise ValueError(
            "`--label-index` is for models of several labels. Received: "
            f"label_index={index}, task={spec.task}"
        )
    return 2 if several else spec.num_classes


def _with_shown(
    spec: "FeatureSpec", texts: Sequence[str]
) -> tuple["FeatureSpec", dict[str, Any]]:
    """Returns what to read, and name to `Feature` of what to show of it.

    A feature that a model reads may be shown in another shape.
    """
    from slice_tf.data import FeatureSpec

    lost = [one for one in texts if "=" not in one and one not in spec.features]
    if lost:
        raise ValueError(
            "A feature that the model does not read must come with its type, "
            f"such as {lost[0]}=string. Received: example_feature={lost[0]}, "
            f"the model reads {', '.join(spec.features)}"
        )
    shown = {name: spec.features[name] for name in texts if "=" not in name}
    written = [text for text in texts if "=" in text]
    if not texts:
        shown = dict(spec.features)
    if written:
        asked = FeatureSpec.parse(
            written, spec.label, spec.num_classes, spec.task
        )
        shown |= asked.features
        more = {
            name: one
            for name, one in asked.features.items()
            if not _is_same(one, spec.features.get(name))
        }
        if more:
            spec = _join(spec, dataclasses.replace(asked, features=more))
    return spec, shown


def _is_same(one: "Feature", other: "Feature | None") -> bool:
    return other is not None and (one.dtype, one.size) == (
        other.dtype,
        other.size,
    )


class _Predicted(NamedTuple):
    """A batch, and what each model says of it, as arrays."""

    targets: Mapping[str, Any]
    outputs: Sequence[Mapping[str, Any]]
    shown: Mapping[str, Any]

    @property
    def membership(self) -> tuple[Any, Any]:
        return self.targets["membership"], self.targets["known"]


def _predicted(
    models: Sequence[Any], batches: Any, shown: Mapping[str, "Feature"]
) -> Iterator[_Predicted]:
    """Yields what models say of batches, the candidate first."""
    import tensorflow as tf

    @tf.function(reduce_retracing=True)
    def predict(features: Any) -> Any:
        return [model(features, training=False) for model in models]

    for features, targets in batches:
        yield _Predicted(
            {name: value.numpy() for name, value in targets.items()},
            [
                {name: value.numpy() for name, value in one.items()}
                for one in predict(features)
            ],
            {
                name: features[name].numpy().reshape(-1, *one.shape)
                for name, one in shown.items()
            },
        )


def _count(
    evaluator: "Evaluator",
    batches: Iterable[_Predicted],
    sampler: "ExampleSampler | None",
    label_index: int | None,
) -> "Evaluator":
    """Counts all batches of classes; of several labels, one."""
    from slice_tf.evaluation import to_probabilities

    for one in batches:
        label, logits = one.targets["label"], [x["logits"] for x in one.outputs]
        if label_index is not None:
            label = label[:, label_index]
            logits = [x[:, label_index, None] for x in logits]
        classes = evaluator.counts.num_classes
        after, before, *_ = [
            *(to_probabilities(x, classes) for x in logits),
            None,
        ]
        evaluator.add(
            label,
            after,
            *one.membership,
            baseline_probabilities=before,
            indicator_logits=one.outputs[0].get("indicator_logits"),
        )
        if sampler is not None:
            sampler.add(one.shown, label, after, *one.membership, before)
    return evaluator


def _count_numbers(
    schema: "SliceSchema",
    paired: bool,
    batches: Iterable[_Predicted],
    sampler: "ExampleSampler | None",
) -> "RegressionCounts":
    """Counts all batches of predicted numbers."""
    from slice_tf.evaluation import RegressionCounts

    counts = None
    for one in batches:
        label = one.targets["label"]
        # The first batch says near what number sums are to be kept.
        counts = counts or RegressionCounts(
            schema, float(label.mean()), paired=paired
        )
        after, before, *_ = [*(x["logits"][:, 0] for x in one.outputs), None]
        counts.add(
            label,
            after,
            *one.membership,
            baseline_predictions=before,
            indicator_logits=one.outputs[0].get("indicator_logits"),
        )
        if sampler is not None:
            sampler.add_numbers(
                one.shown, label, after, *one.membership, before
            )
    return counts or RegressionCounts(schema)


def _join(spec: "FeatureSpec", other: "FeatureSpec") -> "FeatureSpec":
    """Returns what both models read, so that each record is read once."""
    from slice_tf.data import FeatureSpec

    facts = tuple(
        (one.label, one.num_classes, one.task) for one in (spec, other)
    )
    clash = [
        name
        for name, feature in other.features.items()
        if spec.features.get(name, feature) != feature
    ]
    if facts[0] != facts[1] or clash:
        raise ValueError(
            "A model and its baseline must be of the same task: same label, "
            "number of classes, kind and types of features. Received: "
            f"model={facts[0]}, baseline={facts[1]}, features that differ="
            f"{', '.join(clash) or 'none'}"
        )
    features = {**spec.features, **other.features}
    return FeatureSpec(features, spec.label, spec.num_classes, spec.task)


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
