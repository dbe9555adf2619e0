"""The default slicer: components of a mixture, ranked by excess of errors."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from slice_tf.discovery.candidates import candidates
from slice_tf.discovery.error_directions import (
    FAR,
    ErrorDirections,
    broad_slices,
)
from slice_tf.discovery.inputs import blocks, check_embeddings, error_of
from slice_tf.discovery.local_errors import LocalErrors
from slice_tf.discovery.mixture import fit_mixture, normalised
from slice_tf.discovery.projection import fit_projection, sample_rows
from slice_tf.discovery.regions import Regions
from slice_tf.discovery.slicer import Slicer
from slice_tf.discovery.starts import regions_start

# Of a component: enough to tell an error rate of 0.2 from one of 0.1.
_ROWS_A_COMPONENT = 120
_FEWEST_COMPONENTS, _MOST_COMPONENTS = 6, 50
# To which the mixture is fitted, 800 a component; all rows are then measured.
_MAX_ROWS = 40_000
_MAX_ROWS_OF_DIRECTIONS = 10_000


class MixtureSlicer(Slicer):
    """Finds where, among what is alike, a model errs more than is usual.

    A mixture of the embeddings, begun by k-means, finds what is alike; it
    knows neither labels nor predictions. Each class in each component is a
    candidate; its error rate is compared with the usual one of the class,
    shrunken by 30 usual examples, and the largest are reported. Where a
    class's errors grow along a direction that spreads over the components, up
    to half of the slices, the last, are what lies far along it. Of more than
    40,000 rows the mixture sees a sample, the comparison all.

    `predict_proba` tells how much an embedding is in a slice; with labels and
    probabilities it also says which of the slice's errors come first: those of
    which the model is surest, among the most others, far along the direction.

    Args:
        num_slices: Largest number of slices to report.
        num_components: Components of the mixture. "auto" takes one for 120
            rows, at most 50; of few rows one for 50, up to the number of
            classes or 6.
        max_dim: Principal directions to keep. "auto" takes those that hold
            90 % of the variance, from 16 to 32.
        max_iter: Largest number of passes over the sample. Few are best: with
            more, components of few rows fit themselves to chance.
        tol: Gain of mean log likelihood below which passes end.
        random_state: Seed. The same seed gives the same slices.

    Attributes:
        slices_: One `Candidate` a slice, of label, size and error rate; none
            where the model makes no errors.
        regions_: Where they lie, as a slicing function loads it.
        n_iter_: Passes over the sample.
    """

    _needs_errors = False

    def __init__(
        self,
        num_slices: int = 5,
        num_components: int | str = "auto",
        max_dim: int | str = "auto",
        max_iter: int = 5,
        tol: float = 1e-3,
        random_state: int = 0,
    ) -> None:
        self.num_slices = num_slices
        self.num_components = num_components
        self.max_dim = max_dim
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def score_samples(self, embeddings: Any) -> Any:
        """Returns log densities of embeddings, of shape `[rows]`.

        Low where the slicer knows nothing like a row.
        """
        check_is_fitted(self, "num_slices_")
        embeddings = check_embeddings(
            embeddings, self.n_features_in_, type(self).__name__
        )
        z = self.projection_(embeddings)
        return np.concatenate(
            [
                normalised(self.mixture_.log_joint(z[rows]))[1]
                for rows in blocks(len(z))
            ]
        )

    def _fit(self, embeddings: Any, labels: Any, probabilities: Any) -> int:
        rng = np.random.default_rng(self.random_state)
        self.projection_ = fit_projection(embeddings, self.max_dim, rng)
        z = self.projection_(embeddings, np.float32)
        rows = sample_rows(len(z), _MAX_ROWS, rng)
        some = z[rows], labels[rows], probabilities[rows]
        begin = regions_start(*some, self._num_components(len(z)), 0.0, rng)
        self.mixture_, self.n_iter_ = fit_mixture(
            begin, *some, self.max_iter, self.tol
        )
        self._choose(z, labels, probabilities, rng)
        self.local_errors_ = LocalErrors(
            z,
            labels,
            self.regions_.shares(z) * error_of(labels, probabilities)[:, None],
            [one.label for one in self.slices_],
            rng,
        )
        return len(self.slices_)

    def _choose(
        self, z: Any, labels: Any, probabilities: Any, rng: np.random.Generator
    ) -> None:
        """Sets the slices, and the regions that they are."""
        given = z, labels, probabilities
        found = candidates(self.mixture_, *given)[: self.num_slices]
        rows = sample_rows(len(z), _MAX_ROWS_OF_DIRECTIONS, rng)
        some = z[rows], labels[rows], probabilities[rows]
        directions = ErrorDirections(*some, [one.label for one in found])
        broad = broad_slices(directions, self.mixture_, *some, self.num_slices)
        found = found[: self.num_slices - len(broad)]
        found = directions.ranked(found, self.mixture_, *some[:2])
        views = [self.mixture_]
        for label, mixture in broad:
            found += [
                one
                for one in candidates(mixture, *given, view=len(views))
                if one.component == FAR and one.label == label
            ]
            views.append(mixture)
        places = [(one.view, one.component) for one in found]
        self.slices_, self.error_directions_ = found, directions
        self.regions_ = Regions(
            self.projection_, tuple(views), np.array(places).reshape(-1, 2)
        )

    def _num_components(self, num_rows: int) -> int:
        if self.num_components != "auto":
            return int(self.num_components)
        # A component of many classes says little of any.
        fewest = max(_FEWEST_COMPONENTS, self.num_classes_)
        least = int(np.clip(num_rows // 50, 2, fewest))
        return int(
            np.clip(num_rows // _ROWS_A_COMPONENT, least, _MOST_COMPONENTS)
        )

    def _scores(self, embeddings: Any, labels: Any, probabilities: Any) -> Any:
        z = self.projection_(embeddings)
        shares = self.regions_.shares(z)
        if labels is None:
            return shares
        error = error_of(labels, probabilities)
        error *= self.error_directions_(z, labels)
        return shares * error[:, None] * self.local_errors_(z, labels)
