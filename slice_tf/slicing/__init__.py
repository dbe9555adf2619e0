"""What a slice is: functions that say of an example whether it is in one.

This room needs neither TensorFlow nor Keras nor Beam: a worker that applies
slicing functions starts in milliseconds, and serving never loads it.
"""

from slice_tf.slicing.apply import VoteError, Votes, apply_functions
from slice_tf.slicing.apply_table import apply_to_table, slice_table
from slice_tf.slicing.batch import Batch
from slice_tf.slicing.function import SlicingFunction, slicing_function
from slice_tf.slicing.loading import load
from slice_tf.slicing.needs import check_needs
from slice_tf.slicing.preprocessor import Preprocessor, preprocessor
from slice_tf.slicing.resource import Resource
from slice_tf.slicing.resource_error import ResourceError
from slice_tf.slicing.row import Row
from slice_tf.slicing.schema_of import schema_of

__all__ = [
    "Batch",
    "Preprocessor",
    "Resource",
    "ResourceError",
    "Row",
    "SlicingFunction",
    "VoteError",
    "Votes",
    "apply_functions",
    "apply_to_table",
    "check_needs",
    "load",
    "preprocessor",
    "schema_of",
    "slice_table",
    "slicing_function",
]
