"""The schema of slices: what every room agrees on."""

import collections
import dataclasses
import hashlib
import json
import os
import pathlib
import re
from collections.abc import Iterable
from typing import Any

from slice_tf.files import write_text

FORMAT_VERSION = 1
FILE_NAME = "slices.json"
BASE = "base"

_NAME = re.compile(r"[a-z0-9_]+")


@dataclasses.dataclass(frozen=True)
class Slice:
    """One slice of the data.

    Args:
        name: Lower-case letters, digits and underscores; not `base`, which
            names the slice of every example.
        description: What the slice is, for reports.
        owner: Who answers for it.
        monitor_only: Whether the slice is evaluated and watched but gets no
            expert.
        critical: Whether a gate treats the slice strictly.
        margin: Largest tolerated drop of the slice's metric, as a fraction.
        slicing_function: Import path `module:attribute` of the function that
            defines the slice; empty where there is none.
        slicing_function_fingerprint: Fingerprint of that function.

    Raises:
        ValueError: If `name` is malformed or reserved, or `margin` negative.
    """

    name: str
    description: str = ""
    owner: str = ""
    monitor_only: bool = False
    critical: bool = False
    margin: float = 0.0
    slicing_function: str = ""
    slicing_function_fingerprint: str = ""

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.margin < 0:
            raise ValueError(
                "A slice's `margin` must not be negative, because it is the "
                f"drop that a gate tolerates. Received: margin={self.margin}"
            )


def check_name(name: str) -> None:
    """Refuses what cannot name a slice.

    Raises:
        ValueError: If `name` has other characters than `[a-z0-9_]`, or is
            `base`.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(
            "A slice's name must consist of lower-case letters, digits and "
            "underscores, because it becomes part of file, metric and tensor "
            f"names. Received: name={name!r}"
        )
    if name == BASE:
        raise ValueError(
            f"A slice must not be called '{BASE}', because that name stands "
            f"for the slice of every example. Received: name={name!r}"
        )


@dataclasses.dataclass(frozen=True)
class SliceSchema:
    """The slices of a data set or a model, in the order of their axis.

    It lies beside sliced data, in checkpoints, in SavedModels and in results.
    Position is identity: slice i is column i of every `[batch, slices]`
    tensor. The base slice is not listed.

    Args:
        slices: The slices, in order, with names of their own.
        membership_key: Feature that holds the membership of an example.
        unknown_key: Feature that marks slices whose function failed.

    Raises:
        ValueError: If two slices share a name.
    """

    slices: tuple[Slice, ...]
    membership_key: str = "slices/membership"
    unknown_key: str = "slices/unknown"

    def __post_init__(self) -> None:
        object.__setattr__(self, "slices", tuple(self.slices))
        counts = collections.Counter(self.names)
        twice = sorted(name for name, count in counts.items() if count > 1)
        if twice:
            raise ValueError(
                "Slices must have names of their own, because a name is how "
                f"people find a slice. Received: twice={', '.join(twice)}. "
                "Pass `name=` to the slicing function to tell them apart."
            )

    @classmethod
    def from_names(cls, names: Iterable[str]) -> "SliceSchema":
        """Returns a schema of slices that have nothing but a name."""
        return cls(tuple(Slice(name) for name in names))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the slices, in order."""
        return tuple(one.name for one in self.slices)

    @property
    def num_slices(self) -> int:
        """Number of slices, the base slice not counted."""
        return len(self.slices)

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that stand for names and order."""
        text = json.dumps(self.names, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def index(self, name: str) -> int:
        """Returns the position of a slice.

        Raises:
            ValueError: If there is no slice of that name.
        """
        if name not in self.names:
            raise ValueError(
                f"There is no such slice. Received: name={name!r}, "
                f"slices={', '.join(self.names)}"
            )
        return self.names.index(name)

    def check_same(self, other: "SliceSchema", here: str, there: str) -> None:
        """Refuses another schema with other slices or another order.

        Args:
            other: The schema to compare with.
            here: What this schema belongs to, such as `data`.
            there: What `other` belongs to, such as `model`.

        Raises:
            ValueError: If names or their order differ.
        """
        if self.fingerprint != other.fingerprint:
            raise ValueError(
                "Slices must be the same in the same order, because they are "
                f"paired by position: {here} has {', '.join(self.names)}; "
                f"{there} has {', '.join(other.names)}. "
                f"Received: {here}={self.fingerprint}, "
                f"{there}={other.fingerprint}"
            )

    def to_dict(self) -> dict[str, Any]:
        """Returns the schema as plain JSON values."""
        return {
            "format_version": FORMAT_VERSION,
            "fingerprint": self.fingerprint,
            "membership_key": self.membership_key,
            "unknown_key": self.unknown_key,
            "slices": [dataclasses.asdict(one) for one in self.slices],
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "SliceSchema":
        """Returns the schema that `to_dict` wrote.

        Raises:
            ValueError: If the values are of a newer format, malformed, or
                contradict their own fingerprint.
        """
        version = values.get("format_version")
        if version != FORMAT_VERSION:
            raise ValueError(
                "A slice schema must be of a format this version reads, which "
                f"is {FORMAT_VERSION}. Received: format_version={version}"
            )
        try:
            schema = cls(
                tuple(Slice(**one) for one in values["slices"]),
                values["membership_key"],
                values["unknown_key"],
            )
            fingerprint = values["fingerprint"]
        except (KeyError, TypeError) as error:
            raise ValueError(
                "A slice schema must hold the fields that slice-tf writes. "
                f"Received: {type(error).__name__}={error}"
            ) from error
        if fingerprint != schema.fingerprint:
            raise ValueError(
                "A slice schema must agree with its own fingerprint, because "
                "one that was edited by hand no longer describes the data "
                f"beside it. Received: fingerprint={fingerprint}, "
                f"expected={schema.fingerprint}"
            )
        return schema

    def to_json(self) -> str:
        """Returns the schema as JSON text that ends in a newline."""
        return json.dumps(self.to_dict(), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "SliceSchema":
        """Returns the schema that `to_json` wrote.

        Raises:
            ValueError: If the text is no JSON object or no schema.
        """
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(
                f"A slice schema must be JSON. Received: error={error}"
            ) from error
        if not isinstance(values, dict):
            raise ValueError(
                "A slice schema must be a JSON object. "
                f"Received: type={type(values).__name__}"
            )
        return cls.from_dict(values)

    def save(self, directory: str | os.PathLike[str]) -> None:
        """Writes `slices.json` into an existing local directory."""
        write_text(pathlib.Path(directory) / FILE_NAME, self.to_json())

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> "SliceSchema":
        """Reads `slices.json` from a local directory.

        Raises:
            FileNotFoundError: If the directory holds none.
            ValueError: If the file is no schema; the message names it.
        """
        path = pathlib.Path(directory) / FILE_NAME
        try:
            return cls.from_json(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise FileNotFoundError(
                "Sliced data must lie beside the schema of its slices. "
                f"Received: directory={directory}, missing={FILE_NAME}. "
                "`slice-tf apply` writes both."
            ) from error
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
