"""A trained model with other slices."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from slice_tf.layers.slice_residual_attention import SliceResidualAttention
from slice_tf.models.slice_aware_model import SliceAwareModel
from slice_tf.schema import Slice

# Where a new indicator starts: unlikely, so that predictions hardly change,
# and not so unlikely that it could not be learned.
NEW_INDICATOR = -4.0


def add_slices(
    model: SliceAwareModel,
    slices: Sequence[Slice],
    slice_rates: Sequence[float] | None = None,
) -> SliceAwareModel:
    """Returns a model with further slices, to be compiled and trained on.

    All it has learned is kept. A new slice's expert starts as the base
    slice's, and its indicator as unlikely for every example, so that
    predictions change little before training.

    Args:
        model: A model with weights; it stays as it is, and shares its
            backbone.
        slices: The new slices, which come after the old ones.
        slice_rates: Share of the training examples in each new slice; needed
            where the model has rates.

    Raises:
        ValueError: If a name is taken, rates are missing or superfluous, or
            the model is folded or has no weights.
    """
    if (slice_rates is None) != (model.slice_rates is None):
        raise ValueError(
            "`slice_rates` must be given where the model has rates, and only "
            "there, because all slices are balanced alike. Received: "
            f"slice_rates={slice_rates}, model's={model.slice_rates}"
        )
    rates = None
    if slice_rates is not None and model.slice_rates is not None:
        rates = [*model.slice_rates, *slice_rates]
    old = model.schema.slices
    sources = [*range(len(old)), *[None] * len(slices)]
    return _resized(model, (*old, *slices), rates, sources)


def remove_slices(
    model: SliceAwareModel, names: Sequence[str]
) -> SliceAwareModel:
    """Returns a model without some slices; all else it has learned is kept.

    Args:
        model: A model with weights; it stays as it is, and shares its
            backbone.
        names: Names of slices to leave out.

    Raises:
        ValueError: If the model has no slice of a name, is folded or has no
            weights.
    """
    unknown = sorted(set(names) - set(model.schema.names))
    if unknown:
        raise ValueError(
            "`names` must be slices of the model, which are "
            f"{', '.join(model.schema.names)}. Received: {', '.join(unknown)}"
        )
    slices = model.schema.slices
    kept = [i for i, one in enumerate(slices) if one.name not in names]
    rates = model.slice_rates and [model.slice_rates[i] for i in kept]
    return _resized(model, [slices[i] for i in kept], rates, kept)


def _resized(
    model: SliceAwareModel,
    slices: Sequence[Slice],
    rates: Sequence[float] | None,
    sources: Sequence[int | None],
) -> SliceAwareModel:
    """Returns a model whose slice `i` comes from `sources[i]`, or is new."""
    old = model.module
    if not isinstance(old, SliceResidualAttention) or not old.built:
        raise ValueError(
            "The model must have weights and must not be folded, because its "
            "experts are taken over. "
            f"Received: module={type(old).__name__}, built={old.built}"
        )
    resized = SliceAwareModel(
        model.backbone,
        dataclasses.replace(model.schema, slices=tuple(slices)),
        model.num_classes,
        task=model.task,
        units=model.units,
        rank=model.rank,
        activation=model.activation,
        recipe=model.recipe,
        slice_rates=rates,
        form=model.form,
        dtype=model.dtype_policy,
    )
    new: Any = resized.module
    if not new.built:  # The backbone does not say how wide `z` is.
        dim = old.experts.kernel.shape[0]
        new.build((None, dim), old.indicator_features_shape)
        resized.feature_specs = model.feature_specs
        resized.built = True
    _take_experts(old, new, sources)
    _take_indicators(old, new, sources)
    new.slice_head.set_weights(old.slice_head.get_weights())
    new.head.set_weights(old.head.get_weights())
    if resized.steps is not None:
        resized.steps.assign(model.steps)
    return resized


def _take_experts(old: Any, new: Any, sources: Sequence[int | None]) -> None:
    positions = old.expert_positions.tolist()
    rows_of = {position: row for row, position in enumerate(positions)}
    base = rows_of[old.num_slices]
    # What is new, or had no expert, starts as the base slice's.
    rows = [
        rows_of.get((*sources, old.num_slices)[position], base)
        for position in new.expert_positions
    ]
    kernel, bias = _array(old.experts.kernel), _array(old.experts.bias)
    new.experts.kernel.assign(kernel[:, rows])
    new.experts.bias.assign(bias[rows])
    if old.rank:
        new.experts.basis.assign(_array(old.experts.basis))


def _take_indicators(old: Any, new: Any, sources: Sequence[int | None]) -> None:
    kernel, bias = (_array(one) for one in old.indicators.linear_map())
    # One more column: what an indicator is that has learned nothing.
    kernel = np.pad(kernel, ((0, 0), (0, 1)))
    bias = np.append(bias, NEW_INDICATOR)
    base, untrained = old.num_slices, old.num_slices + 1
    columns = [untrained if one is None else one for one in (*sources, base)]
    if new.base_indicator == "zero":
        columns.pop()
    if columns:
        new.indicators.kernel.assign(kernel[:, columns])
        new.indicators.bias.assign(bias[columns])


def _array(tensor: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(tensor))
