"""Where the artifacts of a demonstration lie."""

import dataclasses
import pathlib


@dataclasses.dataclass(frozen=True)
class Places:
    """Paths below one output directory."""

    root: pathlib.Path

    @property
    def raw(self) -> pathlib.Path:
        """Input records, `train` and `test`."""
        return self.root / "raw"

    @property
    def sliced(self) -> pathlib.Path:
        """The same records with membership, `train` and `test`."""
        return self.root / "sliced"

    @property
    def models(self) -> pathlib.Path:
        """One model directory a method and seed."""
        return self.root / "models"

    @property
    def results(self) -> pathlib.Path:
        """Results of the first seed's two models."""
        return self.root / "results.json"

    @property
    def report(self) -> pathlib.Path:
        """The same as a page."""
        return self.root / "report.html"

    @property
    def saved_model(self) -> pathlib.Path:
        """The exported slice-aware model of the first seed."""
        return self.root / "saved_model"

    @property
    def serving(self) -> pathlib.Path:
        """The base directory that a model server watches."""
        return self.root / "serving"

    @property
    def figure(self) -> pathlib.Path:
        """The picture of a task in the plane, without its suffix."""
        return self.root / "figure1"

    def describe(self) -> list[list[str]]:
        """Returns name, path and content of every artifact there is."""
        rows = [
            ("raw records", self.raw, "what a user brings"),
            ("sliced records", self.sliced, "the same, membership appended"),
            ("models", self.models, "Keras models, one a method and seed"),
            ("results", self.results, "metrics per slice of the first seed"),
            ("report", self.report, "the same as a page: open it"),
            ("SavedModel", self.saved_model, "signatures, schema, warm-up"),
            ("serving", self.serving, "base directory for TF Serving"),
            ("picture", self.figure.with_suffix(".png"), "also as SVG"),
        ]
        return [
            [name, str(path), text]
            for name, path, text in rows
            if path.exists()
        ]
