"""Texts to ids of word pieces, inside the graph."""

import os
import pathlib
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from slice_tf.backbones.characters import (
    CHINESE_BEYOND,
    NUM_CHARACTERS,
    normal_characters,
)

PAD, UNKNOWN, FIRST, LAST = SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
_CONTINUES = "##"
_MAX_CHARACTERS = 100  # A longer word is unknown.
_NONE, _FAILED = -1, -2


@keras.saving.register_keras_serializable(package="slice_tf")
class WordPieces(keras.layers.Layer):
    """Cuts texts into the word pieces of BERT, so that models take strings.

    It consists of TensorFlow's own operations: what is exported with it needs
    no tokenizer where it is served, neither Python nor custom operations. A
    word becomes the longest piece that begins it, then the longest that goes
    on, or unknown as a whole. Texts longer than `length` lose their end; of
    two texts the longer one loses first. XLA cannot compile it.

    Args:
        vocabulary: Pieces in the order of their ids, or a file of one a line.
            Must have `[PAD]`, `[UNK]`, `[CLS]` and `[SEP]`.
        length: Most pieces of an example, the special ones among them. A
            batch is as wide as its longest example.
        lower: Whether letters lose case and accents, as in uncased models.

    Call arguments:
        text: Strings, of shape `[batch]`, in UTF-8.
        second: More of the same, for tasks of two texts.

    Returns:
        A dict of `token_ids` (`[CLS]`, the text, `[SEP]` and, of two texts,
        the second and `[SEP]`), `segment_ids` (1 from the second text on) and
        `padding_mask` (1 where there is a piece): int32 `[batch, pieces]`.
        They are named as KerasHub's backbones read them.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the vocabulary lacks a special piece or names one
            twice, or `length` leaves no place for text.

    Source:
        Devlin et al. 2019; greedy longest match of Wu et al. 2016, 4.1.
    """

    def __init__(
        self,
        vocabulary: Sequence[str] | str | os.PathLike[str],
        *,
        length: int = 128,
        lower: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(vocabulary, (str, os.PathLike)):
            text = pathlib.Path(vocabulary).read_text(encoding="utf-8")
            vocabulary = text.rstrip("\n").split("\n")
        self.vocabulary = tuple(vocabulary)
        self.length, self.lower = length, lower
        _check(self.vocabulary, length)
        self._ids = {one: self.vocabulary.index(one) for one in SPECIAL}
        with tf.init_scope():
            self.table = tf.lookup.StaticHashTable(
                tf.lookup.KeyValueTensorInitializer(
                    list(self.vocabulary),
                    tf.range(len(self.vocabulary), dtype=tf.int32),
                ),
                default_value=_NONE,
            )
            self._characters = tf.constant(normal_characters(lower))
        self._longest = max(
            len(one.removeprefix(_CONTINUES)) for one in self.vocabulary
        )

    def call(self, text: Any, second: Any = None) -> dict[str, Any]:
        pieces = self._pieces(text)
        if second is None:
            return self._joined(_limited(pieces, self.length - 2))
        other, room = self._pieces(second), self.length - 3
        sizes, others = pieces.row_lengths(), other.row_lengths()
        half = (room + tf.cast(sizes > others, tf.int64)) // 2
        pieces = _limited(pieces, tf.maximum(room - others, half))
        other = _limited(other, room - pieces.row_lengths())
        return self._joined(pieces, other)

    def _joined(self, *parts: Any) -> dict[str, Any]:
        """Returns parts of ragged shape `[batch, (pieces)]` as one row each."""
        rows = parts[0].nrows()
        last = tf.fill([rows, 1], self._ids[LAST])
        first = tf.fill([rows, 1], self._ids[FIRST])
        ended = [one for part in parts for one in (part, last)]
        row = tf.concat([first, *ended], axis=1)
        ids = row.to_tensor(self._ids[PAD])
        places = tf.range(tf.shape(ids)[1], dtype=tf.int64)[None]
        present = places < row.row_lengths()[:, None]
        later = present & (places >= parts[0].row_lengths()[:, None] + 2)
        return {
            "token_ids": ids,
            "segment_ids": tf.cast(later, tf.int32),
            "padding_mask": tf.cast(present, tf.int32),
        }

    def _pieces(self, text: Any) -> Any:
        """Returns ids of ragged shape `[batch, (pieces)]`."""
        words = tf.strings.split(self._normal(text))
        known, places = tf.unique(words.flat_values)
        ids = self._ids_of_words(known)
        pieces = tf.ragged.boolean_mask(ids, ids != _NONE)
        return words.with_values(tf.gather(pieces, places)).merge_dims(1, 2)

    def _normal(self, text: Any) -> Any:
        """Returns texts whose words are apart and, perhaps, lower-case."""
        codes = tf.strings.unicode_decode(text, "UTF-8")
        code = codes.flat_values
        chinese = tf.zeros_like(code, tf.bool)
        for first, last in CHINESE_BEYOND:
            chinese |= (code >= first) & (code <= last)
        beyond = tf.strings.unicode_encode(code[:, None], "UTF-8")
        beyond = tf.where(chinese, " " + beyond + " ", beyond)
        known = tf.minimum(code, NUM_CHARACTERS - 1)
        normal = tf.where(
            code < NUM_CHARACTERS, tf.gather(self._characters, known), beyond
        )
        return tf.strings.reduce_join(codes.with_flat_values(normal), axis=1)

    def _ids_of_words(self, words: Any) -> Any:
        """Returns ids `[words, pieces]`, -1 after a word's last piece."""
        sizes = tf.strings.length(words, unit="UTF8_CHAR")
        too_long = sizes > _MAX_CHARACTERS

        def cut(starts: Any, ids: Any) -> tuple[Any, Any]:
            rows = tf.where(starts < sizes)
            at = [tf.gather_nd(one, rows) for one in (words, starts, sizes)]
            piece, width = self._longest_piece(*at)
            stops = tf.where(piece == _FAILED, at[2], at[1] + width)
            column = tf.fill(tf.shape(starts), _NONE)
            column = tf.tensor_scatter_nd_update(column, rows, piece)
            return (
                tf.tensor_scatter_nd_update(starts, rows, stops),
                tf.concat([ids, column[:, None]], axis=1),
            )

        _, ids = tf.while_loop(
            lambda starts, _: tf.reduce_any(starts < sizes),
            cut,
            (
                tf.where(too_long, sizes, 0),
                tf.where(too_long, _FAILED, _NONE)[:, None],
            ),
            shape_invariants=(sizes.shape, tf.TensorShape([None, None])),
        )
        failed = tf.reduce_any(ids == _FAILED, axis=1, keepdims=True)
        only = tf.one_hot(0, tf.shape(ids)[1], self._ids[UNKNOWN], _NONE)
        return tf.where(failed, only, ids)

    def _longest_piece(self, word: Any, start: Any, size: Any) -> Any:
        """Returns id and width of the longest piece that begins at `start`."""
        widths = tf.range(1, self._longest + 1)
        shape = [tf.shape(word)[0], self._longest]
        parts = tf.strings.substr(
            tf.broadcast_to(word[:, None], shape),
            tf.broadcast_to(start[:, None], shape),
            tf.broadcast_to(widths, shape),
            unit="UTF8_CHAR",
        )
        ids = self.table.lookup(
            tf.where(start > 0, _CONTINUES, "")[:, None] + parts
        )
        found = (ids != _NONE) & (widths <= (size - start)[:, None])
        width = tf.reduce_max(tf.where(found, widths, 0), axis=1)
        best = tf.maximum(width - 1, 0)
        piece = tf.gather(ids, best, axis=1, batch_dims=1)
        return tf.where(width > 0, piece, _FAILED), width

    def compute_output_spec(self, text: Any, second: Any = None) -> Any:
        names = ("token_ids", "segment_ids", "padding_mask")
        return {
            name: keras.KerasTensor((text.shape[0], None), "int32")
            for name in names
        }

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "vocabulary": list(self.vocabulary),
            "length": self.length,
            "lower": self.lower,
        }


def _limited(pieces: Any, limit: Any) -> Any:
    """Returns rows that are at most as long as a limit, or one limit each."""
    sizes = pieces.row_lengths()
    limits = tf.broadcast_to(tf.cast(limit, tf.int64), tf.shape(sizes))
    places = tf.ragged.range(sizes)
    kept = places.flat_values < tf.repeat(limits, sizes)
    return tf.ragged.boolean_mask(pieces, places.with_flat_values(kept))


def _check(vocabulary: tuple[str, ...], length: int) -> None:
    missing = [one for one in SPECIAL if one not in vocabulary]
    if missing:
        raise ValueError(
            "`vocabulary` must have the special pieces, because every text "
            f"is wrapped in them. Received: missing={', '.join(missing)}"
        )
    if len(set(vocabulary)) < len(vocabulary):
        twice = sorted({x for x in vocabulary if vocabulary.count(x) > 1})
        raise ValueError(
            "`vocabulary` must name each piece once, because its place is "
            f"its id. Received: twice={', '.join(twice[:5])}"
        )
    if length < 4:
        raise ValueError(
            "`length` must be 4 or more, because special pieces take three. "
            f"Received: length={length}"
        )
