"""Metrics per slice, with intervals that hold for small slices.

One accumulator per slice gives every metric: fill an `Evaluator` batch by
batch (or call `evaluate` on arrays), take its `results`, save them as
results.json. Needs NumPy only; a worker that counts predictions loads neither
TensorFlow nor Keras.
"""

from slice_tf.evaluation.accumulate import SliceCounts
from slice_tf.evaluation.audit import SliceAudit, load_audits, with_audits
from slice_tf.evaluation.columns import to_columns, to_scalars
from slice_tf.evaluation.evaluator import Evaluator, evaluate
from slice_tf.evaluation.examples import (
    Example,
    ExampleSample,
    ExampleSampler,
)
from slice_tf.evaluation.gate import accept_slices, gate, gate_of_label
from slice_tf.evaluation.gate_result import (
    Acceptance,
    GateResult,
    SliceVerdict,
)
from slice_tf.evaluation.indicators import IndicatorCounts
from slice_tf.evaluation.inputs import to_probabilities
from slice_tf.evaluation.label_evaluator import LabelEvaluator
from slice_tf.evaluation.labels import load_labels, save_labels
from slice_tf.evaluation.metric import Metric
from slice_tf.evaluation.metrics import slice_metrics
from slice_tf.evaluation.overlap import OverlapCounts
from slice_tf.evaluation.paired import PairedCounts
from slice_tf.evaluation.regression import RegressionCounts
from slice_tf.evaluation.results import (
    AuditedSlice,
    Comparison,
    DataFacts,
    ModelFacts,
    Results,
    SliceResult,
)
from slice_tf.evaluation.runs import RunComparison, compare_runs
from slice_tf.evaluation.table import (
    comparison_table,
    footnote,
    render_table,
    results_table,
    runs_table,
)

__all__ = [
    "Acceptance",
    "AuditedSlice",
    "Comparison",
    "DataFacts",
    "Evaluator",
    "Example",
    "ExampleSample",
    "ExampleSampler",
    "GateResult",
    "IndicatorCounts",
    "LabelEvaluator",
    "Metric",
    "ModelFacts",
    "OverlapCounts",
    "PairedCounts",
    "RegressionCounts",
    "Results",
    "RunComparison",
    "SliceAudit",
    "SliceCounts",
    "SliceResult",
    "SliceVerdict",
    "accept_slices",
    "compare_runs",
    "comparison_table",
    "evaluate",
    "footnote",
    "gate",
    "gate_of_label",
    "load_audits",
    "load_labels",
    "render_table",
    "results_table",
    "runs_table",
    "save_labels",
    "slice_metrics",
    "to_columns",
    "to_probabilities",
    "to_scalars",
    "with_audits",
]
