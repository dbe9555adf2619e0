"""`slice-tf evaluate`: metrics per slice of a model, or of predictions."""

import argparse
import logging
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from slice_tf.programs.evaluate_flags import parse
from slice_tf.programs.exports import export
from slice_tf.programs.flags import split_beam_flags

if TYPE_CHECKING:
    from slice_tf.evaluation import Results

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
        from slice_tf.programs.evaluate_models import evaluate_models

        results = evaluate_models(flags)
    if audits:
        results = [_with_audits(one, audits) for one in results]
    if audits or flags.predictions is None:
        _save(results, flags.output)
    for one in results:
        _show(one)
    logger.info("wrote %s", flags.output)
    export(results, flags)
    return 0


def _save(results: "Sequence[Results]", path: pathlib.Path) -> None:
    from slice_tf.evaluation import save_labels

    save_labels(results, path)


def _load_audits(path: pathlib.Path) -> Any:
    from slice_tf.evaluation import load_audits

    return load_audits(path)


def _with_audits(results: "Results", audits: Any) -> "Results":
    from slice_tf.evaluation import with_audits

    return with_audits(results, audits)


def _evaluate_predictions(
    flags: argparse.Namespace, beam_flags: Sequence[str]
) -> "list[Results]":
    from slice_tf_beam.beam_logs import quiet_beam

    quiet_beam()
    from slice_tf_beam import PredictionFeatures, evaluate_predictions

    return evaluate_predictions(
        flags.predictions,
        str(flags.output),
        schema_dir=flags.schema,
        features=PredictionFeatures(
            weight=_name(flags.weight), cluster=_name(flags.cluster)
        ),
        label_index=flags.label_index,
        num_workers=flags.workers,
        pipeline_options=beam_flags,
    )


def _name(feature: str | None) -> str | None:
    """Returns a feature's name without its type, which records tell."""
    return None if feature is None else feature.partition("=")[0]


def _show(results: "Results") -> None:
    from slice_tf.evaluation import footnote, results_table
    from slice_tf.programs.tables import show_table

    if results.data.label:
        print(results.data.label)  # noqa: T201 - results go to stdout
    show_table(*results_table(results))
    note = footnote(results)
    if note:
        print(note)  # noqa: T201 - results go to stdout
