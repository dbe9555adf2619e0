"""What `slice-tf evaluate` does with models: predict sliced data, count."""

import argparse
import dataclasses
import pathlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from slice_tf.files import sha256_of
from slice_tf.programs.quiet import start_tensorflow

if TYPE_CHECKING:
    from slice_tf.data import FeatureSpec
    from slice_tf.data.feature_spec import Feature
    from slice_tf.evaluation import (
        Evaluator,
        ExampleSampler,
        LabelEvaluator,
        RegressionCounts,
        Results,
    )


def evaluate_models(flags: argparse.Namespace) -> list["Results"]:
    """Returns results of a model, beside a baseline where there is one.

    Of several labels all are evaluated in one pass, unless one is chosen.
    """
    start_tensorflow()
    from slice_tf.data.dataset import load_dataset, translated
    from slice_tf.evaluation import ExampleSampler
    from slice_tf.evaluation.labels import label_files
    from slice_tf.training import load_model_directory

    model, spec, schema = load_model_directory(flags.model)
    models, facts = [model], [_facts(flags.model)]
    if flags.baseline is not None:
        baseline, other_spec, _ = load_model_directory(flags.baseline)
        spec = _join(spec, other_spec)
        models.append(baseline)
        facts.append(_facts(flags.baseline))
    task = _Task(spec.task, spec.num_classes, _labels(flags.label_index, spec))
    names = [f"{spec.label}[{i}]" for i in task.labels or ()]
    files = label_files(flags.output, max(len(names), 1))
    samplers, shown = list[ExampleSampler](), dict[str, Any]()
    if flags.examples is not None:
        samplers = [ExampleSampler(schema, flags.examples) for _ in files]
        shown = dict(spec.features)
        if flags.example_feature:
            spec, shown = _with_features(spec, flags.example_feature)
    spec, weight = _with_column(spec, flags.weight, "float32")
    spec, cluster = _with_column(spec, flags.cluster, "int64")
    counts = task.counts(
        schema, names, weighted=bool(weight), clustered=bool(cluster)
    )
    beside = {"shown": shown, "weights": weight, "clusters": cluster}
    with translated():
        data = load_dataset(flags.data, spec, schema, flags.batch_size)
        _count(counts, _predicted(models, data, beside), samplers, task)
    found = counts.results(
        data_path=flags.data,
        model=facts[0],
        baseline=facts[1] if flags.baseline is not None else None,
    )
    results = found if isinstance(found, list) else [found]
    if not samplers:
        return results
    return [
        dataclasses.replace(one, examples=sampler.sample())
        for one, sampler in zip(results, samplers, strict=True)
    ]


def _labels(index: int | None, spec: "FeatureSpec") -> tuple[int, ...] | None:
    """Returns which of several labels to evaluate; None of another task."""
    from slice_tf.evaluation.labels import choose_labels

    if spec.task == "multi_label":
        return choose_labels(index, spec.num_classes)
    if index is not None:
        raise ValueError(
            "`--label-index` is for models of several labels. Received: "
            f"label_index={index}, task={spec.task}"
        )
    return None


class _Task(NamedTuple):
    """What a model's logits mean, and which of several labels are asked."""

    name: str
    num_classes: int
    labels: tuple[int, ...] | None

    def counts(
        self, schema: Any, names: Sequence[str], **given: bool
    ) -> "Evaluator | LabelEvaluator | RegressionCounts":
        """Returns what counts predictions."""
        from slice_tf.evaluation import (
            Evaluator,
            LabelEvaluator,
            RegressionCounts,
        )

        if self.labels is not None:
            return LabelEvaluator(schema, names, **given)
        if self.name == "regression":
            return RegressionCounts(schema, **given)
        return Evaluator(schema, self.num_classes, **given)

    def truth(self, label: Any) -> Any:
        """Returns the labels that are asked."""
        return label if self.labels is None else label[:, self.labels]

    def predictions(self, logits: Any) -> Any:
        """Returns probabilities of classes, of labels, or numbers."""
        from slice_tf.evaluation import to_probabilities

        if self.name == "regression":
            return logits[:, 0]
        if self.labels is None:
            return to_probabilities(logits, self.num_classes)
        chosen = logits[:, self.labels]
        whole = to_probabilities(chosen.reshape(-1, 1), 2)
        return whole[:, 1].reshape(chosen.shape)


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
    counts: "Evaluator | LabelEvaluator | RegressionCounts",
    batches: Iterable[_Predicted],
    samplers: Sequence["ExampleSampler"],
    task: _Task,
) -> None:
    """Counts all batches, and draws examples for each of several labels."""
    kind = "predictions" if task.name == "regression" else "probabilities"
    for one in batches:
        label = task.truth(one.targets["label"])
        found = [task.predictions(x["logits"]) for x in one.outputs]
        after, before = (*found, None)[:2]
        more: dict[str, Any] = {f"baseline_{kind}": before}
        counts.add(
            label,
            after,
            *one.membership,
            weights=one.weights,
            clusters=one.clusters,
            indicator_logits=one.outputs[0].get("indicator_logits"),
            **more,
        )
        for i, sampler in enumerate(samplers):
            columns = [label, after, before]
            if task.labels is not None:
                columns = [label[:, i], *(_of_label(x, i) for x in found), None]
            truth, now, was = columns[:3]
            sampler.add(one.shown, truth, now, *one.membership, was)


def _of_label(probabilities: Any, index: int) -> Any:
    """Returns that one of several labels does not apply, and that it does."""
    column = probabilities[:, index]
    return np.stack([1 - column, column], axis=1)


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

    digest = sha256_of(directory / "model.keras")
    return ModelFacts(str(directory), digest[:16])
