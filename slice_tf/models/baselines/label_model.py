"""How much sources that vote on a label are to be believed."""

import dataclasses

import numpy as np
import numpy.typing as npt

ABSTAIN = -1
# What sources are believed to be before their votes are compared, and how
# many examples that belief counts for.
FIRST_ACCURACY, PRIOR_EXAMPLES = 0.7, 10.0
Integers = npt.NDArray[np.integer]


@dataclasses.dataclass(frozen=True)
class LabelModel:
    """Sources that vote independently, given the class.

    Args:
        vote_rates: Of shape `[sources, classes, 1 + classes]`: how often a
            source abstains, and votes for each class, where the truth is a
            class. Abstaining tells something, too.
        balance: Of shape `[classes]`: how common each class is.

    Source:
        Ratner et al., "Data programming", NeurIPS 2016, with independent
        sources; rates by class as in Ratner et al., "Training complex models
        with multi-task weak supervision", AAAI 2019.
    """

    vote_rates: np.ndarray
    balance: np.ndarray

    def probabilities(self, votes: Integers) -> np.ndarray:
        """Returns the classes' probabilities given votes.

        Args:
            votes: Classes, of shape `[examples, sources]`; -1 abstains.

        Returns:
            Float32 of shape `[examples, classes]`.
        """
        # A source that never votes must not make log(0) times 0.
        evidence = np.log(np.maximum(self.vote_rates, 1e-12))
        scores = np.log(self.balance) + np.einsum(
            "rsv,scv->rc", _one_hot(votes, len(self.balance)), evidence
        )
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        return (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)


def fit_label_model(
    votes: Integers,
    num_classes: int,
    balance: npt.ArrayLike | None = None,
    rounds: int = 100,
) -> LabelModel:
    """Returns the likeliest label model of votes, by EM.

    Distinct rows of votes and their counts are all it reads again and again,
    so its cost does not grow with the number of examples.

    Args:
        votes: Classes, of shape `[examples, sources]`; -1 abstains.
        num_classes: Number of classes.
        balance: How common each class is, of shape `[classes]`; `None` takes
            all as equally common. It is not learned: sources that vote for
            one class only would explain everything by that class.
        rounds: Rounds of EM.

    Raises:
        ValueError: If a vote is no class and no abstention, or a class has
            no share.
    """
    if votes.min(initial=0) < ABSTAIN or votes.max(initial=0) >= num_classes:
        raise ValueError(
            "`votes` must be classes or -1 for an abstention. Received: "
            f"votes from {votes.min()} to {votes.max()}, "
            f"num_classes={num_classes}"
        )
    shares = _check_balance(balance, num_classes)
    rows, counts = np.unique(votes, axis=0, return_counts=True)
    seen = _one_hot(rows, num_classes)
    first = _first_rates(np.einsum("rsv,r->sv", seen, counts / counts.sum()))
    model = LabelModel(first, shares)
    for _ in range(rounds):
        weighed = counts[:, None] * model.probabilities(rows)
        found = np.einsum("rsv,rc->scv", seen, weighed)
        found += PRIOR_EXAMPLES * first
        rates = found / found.sum(axis=2, keepdims=True)
        model = LabelModel(rates, shares)
    return model


def _first_rates(outcomes: np.ndarray) -> np.ndarray:
    """Returns vote rates of sources better than chance.

    Args:
        outcomes: How often each source abstains and votes for each class, of
            shape `[sources, 1 + classes]`.
    """
    classes = outcomes.shape[1] - 1
    wrong = (1 - FIRST_ACCURACY) / (classes - 1)
    believed = np.where(np.eye(classes, dtype=bool), FIRST_ACCURACY, wrong)
    believed = np.concatenate([np.ones((classes, 1)), believed], axis=1)
    rates = outcomes[:, None, :] * believed
    return np.asarray(rates / rates.sum(axis=2, keepdims=True))


def _one_hot(votes: Integers, num_classes: int) -> np.ndarray:
    """Returns what each source says: abstention first, then the classes."""
    return votes[:, :, None] == np.arange(ABSTAIN, num_classes)


def _check_balance(
    balance: npt.ArrayLike | None, num_classes: int
) -> np.ndarray:
    if balance is None:
        return np.full(num_classes, 1 / num_classes)
    shares = np.asarray(balance, np.float64)
    if shares.shape != (num_classes,) or not (shares > 0).all():
        raise ValueError(
            "`balance` must hold a positive share of each class, because a "
            "class without one would never be predicted. "
            f"Received: balance={shares.tolist()}, num_classes={num_classes}"
        )
    return np.asarray(shares / shares.sum())
