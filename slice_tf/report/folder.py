"""The results, discovery runs and traffic in a directory."""

import json
import pathlib
from typing import Any

from slice_tf.evaluation import Results
from slice_tf.monitoring import read_traffic
from slice_tf.report.votes import read_summary

DISCOVERED = "discovered.json"
_PATTERNS = ("*.json", "*/*.json")
_RESULTS = frozenset({"schema", "slices", "data", "num_classes"})
_TRAFFIC = frozenset({"traffic", "windows", "drift"})
_LARGEST = 1 << 28


class Folder:
    """Finds and reads results; a name it did not list leads nowhere.

    Args:
        path: An existing directory. It and its subdirectories are looked
            through, no deeper.

    Raises:
        ValueError: If there is no such directory.
    """

    def __init__(self, path: pathlib.Path) -> None:
        if not path.is_dir():
            raise ValueError(
                "There must be a directory to show results of. "
                f"Received: directory={path}"
            )
        self.path = path.resolve()
        self._read: dict[pathlib.Path, tuple[tuple[int, int], Any]] = {}

    def results(self) -> dict[str, pathlib.Path]:
        """Returns files of results by their names, the newest first."""
        return {
            name: path
            for name, path in self._files().items()
            if path.name != DISCOVERED and self._is(_RESULTS, path)
        }

    def traffic(self) -> dict[str, pathlib.Path]:
        """Returns files of traffic by their names, the newest first."""
        return {
            name: path
            for name, path in self._files().items()
            if self._is(_TRAFFIC, path)
        }

    def runs(self) -> dict[str, pathlib.Path]:
        """Returns directories of discovery runs by their names."""
        return {
            path.parent.relative_to(self.path).as_posix(): path.parent
            for path in self._files().values()
            if path.name == DISCOVERED
        }

    def load(self, name: str) -> Results:
        """Reads results, anew where the file changed.

        Raises:
            KeyError: If there is no such file of results.
            ValueError: If it cannot be shown; the message names it.
        """
        path = self.results()[name]
        found = self._cached(path, "results", lambda: Results.load(path))
        if isinstance(found, Exception):
            raise found
        return found

    def load_traffic(self, name: str) -> dict[str, Any]:
        """Reads what `slice-tf monitor` wrote.

        Raises:
            KeyError: If there is no such file.
            ValueError: If it is of another format; the message names it.
        """
        return read_traffic(self.traffic()[name])

    def summary(self, name: str, results: Results) -> dict[str, Any] | None:
        """Returns what a job said of the same slices, where it is at hand.

        It is looked for beside the results, then with the data.
        """
        beside = self.results()[name].parent
        places = [beside, pathlib.Path(results.data.path or beside)]
        for place in places:
            try:
                return read_summary(place / "summary.json", results.schema)
            except (OSError, ValueError):
                continue
        return None

    def _files(self) -> dict[str, pathlib.Path]:
        found = []
        for path in (one for p in _PATTERNS for one in self.path.glob(p)):
            try:
                # A link may lead anywhere; what lies elsewhere stays there.
                inside = path.resolve().is_relative_to(self.path)
                if inside and path.is_file() and path.name[0] != ".":
                    found.append((-path.stat().st_mtime_ns, path))
            except OSError:
                continue
        return {
            path.relative_to(self.path).as_posix(): path
            for _, path in sorted(found)
        }

    def _is(self, keys: frozenset[str], path: pathlib.Path) -> bool:
        """Tells what a file is by the fields it holds."""

        def look() -> frozenset[str]:
            if path.stat().st_size > _LARGEST:
                return frozenset()
            values = json.loads(path.read_bytes())
            return frozenset(values if isinstance(values, dict) else ())

        found = self._cached(path, "kind", look)
        return isinstance(found, frozenset) and found >= keys

    def _cached(self, path: pathlib.Path, what: str, read: Any) -> Any:
        """Returns what reading gave, or raised, for the file as it is."""
        facts = path.stat()
        stamp = (facts.st_mtime_ns, facts.st_size)
        key = path / what
        if self._read.get(key, (None,))[0] != stamp:
            try:
                value = read()
            except (OSError, ValueError) as error:
                value = error
            self._read[key] = (stamp, value)
        return self._read[key][1]
