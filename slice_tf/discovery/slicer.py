"""What every slicer has: scikit-learn's methods, and checks."""

import numbers
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from slice_tf.discovery.inputs import (
    blocks,
    check_embeddings,
    check_predictions,
)

_COUNTS = (
    "num_slices",
    "num_components",
    "max_dim",
    "max_iter",
)
_AMOUNTS = ("label_weight", "penalty", "tol")


class Slicer(BaseEstimator):
    """Finds groups of examples that a model gets wrong.

    Subclasses write `_fit` and `_scores`. After `fit`, `num_slices_` says how
    many were found, at most `num_slices`, the most certain first; none where
    the model makes no errors.
    """

    num_slices: int
    num_slices_: int
    n_features_in_: int
    # Whether `_fit` is to be called only where the model makes errors.
    _needs_errors = True

    def fit(
        self, embeddings: Any, labels: Any = None, probabilities: Any = None
    ) -> "Slicer":
        """Finds slices.

        Args:
            embeddings: Of shape `[rows, dim]`, finite; may be a mapped file.
            labels: Classes of shape `[rows]`, whole numbers from 0.
            probabilities: What the model said: `[rows, classes]`, or `[rows]`
                with the probability of class 1.

        Raises:
            ValueError: If shapes or values do not fit; the message names the
                first row that is wrong.
        """
        embeddings = check_embeddings(embeddings)
        labels, chances = check_predictions(
            labels, probabilities, len(embeddings)
        )
        self._check_parameters()
        for name in [one for one in vars(self) if one.endswith("_")]:
            delattr(self, name)  # What an earlier fit found.
        self.n_features_in_ = embeddings.shape[1]
        self.num_classes_ = chances.shape[1]
        wrong = chances.argmax(axis=1) != labels
        asked = wrong.any() or not self._needs_errors
        found = self._fit(embeddings, labels, chances) if asked else 0
        self.num_slices_ = found  # Last: what failed is not fitted.
        return self

    def predict_proba(
        self, embeddings: Any, labels: Any = None, probabilities: Any = None
    ) -> Any:
        """Returns how much each row is in each slice, `[rows, num_slices_]`.

        Args:
            embeddings: Of the encoder that the slicer was fitted with.
            labels: As in `fit`, or None where only embeddings are known.
            probabilities: As in `fit`; given with `labels` only.
        """
        check_is_fitted(self, "num_slices_")
        embeddings = check_embeddings(
            embeddings, self.n_features_in_, type(self).__name__
        )
        out = np.empty((len(embeddings), self.num_slices_))
        chances = None
        if labels is not None or probabilities is not None:
            labels, chances = check_predictions(
                labels, probabilities, len(embeddings)
            )
            if chances.shape[1] != self.num_classes_:
                raise ValueError(
                    "Probabilities must be of as many classes as the slicer "
                    f"was fitted with. Received: classes={chances.shape[1]}, "
                    f"fitted with={self.num_classes_}"
                )
        for rows in blocks(len(embeddings)) if self.num_slices_ else ():
            out[rows] = self._scores(
                np.asarray(embeddings[rows]),
                None if labels is None else labels[rows],
                None if chances is None else chances[rows],
            )
        return out

    def predict(self, embeddings: Any) -> Any:
        """Returns the slice in which each row is most, of shape `[rows]`.

        -1 stands for none: no slice holds the row by one half.
        """
        scores = self.predict_proba(embeddings)
        if not scores.shape[1]:
            return np.full(len(scores), -1)
        best = scores.argmax(axis=1)
        return np.where(scores.max(axis=1) >= 0.5, best, -1)

    def fit_predict(
        self, embeddings: Any, labels: Any = None, probabilities: Any = None
    ) -> Any:
        """Returns `fit(...).predict(embeddings)`."""
        return self.fit(embeddings, labels, probabilities).predict(embeddings)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags

    def _check_parameters(self) -> None:
        given = self.get_params(deep=False)
        defaults = type(self)().get_params(deep=False)
        for name in [one for one in _COUNTS if one in given]:
            value, auto = given[name], defaults[name] == "auto"
            if not (is_whole(value, 1) or (auto and value == "auto")):
                choice = ' or "auto"' if auto else ""
                raise ValueError(
                    f"`{name}` must be a whole number from 1{choice}. "
                    f"Received: {name}={value!r}"
                )
        for name in [one for one in _AMOUNTS if one in given]:
            value = given[name]
            if not (
                isinstance(value, numbers.Real) and 0 <= float(value) < np.inf
            ):
                raise ValueError(
                    f"`{name}` must be a number from 0. Received: "
                    f"{name}={value!r}"
                )
        seed = given.get("random_state")
        drawn = isinstance(seed, np.random.RandomState | np.random.Generator)
        if not (drawn or seed is None or is_whole(seed, 0)):
            raise ValueError(
                "`random_state` must be a whole number from 0. Received: "
                f"random_state={seed!r}"
            )

    def _fit(self, embeddings: Any, labels: Any, probabilities: Any) -> int:
        raise NotImplementedError

    def _scores(self, embeddings: Any, labels: Any, probabilities: Any) -> Any:
        raise NotImplementedError


def is_whole(value: Any, least: int) -> bool:
    """Tells whether it is a whole number of Python or NumPy, from `least`."""
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return whole and int(value) >= least
