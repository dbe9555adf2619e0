"""What a slice is: functions that say of an example whether it is in one.

This room needs neither TensorFlow nor Keras nor Beam: a worker that applies
slicing functions starts in milliseconds, and serving never loads it.
"""

from slice_tf.slicing.apply import VoteError, Votes, apply_functions
from slice_tf.slicing.apply_table import apply_to_table, slice_table
from slice_tf.slicing.batch import Batch
from slice_tf.slicing.counts import VoteCounts
from slice_tf.slicing.function import SlicingFunction, slicing_function
from slice_tf.slicing.loading import load
from slice_tf.slicing.mapped_table import write_mapped_table
from slice_tf.slicing.metadata import metadata
from slice_tf.slicing.model_predictions import (
    model_predictions,
    predicted_as,
    score_above,
)
from slice_tf.slicing.needs import check_needs
from slice_tf.slicing.open_resources import open_resources
from slice_tf.slicing.preprocessor import Preprocessor, preprocessor
from slice_tf.slicing.resource import Resource
from slice_tf.slicing.resource_error import ResourceError
from slice_tf.slicing.row import Row
from slice_tf.slicing.schema_of import schema_of
from slice_tf.slicing.spacy_docs import spacy_docs
from slice_tf.slicing.summarize import summarize
from slice_tf.slicing.summary import SliceSummary, Summary

__all__ = [
    "Batch",
    "Preprocessor",
    "Resource",
    "ResourceError",
    "Row",
    "SliceSummary",
    "SlicingFunction",
    "Summary",
    "VoteCounts",
    "VoteError",
    "Votes",
    "apply_functions",
    "apply_to_table",
    "check_needs",
    "load",
    "metadata",
    "model_predictions",
    "open_resources",
    "predicted_as",
    "preprocessor",
    "schema_of",
    "score_above",
    "slice_table",
    "slicing_function",
    "spacy_docs",
    "summarize",
    "write_mapped_table",
]
