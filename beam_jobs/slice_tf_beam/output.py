"""The directory that a job writes into."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from slice_tf import schema
from slice_tf.data import sliced_directory
from slice_tf_beam import costs, paths, sidecar
from slice_tf_beam.shards import Shard
from slice_tf_beam.sidecar import Origin, Sidecar

COSTS = costs.FILE_NAME
ERRORS = "errors.jsonl"
MANIFEST = sliced_directory.MANIFEST
SCORES = "scores.json"
SUMMARY = sliced_directory.SUMMARY
# Those that say that all is whole; they go first and come last.
_WHOLE = (MANIFEST, SCORES)
_REPORTS = (schema.FILE_NAME, SUMMARY, ERRORS, COSTS)


@dataclasses.dataclass(frozen=True)
class _Found:
    """What stands in an output directory, name to Beam's metadata."""

    directory: str
    files: Mapping[str, Any]

    @property
    def sliced(self) -> list[str]:
        """Names of shards that have a sidecar, sliced themselves or not."""
        names = filter(sidecar.is_sidecar, self.files)
        return sorted(name.removesuffix(sidecar.SUFFIX) for name in names)

    @property
    def foreign(self) -> list[str]:
        """Names of visible files that no run of ours would have left."""
        ours = {*self.sliced, *(name + sidecar.SUFFIX for name in self.sliced)}
        if ours:
            ours.update(_REPORTS, _WHOLE)
        return sorted(
            name
            for name in self.files
            if name not in ours and not name.startswith((".", "_"))
        )


def make_writable(output_dir: str) -> None:
    """Creates a directory where it is missing, and tries to write to it.

    Raises:
        OSError: If it cannot be created or written to.
    """
    probe = paths.temporary(output_dir, "probe")
    try:
        if not paths.exists(output_dir):
            paths.make_directory(output_dir)
        paths.write_text(probe, "")
    except OSError as error:
        raise OSError(
            "The output directory must be one that can be written to. "
            f"Received: output_dir={output_dir}, error={error}"
        ) from error
    paths.discard([probe])


def prepare_output(
    output_dir: str, expected: Mapping[Shard, Origin], overwrite: bool
) -> set[Shard]:
    """Makes a directory ready and returns the shards that are done already.

    Temporary files of attempts that died are removed. An earlier run of the
    same job, finished or not, is continued; any other content is refused.

    Args:
        output_dir: The directory.
        expected: The job's shards and the origins it would give them.
        overwrite: Whether the files of an earlier run are removed first.

    Raises:
        ValueError: If the directory holds the files of another job and
            `overwrite` is off, or files that are not ours.
    """
    found = _look(output_dir)
    sweep(output_dir)
    if found.foreign:
        raise ValueError(
            "The output directory must hold nothing but what an earlier run "
            "of this job left, because nothing of yours is overwritten. "
            f"Received: output_dir={output_dir}, "
            f"files={_some(found.foreign)}. Name another directory, or move "
            "them away."
        )
    if overwrite:
        _clear(found)
        return set()
    sidecars = _read_sidecars(found)
    _check_same_job(output_dir, sidecars, expected)
    done = {
        shard
        for shard in expected
        if shard.name in sidecars
        and _is_whole(found, sidecars[shard.name], shard)
    }
    _remove_stale(found, set(expected) - done)
    return done


def sweep(output_dir: str) -> None:
    """Removes the temporary files in a directory."""
    names = filter(paths.is_temporary, paths.list_directory(output_dir))
    paths.discard([paths.join(output_dir, name) for name in names])


def remove_manifest(output_dir: str) -> None:
    """Marks a directory as not whole."""
    paths.discard([paths.join(output_dir, name) for name in _WHOLE])


def _look(output_dir: str) -> _Found:
    files = paths.list_directory(output_dir)
    return _Found(
        output_dir,
        {n: file for n, file in files.items() if not paths.is_temporary(n)},
    )


def _clear(found: _Found) -> None:
    """Removes our files, sidecars last: they show that the rest is ours."""
    remove_manifest(found.directory)
    for names in (
        found.sliced,
        _REPORTS,
        [name + sidecar.SUFFIX for name in found.sliced],
    ):
        present = [name for name in names if name in found.files]
        paths.remove([paths.join(found.directory, name) for name in present])


def _read_sidecars(found: _Found) -> dict[str, Sidecar]:
    try:
        return {
            name: Sidecar.load(found.directory, name) for name in found.sliced
        }
    except ValueError as error:
        raise ValueError(f"{error} `--overwrite` starts afresh.") from error


def _check_same_job(
    output_dir: str,
    sidecars: Mapping[str, Sidecar],
    expected: Mapping[Shard, Origin],
) -> None:
    origins = {shard.name: origin for shard, origin in expected.items()}
    for name, found in sidecars.items():
        if name not in origins:
            difference = f"shard {name}: not in the input now"
        else:
            difference = found.origin.difference(origins[name])
        if difference:
            raise ValueError(
                "The output directory must be empty or hold an earlier run of "
                "the same job, because shards of two jobs do not mix. "
                f"Received: output_dir={output_dir}, {difference}. "
                "`--overwrite` removes the earlier run first."
            )


def _is_whole(found: _Found, made: Sidecar, shard: Shard) -> bool:
    """Tells whether a sliced shard is there, whole and newer than its input."""
    sliced = found.files.get(shard.name)
    beside = found.files[shard.name + sidecar.SUFFIX]
    return (
        sliced is not None
        and sliced.size_in_bytes == made.num_bytes
        and shard.updated <= beside.last_updated_in_seconds
    )


def _remove_stale(found: _Found, todo: Iterable[Shard]) -> None:
    """Removes shards that will be made again.

    Otherwise a new sidecar would stand beside an old shard for a moment.
    """
    stale = [shard.name for shard in todo if shard.name in found.files]
    if stale:
        remove_manifest(found.directory)
    paths.remove([paths.join(found.directory, name) for name in stale])


def _some(names: Sequence[str], limit: int = 5) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
