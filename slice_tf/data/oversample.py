"""Showing rare examples more often than they come."""

import dataclasses
import types
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from slice_tf.near_miss import did_you_mean
from slice_tf.schema import SliceSchema

_CLASS = "class:"
_Times = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Oversample:
    """How many times an epoch brings the examples of slices and classes.

    Every example comes at least once. One in several of the slices and
    classes comes as often as the one named with the most times says.

    Args:
        times: Name of a slice, or `class:<index>`, to a whole number from 1.
        reweigh: Whether examples get weights that make up for it: the loss
            and what is predicted then mean what they mean of the data as it
            is, and only the steps are less noisy where the data is rare.
            Otherwise probabilities are those of the data as it is shown.

    Raises:
        ValueError: If a number is not a whole one from 1.
    """

    times: Mapping[str, int]
    reweigh: bool = False

    def __post_init__(self) -> None:
        for name, number in self.times.items():
            if type(number) is not int or number < 1:
                raise ValueError(
                    "Examples must come a whole number of times, 1 or more, "
                    "because none is left out. Received: "
                    f"{name}={number}"
                )
        times = types.MappingProxyType(dict(self.times))
        object.__setattr__(self, "times", times)

    @classmethod
    def parse(cls, texts: Sequence[str], reweigh: bool = False) -> "Oversample":
        """Returns what texts such as `rare=4` and `class:1=2` say.

        Raises:
            ValueError: If a text is malformed or a name used twice.
        """
        times: dict[str, int] = {}
        for text in texts:
            name, _, number = text.partition("=")
            if not name or not number.isdecimal() or name in times:
                raise ValueError(
                    "What to over-sample must be written as slice=times or "
                    "class:index=times, each name once, such as rare=4. "
                    f"Received: oversample={text!r}"
                )
            times[name] = int(number)
        return cls(times, reweigh)

    def of_slices(self, schema: SliceSchema) -> _Times:
        """Returns how often members of each slice come: `[slices]`.

        Raises:
            ValueError: If a name is of no slice; the nearest is suggested.
        """
        for name in self.times:
            if not name.startswith(_CLASS) and name not in schema.names:
                raise ValueError(
                    "What to over-sample must be a slice of the data, or "
                    f"class:index. Received: slice={name}, "
                    f"slices={', '.join(schema.names)}."
                    f"{did_you_mean(name, schema.names)}"
                )
        found = [self.times.get(name, 1) for name in schema.names]
        return np.array(found, np.int64)

    def of_classes(self, num_classes: int) -> _Times:
        """Returns how often examples of each class come: `[classes]`.

        Raises:
            ValueError: If there is no such class.
        """
        names = class_names(num_classes)
        for name in self.times:
            if name.startswith(_CLASS) and name not in names:
                raise ValueError(
                    "A class to over-sample must be one of the task's. "
                    f"Received: {name}, num_classes={num_classes}"
                )
        return np.array([self.times.get(name, 1) for name in names], np.int64)


def class_names(num_classes: int) -> list[str]:
    """Returns what classes are called here."""
    return [f"{_CLASS}{index}" for index in range(num_classes)]
