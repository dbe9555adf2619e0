"""Slicing functions over TFRecord shards, from raw files to a manifest."""

import logging
from collections.abc import Sequence

from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

import slice_tf
from slice_tf.slicing import SlicingFunction, check_needs, schema_of
from slice_tf_beam import output, paths
from slice_tf_beam.budget import Budget
from slice_tf_beam.costs import Costs
from slice_tf_beam.functions import (
    fingerprint_of,
    load_functions,
    portable,
)
from slice_tf_beam.job import Job
from slice_tf_beam.only_writer import only_writer
from slice_tf_beam.options import make_options
from slice_tf_beam.pipeline import Failure, slice_shards
from slice_tf_beam.reports import write_reports
from slice_tf_beam.shards import Shard, check_output, first_row, list_shards
from slice_tf_beam.summary import Summary

logger = logging.getLogger("slice_tf.beam")


def apply_slicing_functions(
    input_pattern: str,
    output_dir: str,
    functions: Sequence[str],
    *,
    num_workers: int = 1,
    pipeline_options: Sequence[str] = (),
    overwrite: bool = False,
    max_error_rate: float = 0.01,
    max_bad_records: int = 0,
    sf_timeout: float | None = None,
    split_bytes: int = 1 << 30,
    slice_names: bool = False,
) -> Summary:
    """Writes sliced shards, their schema, summary and manifest.

    Record i of an output shard is record i of the input shard of the same
    name, with membership appended. The output does not depend on the runner,
    to the byte, but for costs.json, which says how long functions took. A job
    that was stopped continues when it is called again.

    Args:
        input_pattern: TFRecord files, plain or gzip: a path, a directory or a
            pattern, on any file system that Beam knows.
        output_dir: New, empty, or of an earlier run of the same job.
        functions: Import paths of slicing functions: `module`,
            `module:attribute`, `file.py` or `file.py:attribute`.
        num_workers: Processes on this machine, unless `pipeline_options` name
            a runner.
        pipeline_options: Beam's flags, such as `["--runner=FlinkRunner"]`.
        overwrite: Whether an earlier run's files are removed first.
        max_error_rate: Largest share of examples, from 0 to 1, where a
            slicing function may fail.
        max_bad_records: How many records that are damaged, or no example, may
            be left out, in all shards together; `errors.jsonl` lists them.
            Where a length is damaged or a file cut, all that follows in it is
            lost and counts as one.
        sf_timeout: Seconds that the functions may take over up to 256
            examples; then their process ends, and the job with it. None waits
            for ever. Needs processes, so that one is started even for a
            single worker.
        split_bytes: Size of the parts that larger plain shards are cut into,
            for several workers to slice. Gzip cannot be cut.
        slice_names: Whether each record also gets `slices/names`, the names
            of its slices as one feature of many strings, by which TensorFlow
            Model Analysis evaluates slices that overlap.

    Returns:
        Sizes, coverage and overlap of the slices.

    Raises:
        TypeError: If `functions` is one string.
        ValueError: If an argument is wrong, the first example lacks what a
            slicing function `needs`, too many records are damaged, or a
            slicing function fails too often. There is no manifest then; whole
            shards are kept for the next run.
        OSError: If a file cannot be read or written.
    """
    budget = Budget(max_error_rate, max_bad_records)
    options = make_options(pipeline_options, num_workers)
    FileSystems.set_options(options)
    loaded = load_functions(functions)
    schema = schema_of(loaded)
    job = Job(
        paths.absolute(output_dir),
        tuple(map(portable, functions)),
        fingerprint_of(loaded),
        slice_tf.__version__,
        budget,
        sf_timeout,
        split_bytes,
        slice_names,
    )
    shards = list_shards(input_pattern)
    check_output(shards, job.output_dir)
    _check_needs(loaded, shards)
    output.make_writable(job.output_dir)
    with only_writer(job.output_dir):
        try:
            costs = _slice_missing(shards, job, options, overwrite)
        finally:
            output.sweep(job.output_dir)
        names = sorted(shard.name for shard in shards)
        return write_reports(names, job, schema, costs)


def _check_needs(
    functions: Sequence[SlicingFunction], shards: Sequence[Shard]
) -> None:
    """Refuses to start where the first example lacks what is needed."""
    if any(function.needs for function in functions):
        row = first_row(shards)
        if row is not None:
            check_needs(functions, row)


def _slice_missing(
    shards: Sequence[Shard], job: Job, options: PipelineOptions, overwrite: bool
) -> Costs | None:
    """Slices what is not done yet, and returns how long functions took."""
    expected = {shard: job.origin_of(shard) for shard in shards}
    done = output.prepare_output(job.output_dir, expected, overwrite)
    todo = [shard for shard in shards if shard not in done]
    if done:
        logger.info("%d of %d shards are done already", len(done), len(shards))
    if not todo:
        return None
    output.remove_manifest(job.output_dir)
    failures, costs = slice_shards(todo, job, options)
    if failures:
        _refuse(failures, len(shards))
    return costs


def _refuse(failures: Sequence[Failure], num_shards: int) -> None:
    for _, message in failures[1:]:
        logger.error("%s", message)
    _, first = failures[0]
    if len(failures) > 1:
        first = (
            f"{len(failures)} of {num_shards} shards could not be sliced "
            f"(the others are kept), the first because: {first}"
        )
    raise ValueError(first)
