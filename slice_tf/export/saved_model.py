"""Writes a trained model as a SavedModel."""

import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from slice_tf.data.feature_spec import FeatureSpec
from slice_tf.export import signatures as names
from slice_tf.export.c_tensor import Array
from slice_tf.export.check_graph import check_operations
from slice_tf.export.checksums import write_checksums
from slice_tf.export.contract import write_contract
from slice_tf.export.endpoints import is_sliced
from slice_tf.export.model_card import write_card
from slice_tf.export.probe import make_probe
from slice_tf.export.servable import (
    Servable,
    build,
    check_servable,
    save_module,
)
from slice_tf.export.staging import staged
from slice_tf.export.tasks import finish_signatures
from slice_tf.export.weights_report import write_weights_report
from slice_tf.models.task_model import TaskModel

_NUM_SAMPLES = 256  # For the weights report, where nobody brings samples.


def export_saved_model(
    model: TaskModel,
    directory: str | os.PathLike[str],
    spec: FeatureSpec,
    *,
    overwrite: bool = False,
    fold: bool = True,
    weights: str = "float32",
    samples: Mapping[str, Array] | None = None,
    results: Mapping[str, Any] | None = None,
    slice_heads: Sequence[str] = (),
    allow_operations: Sequence[str] = (),
    finish: Callable[[pathlib.Path], object] | None = None,
) -> pathlib.Path:
    """Writes a SavedModel that runs wherever TensorFlow does.

    It needs neither slicing functions nor any Python code of the model. Its
    signatures are `serving_default` (dense features by name), `examples`
    (serialized `tf.train.Example`s), `classify` or, of a number, `regress` in
    TensorFlow Serving's form (of two classes both) and, for a slice-aware
    model, `explain`; every one takes a batch of any size. Beside the model lie
    `assets/slices.json` and, in `assets.extra`, `signature.json` (inputs,
    outputs and a sample request of each signature), `model_card.json` and
    `.md`, and `SHA256SUMS`.

    The directory gets its name when all of it is written and checked; an
    error or an interrupt leaves nothing behind.

    Args:
        model: A trained `SliceAwareModel` or `VanillaModel`.
        directory: Local path; new, or an empty directory.
        spec: The features the model reads.
        overwrite: Whether to replace a SavedModel that stands there.
        fold: Whether to multiply out the linear maps of slices where that is
            possible: exact up to rounding, smaller and faster.
        weights: Type to store matrices in: `float32`, `float16` or
            `bfloat16`, which halve the file. They are widened in every call,
            which takes longer for it; `assets.extra/weights_report.json`
            tells what they change.
        samples: Requests to measure that change on: arrays by name of
            feature, `[batch, ...]`. Random ones by default; yours say more.
        results: What `results.json` of an evaluation holds, for the card.
        slice_heads: Slices that get signatures of their own,
            `indicator_<slice>` and `expert_<slice>`, for MultiInference
            besides `classify` and `regress`; `heads` answers all at once.
        allow_operations: Names of further TensorFlow operations that the
            graph may hold. Operations that run Python are always refused.
        finish: Called with the path of the directory while it still has a
            temporary name, to add to it, such as
            `slice_tf_serving.write_warmup`, or to check it.

    Returns:
        The path of the SavedModel.

    Raises:
        FileExistsError: If something stands at `directory` that may not be
            replaced.
        TypeError: If the model is none of slice-tf.
        ValueError: If the model cannot be exported, or its graph holds an
            operation that is not allowed.
    """
    check_servable(model, spec, weights, slice_heads)
    with staged(directory, overwrite) as staging:
        build(model, spec)
        served = model.fold() if fold and _can_fold(model) else model
        servable = Servable(
            served, spec, weights=weights, slice_heads=slice_heads
        )
        save_module(servable, staging, servable.functions)
        finish_signatures(staging)
        check_operations(staging, allow_operations)
        if is_sliced(model) and model.schema is not None:
            model.schema.save(_made(staging / names.SLICES_FILE))
        _made(staging / names.CONTRACT_FILE)
        write_contract(staging, model, spec)
        write_card(staging, model, results, weights)
        if weights != "float32":
            write_weights_report(
                staging,
                weights,
                servable.functions,
                make_probe(model, spec, samples, num_examples=_NUM_SAMPLES),
            )
        if finish is not None:
            finish(staging)
        write_checksums(staging)
    return pathlib.Path(directory)


def _can_fold(model: Any) -> bool:
    return bool(getattr(model, "can_fold", False))


def _made(file: pathlib.Path) -> pathlib.Path:
    """Creates the directory of a file and returns it."""
    file.parent.mkdir(exist_ok=True)
    return file.parent
