"""Names that an exported model and those who call it agree on."""

# Signatures.
SERVING_DEFAULT = "serving_default"  # dense, named features
EXAMPLES = "examples"  # serialized tf.train.Example, parsed in the graph
EXPLAIN = "explain"  # dense features; slices besides the prediction
CLASSIFY = "classify"  # in the form of TensorFlow Serving's Classify
REGRESS = "regress"  # in the form of TensorFlow Serving's Regress
HEADS = "heads"  # as `examples`; all that one example's heads say

# Signatures of one slice, on request: these and its name. Whether an example
# is in it (Regress), and what its expert alone predicts (Classify, or Regress
# of a number).
INDICATOR = "indicator_"
EXPERT = "expert_"

# They take features by name; all others serialized examples.
DENSE = (SERVING_DEFAULT, EXPLAIN)

# Input of `examples` and `heads`; DENSE ones take the features' own names.
EXAMPLES_INPUT = "examples"

# Input of whatever Classify and Regress call, and the outputs: names that
# TensorFlow Serving prescribes.
TASK_INPUT = "inputs"  # serialized tf.train.Example
CLASSES = "classes"  # string [batch, classes]
SCORES = "scores"  # float32 [batch, classes]
OUTPUTS = "outputs"  # float32 [batch]

# Outputs of all other signatures: of a model that classifies, of one that
# classifies into exactly one class, and of one that predicts a number.
PROBABILITIES = "probabilities"  # float32 [batch, classes]
CLASS_IDS = "class_ids"  # int64 [batch]
PREDICTIONS = "predictions"  # float32 [batch]

# Further outputs of `explain`.
SLICE_PROBABILITIES = "slice_probabilities"  # float32 [batch, slices]
ATTENTION = "attention"  # float32 [batch, slices + 1], the base slice last
LOGITS = "logits"  # float32 [batch, logits]

# Files, relative to the SavedModel. Model servers leave those of
# `assets.extra` alone, but for the warm-up requests, which they replay.
SLICES_FILE = "assets/slices.json"
CONTRACT_FILE = "assets.extra/signature.json"
CARD_FILE = "assets.extra/model_card.json"
CARD_TEXT_FILE = "assets.extra/model_card.md"
WEIGHTS_FILE = "assets.extra/weights_report.json"
CHECKSUMS_FILE = "assets.extra/SHA256SUMS"
WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"
