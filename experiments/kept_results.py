"""Results that outlive the program that computed them."""

import json
import os
import pathlib
from collections.abc import Callable
from typing import Any

ROOT = pathlib.Path(__file__).parent.parent
OUT = pathlib.Path(
    os.environ.get("SLICE_TF_EXPERIMENTS", ROOT / "out" / "experiments")
)


class KeptResults:
    """A file of results by key, so that a run that was stopped goes on.

    Remove the file to compute anew.

    Args:
        name: Of the experiment.
    """

    def __init__(self, name: str) -> None:
        self._path = OUT / f"{name}.json"
        self._found: dict[str, Any] = {}
        if self._path.exists():
            self._found = json.loads(self._path.read_text())

    def get(self, key: str, compute: Callable[[], Any]) -> Any:
        """Returns the result of `compute`, which JSON must be able to hold."""
        if key not in self._found:
            self._found[key] = compute()
            OUT.mkdir(parents=True, exist_ok=True)
            part = self._path.with_suffix(".part")
            part.write_text(json.dumps(self._found))
            part.replace(self._path)
        return self._found[key]
