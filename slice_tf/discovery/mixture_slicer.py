"""The default slicer: two mixtures, one test for their components."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from slice_tf.discovery.candidates import (
    candidates,
    choose,
    membership_of,
)
from slice_tf.discovery.inputs import blocks, check_embeddings
from slice_tf.discovery.mixture import fit_mixture, normalised
from slice_tf.discovery.projection import fit_projection, sample_rows
from slice_tf.discovery.slicer import Slicer
from slice_tf.discovery.starts import cells_start, regions_start

# Of a component: enough to tell an error rate of 0.2 from one of 0.1.
_ROWS_A_COMPONENT = 120
_MOST_COMPONENTS = 50
# Of which mixtures are fitted, 800 a component; all rows are then measured.
_MAX_ROWS = 40_000


class MixtureSlicer(Slicer):
    """Finds slices in two mixtures, where errors exceed what is usual.

    One mixture is of the embeddings alone: it finds what is alike, also where
    few labels are wrong. The other knows labels and predictions, as Domino's,
    and begins with clusters inside each cell of the confusion matrix: it finds
    what a model confuses, also where that spreads over many likenesses. Each
    class in each component is a candidate; its error rate is compared with
    the usual one of the class, shrunken by 20 usual examples. The largest
    excess comes first; what repeats another slice's errors is left out. Of
    more than 40,000 rows the mixtures see a sample, the comparison all.

    Args:
        num_slices: Largest number of slices to report.
        num_components: Components of the mixture of embeddings. "auto" takes
            one for 120 rows, at most 50; of few rows one for 60, up to 6.
        num_error_components: Components of the other mixture.
        max_dim: Principal directions to keep. "auto" takes those that hold
            90 % of the variance, from 16 to 32.
        label_weight: Weight of labels and predictions in the second mixture.
        max_iter: Largest number of passes over the sample, for each mixture.
        tol: Gain of mean log likelihood below which passes end.
        random_state: Seed. The same seed gives the same slices.

    Attributes:
        slices_: One `Candidate` a slice, of label, size and error rate.
        n_iter_: Passes over the sample, of both mixtures.
    """

    def __init__(
        self,
        num_slices: int = 5,
        num_components: int | str = "auto",
        num_error_components: int = 25,
        max_dim: int | str = "auto",
        label_weight: float = 5.0,
        max_iter: int = 60,
        tol: float = 1e-3,
        random_state: int = 0,
    ) -> None:
        self.num_slices = num_slices
        self.num_components = num_components
        self.num_error_components = num_error_components
        self.max_dim = max_dim
        self.label_weight = label_weight
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def score_samples(self, embeddings: Any) -> Any:
        """Returns log densities under the mixture of embeddings, `[rows]`.

        Low where the slicer knows nothing like a row.

        Raises:
            ValueError: If the model made no errors in `fit`, since then no
                mixture was fitted.
        """
        check_is_fitted(self, "num_slices_")
        if not hasattr(self, "views_"):
            raise ValueError(
                "Densities need a mixture, which is fitted where a model makes "
                "errors. Received: errors=0. Nothing was to be found."
            )
        embeddings = check_embeddings(
            embeddings, self.n_features_in_, type(self).__name__
        )
        z = self.projection_(embeddings)
        return np.concatenate(
            [
                normalised(self.views_[0].log_joint(z[rows]))[1]
                for rows in blocks(len(z))
            ]
        )

    def _fit(self, embeddings: Any, labels: Any, probabilities: Any) -> int:
        rng = np.random.default_rng(self.random_state)
        self.projection_ = fit_projection(embeddings, self.max_dim, rng)
        z = self.projection_(embeddings, np.float32)
        many = self._num_components(len(z))
        rows = sample_rows(len(z), _MAX_ROWS, rng)
        sample = z[rows], labels[rows], probabilities[rows]
        views, self.n_iter_ = [], 0
        for start, count, weight in (
            (regions_start, many, 0.0),
            (cells_start, self.num_error_components, self.label_weight),
        ):
            begin = start(*sample, count, weight, rng)
            mixture, passes = fit_mixture(
                begin, *sample, self.max_iter, self.tol
            )
            views.append(mixture)
            self.n_iter_ += passes
        self.views_ = tuple(views)
        ranked = candidates(self.views_, z, labels, probabilities)
        self.slices_ = choose(
            self.views_, ranked, self.num_slices, z, labels, probabilities, rng
        )
        return len(self.slices_)

    def _num_components(self, num_rows: int) -> int:
        if self.num_components != "auto":
            return int(self.num_components)
        least = int(np.clip(num_rows // 60, 2, 6))
        return int(
            np.clip(num_rows // _ROWS_A_COMPONENT, least, _MOST_COMPONENTS)
        )

    def _scores(self, embeddings: Any, labels: Any, probabilities: Any) -> Any:
        z = self.projection_(embeddings)
        return membership_of(
            self.views_, self.slices_, z, labels, probabilities
        )
