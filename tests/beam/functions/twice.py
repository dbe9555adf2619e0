from slice_tf.slicing import SlicingFunction

BOTH = [
    SlicingFunction(lambda row: True, name="same"),
    SlicingFunction(lambda row: False, name="same"),
]
