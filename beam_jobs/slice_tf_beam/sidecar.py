"""The file beside a sliced shard that says what is in it."""

import dataclasses
import json
from typing import Any

from slice_tf.slicing import VoteCounts
from slice_tf_beam import paths

FORMAT_VERSION = 1
SUFFIX = ".stats.json"


@dataclasses.dataclass(frozen=True)
class Origin:
    """What a sliced shard was made from, and by what.

    Equal origins give equal bytes, so a shard with the origin that a job
    would give it need not be made again.

    Args:
        input: Path of the raw shard.
        input_bytes: Its size.
        functions: Fingerprint of the slicing functions and their order.
        slice_tf_version: Version of this package.
        slice_names: Whether the names of slices were written, too.
    """

    input: str
    input_bytes: int
    functions: str
    slice_tf_version: str
    slice_names: bool = False

    def difference(self, other: "Origin") -> str:
        """Returns the first difference in words, or nothing."""
        for field in dataclasses.fields(self):
            here, there = (getattr(one, field.name) for one in (self, other))
            if here != there:
                return f"{field.name}: {here}, now {there}"
        return ""


@dataclasses.dataclass(frozen=True, eq=False)
class Sidecar:
    """What one sliced shard holds.

    Args:
        origin: What it was made from.
        name: Its file name.
        num_bytes: Its size.
        crc32c: Checksum of the file, eight hexadecimal digits.
        counts: The votes on its examples.
        num_bad_records: Damaged records of the input that were left out.
        errors: By record of the input, the first few of each kind: dicts with
            `record`, `slice`, `exception` and `message` where a function
            failed; with `record`, `byte` and `damage` where it was left out.
    """

    origin: Origin
    name: str
    num_bytes: int
    crc32c: str
    counts: VoteCounts
    num_bad_records: int
    errors: list[dict[str, Any]]

    def save(self, directory: str) -> None:
        """Writes the sidecar into a directory."""
        values = {
            "format_version": FORMAT_VERSION,
            "origin": dataclasses.asdict(self.origin),
            "name": self.name,
            "num_bytes": self.num_bytes,
            "crc32c": self.crc32c,
            "counts": self.counts.to_dict(),
            "num_bad_records": self.num_bad_records,
            "errors": self.errors,
        }
        path = paths.join(directory, self.name + SUFFIX)
        paths.write_text(path, json.dumps(values) + "\n")

    @classmethod
    def load(cls, directory: str, name: str) -> "Sidecar":
        """Reads the sidecar of the shard called `name`.

        Raises:
            ValueError: If the file is no sidecar of this format.
        """
        path = paths.join(directory, name + SUFFIX)
        values = paths.read_json(path)
        try:
            if values["format_version"] != FORMAT_VERSION:
                raise ValueError(f"format_version={values['format_version']}")
            return cls(
                Origin(**values["origin"]),
                values["name"],
                values["num_bytes"],
                values["crc32c"],
                VoteCounts.from_dict(values["counts"]),
                values["num_bad_records"],
                values["errors"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                "A sidecar must be of the form that this version writes. "
                f"Received: file={path}, error={type(error).__name__}: {error}"
            ) from error


def is_sidecar(name: str) -> bool:
    """Tells whether a file's name is that of a sidecar."""
    return name.endswith(SUFFIX)
