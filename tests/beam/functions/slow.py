import time

from slice_tf.slicing import slicing_function


@slicing_function
def rain(row):
    """Takes a millisecond a row, so that there is time to stop the job."""
    time.sleep(0.001)
    return "rain" in row.text("text")
