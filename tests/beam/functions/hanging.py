import time

from slice_tf.slicing import slicing_function


@slicing_function
def answers(row):
    return True


@slicing_function
def hangs(row):
    while row.int("id") == 7:
        time.sleep(0.01)
    return False
