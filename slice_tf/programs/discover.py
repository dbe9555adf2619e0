"""`slice-tf discover`: what a model gets wrong, as slices to accept."""

import argparse
import dataclasses
import functools
import logging
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from slice_tf.programs.discover_data import Examples, read_examples
from slice_tf.programs.discover_flags import parse
from slice_tf.programs.discover_models import ModelFlags, load_record_embedder
from slice_tf.programs.encoders import load_encoder
from slice_tf.programs.flags import split_beam_flags

if TYPE_CHECKING:
    from slice_tf.discovery import Discovery, FoundSlice

logger = logging.getLogger("slice_tf.discover")


def main(argv: Sequence[str]) -> int:
    """Finds slices, scores examples with them, or accepts one."""
    own, beam_flags = split_beam_flags(argv)
    flags = parse(own, beam_flags)
    if flags.accept is not None:
        return _accept(flags)
    if flags.predictions is not None or flags.data is not None:
        _find(flags)
    if flags.score is not None:
        _score(flags, beam_flags)
    return 0


def _find(flags: argparse.Namespace) -> None:
    from slice_tf.discovery import (
        MixtureSlicer,
        discover,
        load_discovery,
        save_discovery,
        split_slice,
    )

    examples = read_examples(flags)
    if flags.split is not None:
        before = load_discovery(flags.output_dir)
        _check_rows(before, examples)
        found = split_slice(before, flags.split, *examples.predictions)
    else:
        slicer = MixtureSlicer(flags.num_slices, random_state=flags.seed)
        found = discover(*examples.predictions, slicer)
    if flags.data is not None:
        embedder = ModelFlags.of(flags).embedder
        found = dataclasses.replace(found, embedder=embedder)
    path = save_discovery(flags.output_dir, _told(found, examples, flags))
    _show(load_discovery(flags.output_dir))
    logger.info("wrote %s", path)


def _score(flags: argparse.Namespace, beam_flags: Sequence[str]) -> None:
    from slice_tf_beam.beam_logs import quiet_beam

    quiet_beam()
    from slice_tf.discovery import load_discovery
    from slice_tf.programs.tables import show_table
    from slice_tf_beam import score_found_slices

    found = load_discovery(flags.output_dir)
    models = ModelFlags.of(flags)
    if found.embedder and models.embedder not in ("", found.embedder):
        raise ValueError(
            "Examples must be embedded by the model that slices were found "
            "with, because regions lie in its space. Received: fingerprint="
            f"{models.embedder}, expected={found.embedder}"
        )
    scored = score_found_slices(
        flags.score,
        flags.scores_dir,
        found.regions,
        [one.name for one in found.slices],
        functools.partial(load_record_embedder, models),
        embedder=models.fingerprint,
        overwrite=flags.overwrite,
        num_workers=flags.workers,
        pipeline_options=beam_flags,
    )
    total = scored["num_examples"]
    show_table(
        ["slice", "members", "of all, %"],
        [
            [
                one["name"],
                f"{one['members']:,}",
                _percent(one["members"] / max(total, 1)),
            ]
            for one in scored["slices"]
        ],
    )
    print(  # noqa: T201 - results go to stdout
        f"of {total:,} examples; {flags.scores_dir} has each one's scores"
    )


def _told(
    found: "Discovery", examples: Examples, flags: argparse.Namespace
) -> "Discovery":
    """Returns what was found with what there is to say of it."""
    from slice_tf.discovery import with_examples, with_phrases, with_rules

    def named(asked: Sequence[str]) -> dict[str, Any]:
        names = [one.partition("=")[0] for one in asked]
        return {name: examples.columns[name] for name in names}

    _, *predicted = examples.predictions
    if flags.show:
        found = with_examples(found, named(flags.show), *predicted)
    if flags.describe or examples.membership:
        columns = named(flags.describe)
        found = with_rules(
            found, columns, *examples.predictions, examples.membership
        )
    if flags.phrases is not None:
        embed = load_encoder(flags.embed_phrases_with)
        phrases = _lines(flags.phrases)
        found = with_phrases(
            found,
            phrases,
            lambda texts: embed({"text": np.array(texts)}),
            *examples.predictions,
        )
    return found


def _lines(path: pathlib.Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(
            "Phrases must be UTF-8 text, one a line. Received: "
            f"phrases={path}, error={error}"
        ) from error
    return [line.strip() for line in lines if line.strip()]


def _check_rows(before: "Discovery", examples: Examples) -> None:
    if before.num_rows != len(examples.embeddings):
        raise ValueError(
            "A slice must be split with the rows that it was found in. "
            f"Received: rows={len(examples.embeddings)}, expected="
            f"{before.num_rows}"
        )


def _accept(flags: argparse.Namespace) -> int:
    from slice_tf.discovery import accept, accept_rule

    given = flags.output_dir, flags.accept, flags.name
    if flags.feature:
        feature = flags.feature[0].partition("=")[0]
        paths = accept(*given, feature, flags.functions, flags.encoder)
    else:
        paths = accept_rule(*given, flags.functions)
    for path in paths:
        print(path)  # noqa: T201 - results go to stdout
    return 0


def _show(found: "Discovery") -> None:
    from slice_tf.programs.tables import show_table

    if not found.slices:
        print("Nothing to find: no group has more errors than is usual.")  # noqa: T201
        return
    show_table(
        [
            "slice",
            "label",
            "held out",
            "errors, %",
            "95 %",
            "shrunken",
            "elsewhere",
            "of all labels",
            "",
        ],
        [
            [
                one.name,
                str(one.label),
                f"{one.size:,}",
                _percent(one.error_rate),
                f"{_percent(one.low)} - {_percent(one.high)}",
                _percent(one.shrunken_error_rate),
                _percent(one.rest_error_rate),
                _percent(one.region_error_rate.value),
                "" if one.holds_up else "does not hold up",
            ]
            for one in found.slices
        ],
    )
    for one in found.slices:
        _say(one)
    print(  # noqa: T201 - results go to stdout
        f"of {found.num_rows:,} rows, half held out, where "
        f"{_percent(found.error_rate)} % are errors"
    )


def _say(one: "FoundSlice") -> None:
    """Prints a slice's sentence, rule and words, what there is of them."""
    lines = [one.description] if one.description else []
    if one.rule is not None:
        precision, recall = one.rule.precision.value, one.rule.recall.value
        lines.append(
            f"rule: {one.rule} (precision {_percent(precision)} %, recall "
            f"{_percent(recall)} %, errors "
            f"{_percent(one.rule.error_rate.value)} % of {one.rule.size:,})"
        )
    lines += map(str, one.separations)
    if one.phrases:
        lines.append("like: " + "; ".join(p.text for p in one.phrases))
    for line in lines:
        print(f"  {one.name}  {line}")  # noqa: T201 - results go to stdout


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{100 * rate:.1f}"
