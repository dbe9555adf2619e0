"""Names that an exported model and those who call it agree on."""

# Signatures.
SERVING_DEFAULT = "serving_default"  # dense, named features
EXAMPLES = "examples"  # serialized tf.train.Example, parsed in the graph
EXPLAIN = "explain"  # dense features; slices besides the prediction
CLASSIFY = "classify"  # in the form of TensorFlow Serving's Classify
REGRESS = "regress"  # in the form of TensorFlow Serving's Regress

# Input of the signature `examples`; the others take the features' own names.
EXAMPLES_INPUT = "examples"

# Input of `classify` and `regress`, and their outputs: names that TensorFlow
# Serving prescribes.
TASK_INPUT = "inputs"  # serialized tf.train.Example
CLASSES = "classes"  # string [batch, classes]
SCORES = "scores"  # float32 [batch, classes]
OUTPUTS = "outputs"  # float32 [batch]

# Outputs of all other signatures.
PROBABILITIES = "probabilities"  # float32 [batch, classes]
CLASS_IDS = "class_ids"  # int64 [batch]

# Further outputs of `explain`.
SLICE_PROBABILITIES = "slice_probabilities"  # float32 [batch, slices]
ATTENTION = "attention"  # float32 [batch, slices + 1], the base slice last
LOGITS = "logits"  # float32 [batch, logits]

# Files, relative to the SavedModel. Model servers leave those of
# `assets.extra` alone, but for the warm-up requests, which they replay.
SLICES_FILE = "assets/slices.json"
CONTRACT_FILE = "assets.extra/signature.json"
CHECKSUMS_FILE = "assets.extra/SHA256SUMS"
WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"
