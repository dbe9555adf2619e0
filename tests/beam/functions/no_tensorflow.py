import sys

from slice_tf.slicing import slicing_function


@slicing_function
def without_tensorflow(row):
    return "tensorflow" not in sys.modules and "keras" not in sys.modules
