"""Released weights of BERT and its relatives as a backbone."""

import json
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from slice_tf.backbones.bert import BertBlock, BertEncoder
from slice_tf.backbones.word_pieces import WordPieces

_FILES = ("config.json", "model.safetensors", "vocab.txt")
_WANTED = {"hidden_act": "gelu", "position_embedding_type": "absolute"}


def build_bert(
    features: Sequence[str],
    directory: str | os.PathLike[str],
    *,
    length: int = 128,
    dropout: float = 0.1,
    train_pieces: bool = False,
) -> keras.Model:
    """Returns a backbone that reads one or two texts with a BERT encoder.

    Args:
        features: Names of one or two string features.
        directory: What `load_bert` reads, and `vocab.txt`.
        length: Most word pieces of an example.
        dropout: Share that is dropped in training.
        train_pieces: Whether the table of word pieces is trained, too.

    Returns:
        A model from a dict of strings, each of shape `[batch]`, to the mean
        of the vectors of all pieces, `[batch, dim]`.

    Raises:
        ValueError: If there are not one or two features, or as `load_bert`.
    """
    if isinstance(features, str) or len(features) not in (1, 2):
        raise ValueError(
            "`features` must name one or two features, because BERT reads "
            f"one text or a pair. Received: features={features!r}"
        )
    home = _checked(directory)
    encoder = load_bert(home, dropout=dropout, train_pieces=train_pieces)
    texts = {
        name: keras.Input((), dtype="string", name=name) for name in features
    }
    pieces = WordPieces(
        home / "vocab.txt",
        length=min(length, encoder.length),
        lower=_lowers(home),
    )(*texts.values())
    mean = keras.layers.GlobalAveragePooling1D()
    z = mean(encoder(pieces), mask=pieces["padding_mask"])
    return keras.Model(texts, z, name="bert")


def load_bert(
    directory: str | os.PathLike[str],
    *,
    dropout: float = 0.1,
    train_pieces: bool = True,
) -> BertEncoder:
    """Returns an encoder with the weights of a model's directory.

    Reads `config.json` and `model.safetensors` as Hugging Face's libraries
    write them for BERT. Needs safetensors, as in `pip install
    'slice-tf[nlp]'`.

    Args:
        directory: The model's directory.
        dropout: Share that is dropped in training.
        train_pieces: Whether the table of word pieces is trained.

    Raises:
        FileNotFoundError: If a file is missing.
        ImportError: If safetensors is not installed.
        ValueError: If the model is of another kind.
    """
    home = _checked(directory)
    config = json.loads((home / "config.json").read_text(encoding="utf-8"))
    odd = {
        key: config[key]
        for key, value in {"model_type": "bert", **_WANTED}.items()
        if config.get(key, value) != value
    }
    if odd:
        raise ValueError(
            "The model must be a BERT with GELU and absolute places. "
            f"Received: directory={home}, config={odd}"
        )
    encoder = BertEncoder(
        config["vocab_size"],
        dim=config["hidden_size"],
        num_blocks=config["num_hidden_layers"],
        num_heads=config["num_attention_heads"],
        inner_dim=config["intermediate_size"],
        length=config["max_position_embeddings"],
        dropout=dropout,
        train_pieces=train_pieces,
    )
    encoder.build(None)
    _fill(encoder, _read(home / "model.safetensors"))
    return encoder


def _checked(directory: str | os.PathLike[str]) -> pathlib.Path:
    home = pathlib.Path(directory)
    missing = [name for name in _FILES if not (home / name).is_file()]
    if missing:
        raise FileNotFoundError(
            "A BERT's directory must hold its config, weights and "
            f"vocabulary. Received: directory={home}, "
            f"missing={', '.join(missing)}"
        )
    return home


def _lowers(home: pathlib.Path) -> bool:
    path = home / "tokenizer_config.json"
    if not path.is_file():
        return True
    config = json.loads(path.read_text(encoding="utf-8"))
    return bool(config.get("do_lower_case", True))


def _read(path: pathlib.Path) -> dict[str, Any]:
    try:
        from safetensors.numpy import load_file
    except ImportError as error:
        raise ImportError(
            "Weights are read with safetensors. Install it with "
            f"`pip install 'slice-tf[nlp]'`. Received: path={path}"
        ) from error
    weights = load_file(path)
    return {name.removeprefix("bert."): one for name, one in weights.items()}


def _fill(encoder: BertEncoder, weights: dict[str, Any]) -> None:
    try:
        for layer, key in (
            (encoder.pieces, "word_embeddings"),
            (encoder.places, "position_embeddings"),
            (encoder.segments, "token_type_embeddings"),
        ):
            layer.set_weights([weights[f"embeddings.{key}.weight"]])
        _fill_norm(encoder.norm, weights, "embeddings.LayerNorm")
        for position, block in enumerate(encoder.blocks):
            _fill_block(block, weights, f"encoder.layer.{position}")
    except KeyError as error:
        raise ValueError(
            "The weights must be those of the config's model. "
            f"Received: missing={error}"
        ) from error


def _fill_block(block: BertBlock, weights: dict[str, Any], root: str) -> None:
    heads, values = block.num_heads, []
    for part in ("query", "key", "value"):
        kernel, bias = _dense(weights, f"{root}.attention.self.{part}")
        values += [
            kernel.reshape(len(kernel), heads, -1),
            bias.reshape(heads, -1),
        ]
    kernel, bias = _dense(weights, f"{root}.attention.output.dense")
    values += [kernel.reshape(heads, -1, kernel.shape[1]), bias]
    block.attention.set_weights(values)
    block.inner.set_weights(_dense(weights, f"{root}.intermediate.dense"))
    block.outer.set_weights(_dense(weights, f"{root}.output.dense"))
    first, second = "attention.output.LayerNorm", "output.LayerNorm"
    _fill_norm(block.first_norm, weights, f"{root}.{first}")
    _fill_norm(block.second_norm, weights, f"{root}.{second}")


def _dense(weights: dict[str, Any], root: str) -> list[Any]:
    """Returns kernel and bias; PyTorch keeps kernels transposed."""
    kernel = np.ascontiguousarray(weights[f"{root}.weight"].T)
    return [kernel, weights[f"{root}.bias"]]


def _fill_norm(layer: Any, weights: dict[str, Any], root: str) -> None:
    layer.set_weights([weights[f"{root}.weight"], weights[f"{root}.bias"]])
