"""The files that describe a whole output directory."""

import concurrent.futures
import json
from collections.abc import Iterator, Sequence
from typing import Any

from slice_tf import schema as schemas
from slice_tf.schema import SliceSchema
from slice_tf.slicing import VoteCounts
from slice_tf_beam import output, paths
from slice_tf_beam.budget import BudgetExceededError
from slice_tf_beam.costs import Costs
from slice_tf_beam.job import Job
from slice_tf_beam.sidecar import Sidecar
from slice_tf_beam.summary import Summary

FORMAT_VERSION = 1

_READERS = 16  # Threads: on an object store a read is a wait.


def write_reports(
    names: Sequence[str],
    job: Job,
    schema: SliceSchema,
    costs: Costs | None = None,
) -> Summary:
    """Writes what describes all shards, the manifest last.

    All of it but costs comes from the sidecars, so that a job which was
    continued reports what one that ran through does.

    Args:
        names: Of the shards, sorted.
        job: The job that made them.
        schema: The slices.
        costs: How long functions took in this run; None leaves an earlier
            run's file as it is.

    Raises:
        BudgetExceededError: If more went wrong than the job's budget allows.
            There is no manifest then, and all else is there.
    """
    counts = VoteCounts.zeros(schema.num_slices)
    num_bad_records = 0
    entries: list[dict[str, Any]] = []
    errors: list[str] = []
    first_errors: dict[str, str] = {}
    for one in _sidecars(job.output_dir, names):
        counts.merge(one.counts)
        num_bad_records += one.num_bad_records
        entries.append(_entry(one))
        for error in one.errors:
            line = json.dumps({"shard": one.name, **error})
            errors.append(line + "\n")
            first_errors.setdefault(error.get("slice", ""), line)
    summary = Summary.of(
        schema.names,
        counts,
        num_shards=len(names),
        num_bad_records=num_bad_records,
        costs=costs,
    )
    if costs is not None:
        told = costs.to_dict(schema.names)
        _write(job, output.COSTS, _json(told))
    _write(job, output.ERRORS, "".join(errors))
    _write(job, output.SUMMARY, _json(summary.to_dict()))
    _write(job, schemas.FILE_NAME, schema.to_json())
    try:
        job.budget.check(summary, first_errors)
    except BudgetExceededError:
        output.remove_manifest(job.output_dir)
        raise
    _write(job, output.MANIFEST, _json(_manifest(entries, job, schema)))
    return summary


def _sidecars(directory: str, names: Sequence[str]) -> Iterator[Sidecar]:
    with concurrent.futures.ThreadPoolExecutor(_READERS) as pool:
        yield from pool.map(lambda name: Sidecar.load(directory, name), names)


def _entry(one: Sidecar) -> dict[str, Any]:
    return {
        "name": one.name,
        "num_examples": one.counts.num_examples,
        "num_bytes": one.num_bytes,
        "crc32c": one.crc32c,
    }


def _manifest(
    entries: list[dict[str, Any]], job: Job, schema: SliceSchema
) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "slice_tf_version": job.slice_tf_version,
        "schema_fingerprint": schema.fingerprint,
        "functions_fingerprint": job.functions_fingerprint,
        "num_examples": sum(entry["num_examples"] for entry in entries),
        "shards": entries,
    }


def _write(job: Job, name: str, text: str) -> None:
    paths.write_text(paths.join(job.output_dir, name), text)


def _json(values: dict[str, Any]) -> str:
    return json.dumps(values, indent=2) + "\n"
