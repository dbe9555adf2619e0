from slice_tf.slicing import slicing_function


@slicing_function(owner="anna")
def rain(row):
    """Rides in the rain."""
    return "rain" in row.text("text")


@slicing_function
def night(row):
    """Rides at night."""
    return "night" in row.text("text")
