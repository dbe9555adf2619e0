"""What `slice-tf evaluate` does with models: predict sliced data, count."""

import argparse
import dataclasses
import hashlib
import pathlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

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


def evaluate_models(flags: argparse.Namespace) -> "Results":
    """Returns results of a model, beside a baseline where there is one."""
    start_tensorflow()
    from slice_tf.data.dataset import load_dataset, translated
    from slice_tf.evaluation import (
        Evaluator,
        ExampleSampler,
        RegressionCounts,
    )
    from slice_tf.training import load_model_directory

    model, spec, schema = load_model_directory(flags.model)
    models, facts = [model], [_facts(flags.model)]
    if flags.baseline is not None:
        baseline, other_spec, _ = load_model_directory(flags.baseline)
        spec = _join(spec, other_spec)
        models.append(baseline)
        facts.append(_facts(flags.baseline))
    task, label = spec.task, spec.label
    if task == "regression" and flags.audit is not None:
        raise ValueError(
            "`--audit` corrects the accuracy of classes. Received: "
            f"audit={flags.audit}, task=regression"
        )
    num_classes = _num_classes(flags, spec)
    sampler, shown = None, dict[str, Any]()
    if flags.examples is not None:
        sampler = ExampleSampler(schema, flags.examples)
        shown = dict(spec.features)
        if flags.example_feature:
            spec, shown = _with_features(spec, flags.example_feature)
    spec, weight = _with_column(spec, flags.weight, "float32")
    spec, cluster = _with_column(spec, flags.cluster, "int64")
    given = {"weighted": bool(weight), "clustered": bool(cluster)}
    counts: Evaluator | RegressionCounts
    if task == "regression":
        counts = RegressionCounts(schema, **given)
    else:
        counts = Evaluator(schema, num_classes, **given)
    beside = {"shown": shown, "weights": weight, "clusters": cluster}
    with translated():
        data = load_dataset(flags.data, spec, schema, flags.batch_size)
        batches = _predicted(models, data, beside)
        _count(counts, batches, sampler, flags.label_index)
    index = flags.label_index
    results = counts.results(
        data_path=flags.data,
        label="" if index is None else f"{label}[{index}]",
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


def _with_column(
    spec: "FeatureSpec", text: str | None, dtype: str
) -> tuple["FeatureSpec", dict[str, Any]]:
    """As `_with_features`, of one feature of one value, or of none."""
    if text is None:
        return spec, {}
    known = "=" in text or text in spec.features
    spec, found = _with_features(spec, [text if known else f"{text}={dtype}"])
    for name, one in found.items():
        if one.size != 1:
            raise ValueError(
                "A weight or a cluster must be one value an example. Received: "
                f"feature={name}, shape={one.shape}"
            )
    return spec, found


def _with_features(
    spec: "FeatureSpec", texts: Sequence[str]
) -> tuple["FeatureSpec", dict[str, Any]]:
    """Returns what to read, and name to `Feature` of what was asked for.

    A feature that a model reads may be asked for in another shape.
    """
    from slice_tf.data import FeatureSpec

    lost = [one for one in texts if "=" not in one and one not in spec.features]
    if lost:
        raise ValueError(
            "A feature that the model does not read must come with its type, "
            f"such as {lost[0]}=string. Received: feature={lost[0]}, the model "
            f"reads {', '.join(spec.features)}"
        )
    found = {name: spec.features[name] for name in texts if "=" not in name}
    written = [text for text in texts if "=" in text]
    if written:
        asked = FeatureSpec.parse(
            written, spec.label, spec.num_classes, spec.task
        )
        found |= asked.features
        more = {
            name: one
            for name, one in asked.features.items()
            if not _is_same(one, spec.features.get(name))
        }
        if more:
            spec = _join(spec, dataclasses.replace(asked, features=more))
    return spec, found


def _is_same(one: "Feature", other: "Feature | None") -> bool:
    return other is not None and (one.dtype, one.size) == (
        other.dtype,
        other.size,
    )


class _Predicted(NamedTuple):
    """A batch, what models say of it, and what stands beside, as arrays."""

    targets: Mapping[str, Any]
    outputs: Sequence[Mapping[str, Any]]
    shown: Mapping[str, Any]
    weights: Any
    clusters: Any

    @property
    def membership(self) -> tuple[Any, Any]:
        return self.targets["membership"], self.targets["known"]


def _predicted(
    models: Sequence[Any],
    batches: Any,
    beside: Mapping[str, Mapping[str, "Feature"]],
) -> Iterator[_Predicted]:
    """Yields what models say of batches, the candidate first."""
    import tensorflow as tf

    @tf.function(reduce_retracing=True)
    def predict(features: Any) -> Any:
        return [model(features, training=False) for model in models]

    for features, targets in batches:
        shown, weights, clusters = (
            {
                name: features[name].numpy().reshape(-1, *one.shape)
                for name, one in asked.items()
            }
            for asked in beside.values()
        )
        yield _Predicted(
            {name: value.numpy() for name, value in targets.items()},
            [
                {name: value.numpy() for name, value in one.items()}
                for one in predict(features)
            ],
            shown,
            *(
                next((x.reshape(-1) for x in one.values()), None)
                for one in (weights, clusters)
            ),
        )


def _count(
    counts: "Evaluator | RegressionCounts",
    batches: Iterable[_Predicted],
    sampler: "ExampleSampler | None",
    label_index: int | None,
) -> None:
    """Counts all batches; of several labels, one."""
    from slice_tf.evaluation import (
        Evaluator,
        ExampleSampler,
        to_probabilities,
    )

    draw: Any
    for one in batches:
        label, logits = one.targets["label"], [x["logits"] for x in one.outputs]
        if label_index is not None:
            label = label[:, label_index]
            logits = [x[:, label_index, None] for x in logits]
        if isinstance(counts, Evaluator):
            classes = counts.counts.num_classes
            found = [to_probabilities(x, classes) for x in logits]
            draw, baseline = ExampleSampler.add, "baseline_probabilities"
        else:
            found = [x[:, 0] for x in logits]
            draw, baseline = ExampleSampler.add_numbers, "baseline_predictions"
        after, before = (*found, None)[:2]
        counts.add(
            label,
            after,
            *one.membership,
            weights=one.weights,
            clusters=one.clusters,
            indicator_logits=one.outputs[0].get("indicator_logits"),
            **{baseline: before},
        )
        if sampler is not None:
            draw(sampler, one.shown, label, after, *one.membership, before)


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
