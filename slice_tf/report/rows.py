"""The rows that a discovery run was made from, to split its groups."""

import dataclasses
import os
import pathlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slice_tf.discovery.found import Discovery


class Rows:
    """What `slice-tf discover --predictions` was given.

    Args:
        path: The `.npz` file.

    Raises:
        ValueError: If the file lacks an array or is none.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = pathlib.Path(path)
        from slice_tf.discovery.arrays import NEEDED, open_arrays

        with open_arrays(self._path) as arrays:
            missing = sorted({*NEEDED} - {*arrays.files})
            self.num_rows = 0 if missing else len(arrays["labels"])
        if missing:
            raise ValueError(
                f"Rows must hold {', '.join(NEEDED)}. Received: "
                f"predictions={path}, which lacks {', '.join(missing)}"
            )

    def split(self, run: pathlib.Path, name: str, into: pathlib.Path) -> None:
        """Writes a run in which one group is two, beside the first.

        The first run stays as it is, because accepted functions ask its
        regions. What was said of the other groups is kept; of the two halves
        the nearest examples are shown where those of the others are.

        Args:
            run: Directory of the first run.
            name: The group.
            into: Directory of the new one, which must not be there.

        Raises:
            ValueError: If the rows are not those of the run, the group has
                too few rows, or the directory is there.
        """
        from slice_tf.discovery import (
            load_discovery,
            save_discovery,
            split_slice,
        )
        from slice_tf.discovery.arrays import NEEDED, open_arrays

        before = load_discovery(run)
        if before.num_rows != self.num_rows:
            raise ValueError(
                "A group must be split with the rows that it was found in. "
                f"Received: rows={self.num_rows}, expected={before.num_rows}"
            )
        if into.exists():
            raise ValueError(
                f"{name} was split before: see {into.name}, or remove it. "
                f"Received: directory={into}"
            )
        with open_arrays(self._path) as arrays:
            needed = [arrays[one] for one in NEEDED]
            after = split_slice(before, name, *needed)
            shown = _shown(before, arrays)
        save_discovery(into, _told_again(before, after, shown, needed[1:]))


def _shown(found: "Discovery", arrays: Any) -> dict[str, Any]:
    """Returns the arrays whose values a run shows, as far as they are here."""
    names = {
        name
        for one in found.slices
        for example in one.examples
        for name in example["features"]
    }
    return {name: arrays[name] for name in sorted(names & {*arrays.files})}


def _told_again(
    before: "Discovery", after: "Discovery", shown: Any, predictions: Any
) -> "Discovery":
    from slice_tf.discovery import with_examples

    if shown:
        after = with_examples(after, shown, *predictions)
    old = {one.name: one for one in before.slices}
    slices = tuple(
        one
        if one.name not in old
        else dataclasses.replace(
            one,
            separations=old[one.name].separations,
            rule=old[one.name].rule,
            phrases=old[one.name].phrases,
        )
        for one in after.slices
    )
    return dataclasses.replace(after, slices=slices)
