"""A SavedModel that is not ours."""

import tensorflow as tf


def save_plain(path):
    """Writes a model that is not ours, of answers one can check by hand."""

    def named(*names, dtype=tf.float32, shape=(None,)):
        return {name: tf.TensorSpec(shape, dtype, name) for name in names}

    module = tf.Module()
    module.half = tf.Variable(0.5)
    module.two = tf.Variable(2.0)
    functions = {
        "serving_default": (
            lambda x: {"y": module.half * x + module.two},
            named("x", shape=None),
        ),
        "text": (
            lambda a, s: {"half": a / 2, "echo": s, "echo_bytes": s},
            named("a") | named("s", dtype=tf.string),
        ),
        "total": (lambda x: {"y": tf.reduce_sum(x)}, named("x")),
        "unequal": (lambda x: {"y": x, "n": tf.ones([3])}, named("x")),
        "half_out": (lambda x: {"y": tf.cast(x, tf.float16)}, named("x")),
        "matmul": (
            lambda x: {"y": tf.matmul(x, tf.ones([4, 2]))},
            named("x", shape=(None, 4)),
        ),
    }

    def parsed(inputs):
        features = {"x": tf.io.FixedLenFeature([], tf.float32)}
        return tf.io.parse_example(inputs, features)["x"]

    serialized = named("inputs", dtype=tf.string)
    functions |= {
        "regress": (lambda inputs: {"outputs": parsed(inputs) / 2}, serialized),
        "classify": (
            lambda inputs: {
                "scores": tf.stack([parsed(inputs), -parsed(inputs)], 1),
                "classes": tf.tile([["up", "down"]], [tf.size(inputs), 1]),
            },
            serialized,
        ),
        "scores": (
            lambda inputs: {"scores": parsed(inputs)[:, None]},
            serialized,
        ),
        "flat_scores": (lambda inputs: {"scores": parsed(inputs)}, serialized),
        "one_score": (lambda inputs: {"scores": tf.ones([1, 2])}, serialized),
        "uneven": (
            lambda inputs: {
                "scores": parsed(inputs)[:, None],
                "classes": tf.tile([["up", "down"]], [tf.size(inputs), 1]),
            },
            serialized,
        ),
        "double_regress": (
            lambda inputs: {"outputs": tf.cast(parsed(inputs), tf.float64)},
            serialized,
        ),
    }
    for name in ("int8", "uint8", "int32", "int64", "bool", "float16"):
        functions[name] = (
            lambda x: {"y": tf.identity(x)},
            named("x", dtype=tf.as_dtype(name)),
        )
    signatures = {
        name: tf.function(function, autograph=False).get_concrete_function(
            **specs
        )
        for name, (function, specs) in functions.items()
    }
    tf.saved_model.save(module, str(path), signatures=signatures)
