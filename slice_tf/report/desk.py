"""What a local server shows of a directory, and what it writes there."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any

from slice_tf.evaluation import Results
from slice_tf.evaluation.labels import family_of
from slice_tf.files import write_text
from slice_tf.report.decisions import Decisions
from slice_tf.report.folder import Folder
from slice_tf.report.page import render, render_page
from slice_tf.report.review import Review
from slice_tf.report.rows import Rows
from slice_tf.report.sentence import headline
from slice_tf.report.traffic_page import render_traffic, traffic_headline

Values = Mapping[str, Any]


class Desk:
    """Pages by address, and what to do with what people say.

    Args:
        directory: Where results are, and reviews are written.
        rows: What discovery runs there were made from, to split groups.
    """

    def __init__(
        self, directory: pathlib.Path, rows: Rows | None = None
    ) -> None:
        self.folder, self.rows = Folder(directory), rows

    def page(self, path: str, query: Mapping[str, str], token: str) -> str:
        """Returns a page as HTML.

        Raises:
            KeyError: If there is none.
            ValueError: If a file cannot be shown.
        """
        if path == "/":
            return self._index(token)
        if path == "/results":
            return self._results(query["file"], token)
        if path == "/traffic":
            traffic = self.folder.load_traffic(query["file"])
            return render_traffic(traffic, {"token": token})
        if path == "/discovery":
            run = query["run"]
            decisions = Decisions(self.folder.runs()[run])
            facts = {
                "served": {"token": token, "run": run},
                "can_split": self.rows is not None
                and self.rows.num_rows == decisions.found.num_rows,
            }
            return render("discovery", {**decisions.to_dict(), **facts})
        raise KeyError(path)

    def write(self, path: str, values: Values) -> dict[str, Any]:
        """Does what a page asks for and returns what it needs to know.

        Raises:
            KeyError: If there is no such act.
            ValueError: If a value does not fit.
        """
        if path == "/api/discovery":
            name = _text(values, "run")
            run = self.folder.runs()[name]
            if values.get("act") == "split":
                return self._split(name, run, values)
            return Decisions(run).decide(values)
        act = {
            "/api/audit": self._audit,
            "/api/notes": self._write_text,
            "/api/accepted": self._write_text,
        }[path]
        file = _text(values, "file")
        results = self.folder.load(file)
        review = Review.load(self.folder.path)
        act(path.rpartition("/")[2], review, file, results, values)
        review.save(self.folder.path)
        return self._told(review, file, results)

    def _split(
        self, name: str, run: pathlib.Path, values: Values
    ) -> dict[str, Any]:
        """Splits a group in a new run beside the run, and names that."""
        group = Decisions(run).only(values)
        if self.rows is None:
            raise ValueError(
                "To split a group, `slice-tf ui` must be given the rows it was "
                "found in, as `--predictions FILE`. Received: predictions=None"
            )
        base = run.name if name == "." else name
        into = f"{base}-{group}"
        self.rows.split(run, group, self.folder.path / into)
        return {"run": into}

    def _audit(
        self,
        _: str,
        review: Review,
        file: str,
        results: Results,
        values: Values,
    ) -> None:
        belongs = values.get("belongs")
        if belongs is not None and not isinstance(belongs, bool):
            raise ValueError(
                "An answer must be true, false or null. "
                f"Received: belongs={type(belongs).__name__}"
            )
        review.answer(
            results, _text(values, "slice"), _text(values, "key"), belongs
        )
        counts = {
            name: dataclasses.asdict(one)
            for name, one in review.counts(results).items()
        }
        path = (
            self.folder.path
            / f"{pathlib.PurePosixPath(file).with_suffix('')}.audits.json"
        )
        write_text(path, json.dumps(counts, indent=1) + "\n")

    def _write_text(
        self,
        kind: str,
        review: Review,
        file: str,
        results: Results,
        values: Values,
    ) -> None:
        name = _text(values, "slice")
        review.write(kind, file, results, name, _text(values, "text"))

    def _told(
        self, review: Review, file: str, results: Results
    ) -> dict[str, Any]:
        """Returns what changes in results by what people said."""
        told = review.apply(results)
        values = told.to_dict()
        return {
            "audited": {
                one["name"]: one["audited"] for one in values["slices"]
            },
            "gate": values["gate"],
            "headline": headline(told),
            "review": self._review(review, file, results),
        }

    def _review(
        self, review: Review, file: str, results: Results
    ) -> dict[str, Any]:
        return {
            "audits": review.audits.get(results.data.fingerprint, {}),
            "notes": review.notes.get(file, {}),
            "accepted": dict(review.acceptances(results)),
        }

    def _results(self, file: str, token: str) -> str:
        results = self.folder.load(file)
        review = Review.load(self.folder.path)
        served = {
            "token": token,
            "file": file,
            "labels": self._labels(results),
            "review": self._review(review, file, results),
        }
        summary = self.folder.summary(file, results)
        return render_page(review.apply(results), summary, served)

    def _labels(self, results: Results) -> list[tuple[str, str]]:
        """Returns files and labels of the same model and data."""
        if not results.data.label:
            return []
        found = []
        for name in self.folder.results():
            try:
                other = self.folder.load(name)
            except ValueError:
                continue
            if other.data.label and family_of(other) == family_of(results):
                found.append((name, other.data.label))
        return sorted(found, key=lambda one: (one[1], one[0]))

    def _index(self, token: str) -> str:
        files = [self._line(*one) for one in self.folder.results().items()]
        runs = []
        for name, path in self.folder.runs().items():
            try:
                runs.append({"name": name, **Decisions(path).line()})
            except ValueError as error:
                runs.append({"name": name, "error": str(error)})
        data = {
            "directory": str(self.folder.path),
            "files": files,
            "runs": runs,
            "traffic": [
                self._traffic(*one) for one in self.folder.traffic().items()
            ],
            "served": {"token": token},
        }
        return render("folder", data)

    def _traffic(self, name: str, path: pathlib.Path) -> dict[str, Any]:
        try:
            traffic = self.folder.load_traffic(name)
        except ValueError as error:
            return {"name": name, "error": str(error)}
        return {
            "name": name,
            "headline": traffic_headline(traffic),
            **traffic["traffic"],
            "windows": len(traffic["windows"]),
            "changed": int(path.stat().st_mtime),
        }

    def _line(self, name: str, path: pathlib.Path) -> dict[str, Any]:
        try:
            results = self.folder.load(name)
            review = Review.load(self.folder.path)
        except ValueError as error:
            return {"name": name, "error": str(error)}
        told = review.apply(results)
        audited = len(review.counts(results))
        return {
            "name": name,
            "headline": headline(told),
            "model": told.model.path,
            "data": told.data.path,
            "label": told.data.label,
            "num_examples": told.data.num_examples,
            "num_slices": told.schema.num_slices,
            "verdict": told.gate and told.gate.verdict,
            "audited": audited,
            "has_examples": told.examples is not None,
            # A float would be rounded to six digits, which is hours.
            "changed": int(path.stat().st_mtime),
        }


def _text(values: Values, name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str):
        raise ValueError(
            f"`{name}` must be a text. Received: {name}={type(value).__name__}"
        )
    return value
