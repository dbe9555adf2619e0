"""The input shards of a job."""

import collections
import dataclasses
from collections.abc import Iterable, Sequence

from slice_tf.data import decode, read_records
from slice_tf.data.tfrecord import is_shard_name
from slice_tf.slicing import Row
from slice_tf_beam import paths


@dataclasses.dataclass(frozen=True)
class Shard:
    """One TFRecord file to be sliced.

    Args:
        path: Where it is.
        num_bytes: Its size.
        updated: When it was last written, in seconds since 1970; 0 where the
            file system does not say.
    """

    path: str
    num_bytes: int
    updated: float = 0.0

    @property
    def name(self) -> str:
        """Its file name, which the sliced shard bears too."""
        return paths.name_of(self.path)

    def named(self, text: str, where: str = "") -> str:
        """Returns a message that names the shard, and where in it."""
        return text if self.path in text else f"{self.path}{where}: {text}"


def list_shards(pattern: str) -> list[Shard]:
    """Returns the shards of a pattern or a directory, sorted by path.

    Skips what stands beside shards: names that start with `.` or `_`, and
    names that end with `.json`, `.jsonl` or `.tmp`.

    Args:
        pattern: A path, a directory, or a pattern such as
            `gs://bucket/raw/train-*`.

    Raises:
        ValueError: If there is no such file, or two share a name.
    """
    absolute = paths.absolute(pattern)
    files = paths.match(absolute)
    # A local file system matches a directory's own name, too.
    if not files or paths.is_directory(absolute):
        files = list(paths.list_directory(absolute).values())
    shards = [
        Shard(file.path, file.size_in_bytes, file.last_updated_in_seconds)
        for file in sorted(files, key=lambda file: file.path)
        if is_shard_name(paths.name_of(file.path))
    ]
    if not shards:
        raise ValueError(
            "The input must match at least one TFRecord file. Received: "
            f"input={pattern}, files that match={len(files)}. Names that start "
            "with `.` or `_`, or end with .json, .jsonl or .tmp, do not count."
        )
    _check_names(shards)
    return shards


def check_output(shards: Sequence[Shard], output_dir: str) -> None:
    """Refuses an output directory that the shards cannot go to.

    Raises:
        ValueError: If it holds the input, or a path in it would be taken for
            a pattern.
    """
    for shard in shards:
        path = paths.join(output_dir, shard.name)
        if paths.is_pattern(path):
            raise ValueError(
                "The output directory and the names of shards must be without "
                "`*`, `?` and `[`, because Beam takes them for patterns when "
                f"it removes a file. Received: path={path}"
            )
    for directory in {paths.directory_of(shard.path) for shard in shards}:
        if paths.same_place(directory, output_dir):
            raise ValueError(
                "The output directory must not hold the input, because a "
                "sliced shard bears the name of its raw one. Received: "
                f"output_dir={output_dir}, input={directory}"
            )


def first_row(shards: Iterable[Shard]) -> Row | None:
    """Returns the first example of all shards.

    None where there is none, or it cannot be read: slicing it says why.
    """
    for shard in shards:
        with paths.open_to_read(shard.path) as source:
            try:
                for record in read_records(source, shard.path):
                    return Row.from_example(decode(record))
            except ValueError:
                return None
    return None


def _check_names(shards: Iterable[Shard]) -> None:
    places = collections.defaultdict(list)
    for shard in shards:
        places[shard.name].append(shard.path)
    for name, same in places.items():
        if len(same) > 1:
            raise ValueError(
                "Input shards must have names of their own, because all "
                "sliced shards go to one directory. Received: "
                f"name={name}, paths={', '.join(same)}. Slice each directory "
                "into one of its own."
            )
