"""The encoder of BERT."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="slice_tf")
class BertEncoder(keras.layers.Layer):
    """Turns word pieces into vectors that know of one another.

    Layer normalization comes after each residual sum and GELU is exact, as
    in the released weights of BERT and its distilled relatives, which
    `load_bert` reads.

    Args:
        num_pieces: Size of the vocabulary.
        dim: Width of a vector.
        num_blocks: Number of blocks.
        num_heads: Attention heads of a block; must divide `dim`.
        inner_dim: Width of the hidden layer in a block.
        length: Most pieces in a row.
        dropout: Share that is dropped in training.
        train_pieces: Whether the table of pieces, half of a small encoder's
            weights, is trained, too.

    Call arguments:
        inputs: The dict that `WordPieces` returns.

    Returns:
        Of shape `[batch, pieces, dim]`.

    Raises:
        ValueError: If `num_heads` does not divide `dim`.

    Source:
        Devlin et al. 2019; Vaswani et al. 2017, 3.1.
    """

    def __init__(
        self,
        num_pieces: int,
        *,
        dim: int,
        num_blocks: int,
        num_heads: int,
        inner_dim: int,
        length: int = 512,
        dropout: float = 0.1,
        train_pieces: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if dim % num_heads:
            raise ValueError(
                "`num_heads` must divide `dim`, because heads share it. "
                f"Received: dim={dim}, num_heads={num_heads}"
            )
        self.num_pieces, self.dim, self.length = num_pieces, dim, length
        self.num_blocks, self.num_heads = num_blocks, num_heads
        self.inner_dim, self.dropout = inner_dim, dropout
        self.train_pieces = train_pieces
        self.pieces = self._embedding(num_pieces, "pieces")
        self.pieces.trainable = train_pieces
        self.places = self._embedding(length, "places")
        self.segments = self._embedding(2, "segments")
        self.norm = _norm("norm", self.dtype_policy)
        self.drop = keras.layers.Dropout(dropout)
        self.blocks = [
            BertBlock(
                num_heads,
                inner_dim,
                dropout,
                dtype=self.dtype_policy,
                name=f"block_{position}",
            )
            for position in range(num_blocks)
        ]

    def _embedding(self, size: int, name: str) -> keras.layers.Embedding:
        return keras.layers.Embedding(
            size,
            self.dim,
            embeddings_initializer=keras.initializers.TruncatedNormal(
                stddev=0.02
            ),
            dtype=self.dtype_policy,
            name=name,
        )

    def build(self, input_shape: Any) -> None:
        for one in (self.pieces, self.places, self.segments):
            one.build()
        for one in (self.norm, *self.blocks):
            one.build((None, None, self.dim))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        ids = inputs["token_ids"]
        states = self.pieces(ids) + self.segments(inputs["segment_ids"])
        states = states + self.places(ops.arange(ops.shape(ids)[1]))
        states = self.drop(self.norm(states), training=training)
        mask = ops.cast(inputs["padding_mask"], "bool")[:, None, :]
        for block in self.blocks:
            states = block(states, mask, training=training)
        return states

    def compute_output_spec(self, inputs: Any, **_: Any) -> Any:
        shape = (*inputs["token_ids"].shape, self.dim)
        return keras.KerasTensor(shape, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        names = (
            *("num_pieces", "dim", "num_blocks", "num_heads", "inner_dim"),
            *("length", "dropout", "train_pieces"),
        )
        own = {name: getattr(self, name) for name in names}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="slice_tf")
class BertBlock(keras.layers.Layer):
    """Attention, then a hidden layer, each added to what it was given.

    Args:
        num_heads: Attention heads.
        inner_dim: Width of the hidden layer.
        dropout: Share that is dropped in training.

    Call arguments:
        states: Of shape `[batch, pieces, dim]`.
        mask: False where nothing is to be looked at, `[batch, 1, pieces]`.

    Returns:
        Of the shape of `states`.
    """

    def __init__(
        self, num_heads: int, inner_dim: int, dropout: float, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.num_heads, self.inner_dim = num_heads, inner_dim
        self.dropout = dropout
        self.drop = keras.layers.Dropout(dropout)

    def build(self, shape: Any) -> None:
        dim, policy = shape[-1], self.dtype_policy
        self.attention = keras.layers.MultiHeadAttention(
            self.num_heads,
            dim // self.num_heads,
            dropout=self.dropout,
            dtype=policy,
            name="attention",
        )
        self.attention.build(shape, shape)
        self.inner = keras.layers.Dense(
            self.inner_dim, "gelu", dtype=policy, name="inner"
        )
        self.outer = keras.layers.Dense(dim, dtype=policy, name="outer")
        self.inner.build(shape)
        self.outer.build((*shape[:-1], self.inner_dim))
        self.first_norm = _norm("first_norm", policy)
        self.second_norm = _norm("second_norm", policy)
        self.first_norm.build(shape)
        self.second_norm.build(shape)

    def call(self, states: Any, mask: Any, training: bool | None = None) -> Any:
        seen = self.attention(
            states, states, attention_mask=mask, training=training
        )
        seen = self.drop(seen, training=training)
        states = self.first_norm(states + seen)
        thought = self.outer(self.inner(states))
        thought = self.drop(thought, training=training)
        return self.second_norm(states + thought)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "inner_dim": self.inner_dim,
            "dropout": self.dropout,
        }


def _norm(name: str, policy: Any) -> keras.layers.LayerNormalization:
    return keras.layers.LayerNormalization(
        epsilon=1e-12, dtype=policy, name=name
    )
