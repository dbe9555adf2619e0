"""How much sources that vote on a label are to be believed."""

import dataclasses

import numpy as np
import numpy.typing as npt

ABSTAIN = -1
Integers = npt.NDArray[np.integer]


@dataclasses.dataclass(frozen=True)
class LabelModel:
    """Sources that err independently, each at a rate of its own.

    Args:
        accuracies: Of shape `[sources]`: how often a source that votes is
            right. Errors fall on all other classes alike.
        balance: Of shape `[classes]`: how common each class is.

    Source:
        Ratner et al., "Data programming", NeurIPS 2016, with independent
        sources.
    """

    accuracies: np.ndarray
    balance: np.ndarray

    def probabilities(self, votes: Integers) -> np.ndarray:
        """Returns the classes' probabilities given votes.

        Args:
            votes: Classes, of shape `[examples, sources]`; -1 abstains.

        Returns:
            Float32 of shape `[examples, classes]`.
        """
        classes = len(self.balance)
        right, wrong = self.accuracies, (1 - self.accuracies) / (classes - 1)
        agrees = votes[:, :, None] == np.arange(classes)
        said = (votes != ABSTAIN)[:, :, None]
        odds = np.where(agrees, np.log(right)[:, None], np.log(wrong)[:, None])
        scores = (odds * said).sum(axis=1) + np.log(self.balance)
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        return (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)


def fit_label_model(
    votes: Integers, num_classes: int, rounds: int = 100
) -> LabelModel:
    """Returns the likeliest label model of votes, by EM.

    Distinct rows of votes and their counts are all it reads again and again,
    so its cost does not grow with the number of examples.

    Args:
        votes: Classes, of shape `[examples, sources]`; -1 abstains.
        num_classes: Number of classes.
        rounds: Rounds of EM.

    Raises:
        ValueError: If a vote is no class and no abstention.
    """
    if votes.min(initial=0) < ABSTAIN or votes.max(initial=0) >= num_classes:
        raise ValueError(
            "`votes` must be classes or -1 for an abstention. Received: "
            f"votes from {votes.min()} to {votes.max()}, "
            f"num_classes={num_classes}"
        )
    rows, counts = np.unique(votes, axis=0, return_counts=True)
    said = rows != ABSTAIN
    agrees = rows[:, :, None] == np.arange(num_classes)
    total = np.maximum(counts @ said, 1)
    # It starts better than chance: else classes could trade places.
    model = LabelModel(
        np.full(votes.shape[1], 0.7), np.full(num_classes, 1 / num_classes)
    )
    for _ in range(rounds):
        weighed = counts[:, None] * model.probabilities(rows)
        right = np.einsum("rsc,rc->s", agrees, weighed) / total
        balance = (weighed.sum(axis=0) / counts.sum()).clip(1e-3)
        model = LabelModel(right.clip(0.01, 0.99), balance / balance.sum())
    return model
