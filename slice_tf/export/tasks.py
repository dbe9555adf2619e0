"""Makes what TensorFlow Serving's Classify and Regress call of a graph."""

import pathlib
from typing import Any

from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from slice_tf.export import signatures as names

_CLASSIFY = "tensorflow/serving/classify"
_REGRESS = "tensorflow/serving/regress"
_METHODS = {names.CLASSIFY: _CLASSIFY, names.REGRESS: _REGRESS}


def finish_signatures(directory: pathlib.Path) -> None:
    """Lets Classify, Regress and MultiInference call the graph.

    TensorFlow calls every signature one to predict with, and gives each an
    input of its own. Servers that check method names would not classify by
    them, and MultiInference, which runs once what several signatures ask,
    refuses those that do not read one and the same input.

    So the signatures of tasks become views: where there is `heads`, of its
    one call, which then also gets a signature for each slice; else of their
    own calls, but with one input.

    Args:
        directory: A SavedModel.
    """
    path = directory / "saved_model.pb"
    message = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    for graph in message.meta_graphs:
        if names.HEADS in graph.signature_def:
            _view_heads(graph.signature_def)
        else:
            _share_input(graph)
        for name, signature in graph.signature_def.items():
            if name in _METHODS:
                signature.method_name = _METHODS[name]
    path.write_bytes(message.SerializeToString(deterministic=True))


def _view_heads(signatures: Any) -> None:
    """Makes task signatures of the outputs of `heads`."""
    heads = meta_graph_pb2.SignatureDef()
    heads.CopyFrom(signatures[names.HEADS])
    for name in _METHODS:
        if name in signatures:
            own = list(signatures[name].outputs)
            signatures[name].Clear()
            _view(signatures[name], heads, {key: key for key in own})
    for name in heads.outputs:
        if name.startswith(names.INDICATOR):
            _view(signatures[name], heads, {names.OUTPUTS: name})
            signatures[name].method_name = _REGRESS
        elif name.startswith(names.EXPERT):
            _view_expert(signatures[name], heads, name)


def _view_expert(signature: Any, heads: Any, name: str) -> None:
    """Makes a signature of what one slice's expert says."""
    if names.CLASSES in heads.outputs:
        outputs = {names.CLASSES: names.CLASSES, names.SCORES: name}
        signature.method_name = _CLASSIFY
    else:
        outputs = {names.OUTPUTS: name}
        signature.method_name = _REGRESS
    _view(signature, heads, outputs)


def _view(signature: Any, heads: Any, outputs: dict[str, str]) -> None:
    given = heads.inputs[names.EXAMPLES_INPUT]
    signature.inputs[names.TASK_INPUT].CopyFrom(given)
    for alias, name in outputs.items():
        signature.outputs[alias].CopyFrom(heads.outputs[name])


def _share_input(graph: Any) -> None:
    """Lets `regress` read the input of `classify`."""
    signatures = graph.signature_def
    if not set(_METHODS) <= set(signatures):
        return
    kept, dropped = (
        signatures[name].inputs[names.TASK_INPUT].name.partition(":")[0]
        for name in _METHODS
    )
    signatures[names.REGRESS].inputs[names.TASK_INPUT].name = f"{kept}:0"
    for node in graph.graph_def.node:
        for place, source in enumerate(node.input):
            if source == dropped:
                node.input[place] = kept
    nodes = [node for node in graph.graph_def.node if node.name != dropped]
    del graph.graph_def.node[:]
    graph.graph_def.node.extend(nodes)
