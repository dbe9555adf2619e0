from slice_tf.slicing import slicing_function


@slicing_function
def base(row):
    return True
