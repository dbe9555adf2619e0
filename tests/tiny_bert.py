"""A tiny BERT in the form of released ones, its weights made by NumPy."""

import json

import numpy as np
from safetensors.numpy import save_file

VOCABULARY = (
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]"),
    *("the", "film", "un", "##watch", "##able", "##s", "cafe", "!", "中"),
    *("who", "b", "##ook"),
)
TEXTS = ["The films: unwatchable!", "CAFÉ 中中", "who?", ""]
SECOND = ["books", "the the the the the film film film", "", "Un"]
CONFIG = {
    "model_type": "bert",
    "vocab_size": len(VOCABULARY),
    "hidden_size": 4,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 6,
    "max_position_embeddings": 16,
    "type_vocab_size": 2,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
}


def write_tiny_bert(directory, **config):
    """Writes config, weights and vocabulary."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text(json.dumps({**CONFIG, **config}))
    (directory / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
    rng = np.random.default_rng(5)
    weights = {
        name: rng.normal(size=shape).astype("float32")
        for name, shape in _shapes()
    }
    metadata = {"format": "pt"}
    save_file(weights, directory / "model.safetensors", metadata)
    return directory


def _shapes():
    dim, inner = CONFIG["hidden_size"], CONFIG["intermediate_size"]
    rows = {
        "word": len(VOCABULARY),
        "position": CONFIG["max_position_embeddings"],
        "token_type": 2,
    }
    for name, size in rows.items():
        yield f"embeddings.{name}_embeddings.weight", (size, dim)
    yield from _norm("embeddings.LayerNorm", dim)
    for position in range(CONFIG["num_hidden_layers"]):
        root = f"encoder.layer.{position}"
        for part in ("query", "key", "value"):
            yield from _dense(f"{root}.attention.self.{part}", dim, dim)
        yield from _dense(f"{root}.attention.output.dense", dim, dim)
        yield from _norm(f"{root}.attention.output.LayerNorm", dim)
        yield from _dense(f"{root}.intermediate.dense", dim, inner)
        yield from _dense(f"{root}.output.dense", inner, dim)
        yield from _norm(f"{root}.output.LayerNorm", dim)


def _dense(name, incoming, outgoing):
    yield f"{name}.weight", (outgoing, incoming)
    yield f"{name}.bias", (outgoing,)


def _norm(name, dim):
    yield f"{name}.weight", (dim,)
    yield f"{name}.bias", (dim,)
