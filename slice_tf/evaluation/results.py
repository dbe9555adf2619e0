"""results.json: what an evaluation says, of a size independent of the data."""

import dataclasses
import importlib.metadata
import json
import os
import pathlib
from typing import Any

from slice_tf.evaluation.examples import ExampleSample
from slice_tf.evaluation.gate_result import GateResult
from slice_tf.evaluation.metric import Metric
from slice_tf.files import write_text
from slice_tf.schema import BASE, SliceSchema

FORMAT_VERSION = 1
FILE_NAME = "results.json"


def _created_by() -> str:
    try:
        return f"slice-tf {importlib.metadata.version('slice-tf')}"
    except importlib.metadata.PackageNotFoundError:
        return "slice-tf"


@dataclasses.dataclass(frozen=True)
class DataFacts:
    """What was evaluated on.

    Args:
        path: Where it came from.
        fingerprint: 16 hexadecimal digits that stand for the labels and the
            membership of all examples, in any order.
        num_examples: Number of examples.
        label: Which label, such as `label[2]`, where examples have several.
        weighted: Whether examples have weights.
        clustered: Whether examples hang together in clusters.
    """

    path: str
    fingerprint: str
    num_examples: int
    label: str = ""
    weighted: bool = False
    clustered: bool = False


@dataclasses.dataclass(frozen=True)
class ModelFacts:
    """Which model was evaluated: where it lies and what its bytes hash to."""

    path: str = ""
    fingerprint: str = ""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A slice's candidate against its baseline, paired by example.

    Args:
        baseline: The baseline's leading metric: `accuracy` of classes, `mae`
            of predicted numbers.
        difference: Candidate's minus baseline's leading metric.
        mid_p: McNemar's mid-p value; None without examples, and of predicted
            numbers.
        cells: Counts `[2][2]`: baseline correct, candidate correct. With
            weights or clusters, of as many independent pairs of equal weight
            as would say as much; they need not be whole. None of predicted
            numbers.
        differences: Candidate's minus baseline's `log_loss` and `brier`, of
            two classes `precision`, `recall`, `f1`, `mcc` and `auc`; of
            predicted numbers `rmse` and `r2`.
        label_cells: Likewise `[2][2][2]`: label, baseline correct, candidate
            correct; None where there are more than two classes.
        errors: The baseline's, as `SliceResult.errors`.
    """

    baseline: Metric
    difference: Metric
    mid_p: float | None
    cells: list[list[float]] | None
    differences: dict[str, Metric] = dataclasses.field(default_factory=dict)
    label_cells: list[list[list[float]]] | None = None
    errors: list[float] | None = None


@dataclasses.dataclass(frozen=True)
class AuditedSlice:
    """A slice corrected for the errors of its slicing function.

    Args:
        precision: Of the examples in the slice, those that belong to it.
        missed: Of the examples outside, those that belong to it.
        accuracy: Among all that belong to it; None of predicted numbers.
        mae: Likewise; None of classes, as the next two are.
        rmse: Likewise.
        bias: Likewise.
    """

    precision: Metric
    missed: Metric
    accuracy: Metric | None = None
    mae: Metric | None = None
    rmse: Metric | None = None
    bias: Metric | None = None


@dataclasses.dataclass(frozen=True)
class SliceResult:
    """What an evaluation says of one slice.

    Args:
        name: The slice, or `base` for all examples.
        size: Members.
        unknown: Examples of unknown membership.
        metrics: By name; see `slice_metrics`.
        comparison: Against the baseline, where there is one.
        indicator: Area under the ROC curve of the learned indicator against
            membership; None where the model has none, and for `base`.
        confusion: Counts `[classes][classes]`: label, prediction. None where
            there are more than 50 classes.
        scores: Counts `[2][32]`: event, bin of the score. The score is the
            probability of class 1 and the event that the label is 1; with
            more than two classes, the probability of the predicted class and
            the event that it is right. With weights, in units of 2 ** -20.
        calibration: `[16][3]` for groups of scores: examples, rate of the
            event, mean score.
        indicator_scores: Counts `[2][32]`: membership, bin of the learned
            indicator's probability. None where there is no indicator.
        indicator_quality: `precision`, `recall`, `agreement` (share of
            examples where indicator and membership say the same),
            `calibration_bias` and `calibration_error` of the indicator.
        audited: Corrected for errors of the slicing function, where people
            audited the slice.
        errors: Of predicted numbers, counts `[48]`: even bin of prediction
            minus target, the outermost with all beyond; they need not be
            whole. None of classes.
    """

    name: str
    size: int
    unknown: int
    metrics: dict[str, Metric]
    comparison: Comparison | None = None
    indicator: Metric | None = None
    confusion: list[list[int]] | None = None
    scores: list[list[int]] | None = None
    calibration: list[list[float]] | None = None
    indicator_scores: list[list[int]] | None = None
    indicator_quality: dict[str, Metric] | None = None
    audited: AuditedSlice | None = None
    errors: list[float] | None = None


@dataclasses.dataclass(frozen=True)
class Results:
    """What an evaluation says. `results.json` is its only other form.

    Args:
        schema: The slices.
        num_classes: Number of classes; 0 of predicted numbers.
        floor: Metrics with a smaller denominator are `too few`.
        data: What was evaluated on.
        model: What was evaluated.
        baseline: What it was compared with, where something was.
        slices: In the schema's order, the base slice last.
        overlap: Examples that two slices share, `[slices][slices]`.
        score_edges: Edges of the bins of scores, 33 probabilities.
        error_edges: Edges of the bins of errors, 49 numbers; None of classes.
        gate: What `slice-tf gate` said of these results, where it was asked.
        examples: A capped sample of examples, where somebody asked for one.
        created_by: Program and version.
    """

    schema: SliceSchema
    num_classes: int
    floor: int
    data: DataFacts
    model: ModelFacts
    baseline: ModelFacts | None
    slices: tuple[SliceResult, ...]
    overlap: list[list[int]] | None = None
    score_edges: list[float] | None = None
    error_edges: list[float] | None = None
    gate: GateResult | None = None
    examples: ExampleSample | None = None
    created_by: str = dataclasses.field(default_factory=_created_by)

    def __getitem__(self, name: str) -> SliceResult:
        if name != BASE:
            return self.slices[self.schema.index(name)]
        return self.slices[-1]

    @property
    def leading(self) -> str:
        """The metric that comes first: `accuracy`, or `mae` of numbers."""
        return "accuracy" if self.num_classes else "mae"

    def check_comparable(self, other: "Results") -> None:
        """Refuses results that are of other data.

        Raises:
            ValueError: If slices, classes or data differ.
        """
        self.schema.check_same(other.schema, "these results", "the others")
        ours, theirs = self.data, other.data
        for name, here, there in (
            ("num_classes", self.num_classes, other.num_classes),
            ("data.label", ours.label, theirs.label),
            ("data.fingerprint", ours.fingerprint, theirs.fingerprint),
            ("data.weighted", ours.weighted, theirs.weighted),
        ):
            if here != there:
                raise ValueError(
                    "Only results on the same data can be compared, because "
                    "otherwise a difference may be the data's. Received: "
                    f"{name}={here} (of {ours.path!r}) and {there} (of "
                    f"{theirs.path!r}). Evaluate both models on one data set, "
                    "by the same label and weights."
                )

    def to_dict(self) -> dict[str, Any]:
        """Returns the results as plain JSON values."""
        values = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
        }
        facts = {
            name: dataclasses.asdict(value)
            for name, value in values.items()
            if isinstance(value, DataFacts | ModelFacts)
        }
        return {
            "format_version": FORMAT_VERSION,
            **values,
            **facts,
            "schema": self.schema.to_dict(),
            "slices": [dataclasses.asdict(one) for one in self.slices],
            **{
                name: None if one is None else dataclasses.asdict(one)
                for name, one in (
                    ("gate", self.gate),
                    ("examples", self.examples),
                )
            },
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Results":
        """Returns the results that `to_dict` wrote.

        Raises:
            ValueError: If the values are of a newer format or malformed.
        """
        version = values.get("format_version")
        if version != FORMAT_VERSION:
            raise ValueError(
                "Results must be of a format this version reads, which is "
                f"{FORMAT_VERSION}. Received: format_version={version}. "
                "Upgrade slice-tf to read newer results."
            )
        try:
            results = _parse(values)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(
                "Results must hold the fields that slice-tf writes. "
                f"Received: {type(error).__name__}={error}"
            ) from error
        names = tuple(one.name for one in results.slices)
        if names != (*results.schema.names, BASE):
            raise ValueError(
                "Results must list the slices of their schema in its order, "
                f"then `{BASE}`. Received: slices={', '.join(names)}"
            )
        return results

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the results; the file appears only when it is whole."""
        text = json.dumps(self.to_dict(), allow_nan=False, indent=1)
        write_text(path, text + "\n")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Results":
        """Reads results.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file holds no results; the message names it.
        """
        try:
            values = json.loads(pathlib.Path(path).read_bytes())
            if not isinstance(values, dict):
                raise ValueError(
                    "Results must be a JSON object. "
                    f"Received: type={type(values).__name__}"
                )
            return cls.from_dict(values)
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError(
                f"{path}: Results must be JSON. Received: error={error}"
            ) from error
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error


def _parse(values: dict[str, Any]) -> Results:
    baseline = values["baseline"]
    return Results(
        schema=SliceSchema.from_dict(values["schema"]),
        num_classes=int(values["num_classes"]),
        floor=int(values["floor"]),
        data=DataFacts(**values["data"]),
        model=ModelFacts(**values["model"]),
        baseline=None if baseline is None else ModelFacts(**baseline),
        slices=tuple(_parse_slice(one) for one in values["slices"]),
        overlap=values["overlap"],
        score_edges=values["score_edges"],
        error_edges=values.get("error_edges"),
        gate=None
        if values["gate"] is None
        else GateResult.from_dict(values["gate"]),
        examples=None
        if values.get("examples") is None
        else ExampleSample.from_dict(values["examples"]),
        created_by=str(values["created_by"]),
    )


def _parse_slice(values: dict[str, Any]) -> SliceResult:
    comparison, indicator = values["comparison"], values["indicator"]
    quality, audited = values["indicator_quality"], values["audited"]
    parsed = {
        "metrics": {k: Metric(**v) for k, v in values["metrics"].items()},
        "indicator": None if indicator is None else Metric(**indicator),
        "indicator_quality": None
        if quality is None
        else {k: Metric(**v) for k, v in quality.items()},
        "audited": None
        if audited is None
        else AuditedSlice(**{k: v and Metric(**v) for k, v in audited.items()}),
        "comparison": None
        if comparison is None
        else Comparison(
            **{
                **comparison,
                "baseline": Metric(**comparison["baseline"]),
                "difference": Metric(**comparison["difference"]),
                "differences": {
                    k: Metric(**v) for k, v in comparison["differences"].items()
                },
            }
        ),
    }
    return SliceResult(**{**values, **parsed})
