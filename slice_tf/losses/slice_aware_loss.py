"""All losses of a slice-aware model, weighed by a recipe."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from keras import ops

from slice_tf.losses.base_loss import base_loss
from slice_tf.losses.expert_loss import expert_loss
from slice_tf.losses.indicator_loss import indicator_loss
from slice_tf.losses.recipe import Recipe

# Rarer slices weigh as if they were this common: one example must not move
# the model more than a thousand others do together.
LEAST_RATE = 1e-3


class SliceAwareLoss:
    """Computes `base + indicator + expert` losses of each example.

    Rates come from the whole data set, never from the batch: a mean of ratios
    over replicas or batches is not the ratio of the whole.

    Args:
        recipe: How the parts are weighed.
        num_slices: Number of slices, the base slice not counted.
        slice_rates: Share of all examples that is in each slice, of shape
            `[slices]`. `None` leaves members and others, and all slices'
            experts, with weights of 1.
        monitor_only: Positions of slices whose experts are not trained and
            whose members do not weigh more; their indicators are trained.
        task: What logits mean; see `prediction_loss`.

    Raises:
        ValueError: If `slice_rates` is of another length or not from 0 to 1.

    Source:
        Chen et al. 2019, section 3.2, with the recipe `paper`.
    """

    def __init__(
        self,
        recipe: Recipe,
        num_slices: int,
        slice_rates: npt.ArrayLike | None = None,
        monitor_only: Sequence[int] = (),
        task: str = "classification",
    ) -> None:
        self.recipe, self.task = recipe, task
        self.num_slices = num_slices
        rates = check_rates(slice_rates, num_slices)
        self.member_weights, self.other_weights = _balance(
            rates if recipe.balance_indicators else None, num_slices
        )
        self.trained = np.ones(num_slices, np.float32)
        self.trained[list(monitor_only)] = 0.0
        self.slice_weights = _expert_weights(
            rates, recipe.expert_rate_power, num_slices
        )

    def __call__(
        self,
        outputs: Mapping[str, Any],
        labels: Any,
        membership: Any,
        known: Any,
    ) -> dict[str, Any]:
        """Returns the parts of the loss.

        Args:
            outputs: What `SliceResidualAttention` returns.
            labels: Integers `[batch]`, or probabilities `[batch, classes]`;
                of other tasks, see `prediction_loss`.
            membership: Zeros and ones, of shape `[batch, slices]`; 0 where it
                is not known.
            known: Zeros and ones, of shape `[batch, slices]`.

        Returns:
            `base_loss`, `indicator_loss` and `expert_loss`, each of shape
            `[batch]`.
        """
        members = ops.multiply(membership, self.trained)
        recipe = self.recipe
        base = base_loss(
            outputs["logits"], labels, members, recipe.member_weight, self.task
        )
        indicator = self._indicators(outputs, membership, known)
        expert = expert_loss(
            outputs["expert_logits"],
            labels,
            members,
            self.slice_weights,
            self.task,
        )
        return {
            "base_loss": base,
            "indicator_loss": recipe.indicator_weight * indicator,
            "expert_loss": recipe.expert_weight * expert,
        }

    def _indicators(
        self, outputs: Mapping[str, Any], membership: Any, known: Any
    ) -> Any:
        losses = indicator_loss(
            outputs["indicator_logits"],
            membership,
            known,
            self.member_weights,
            self.other_weights,
        )
        if self.recipe.base_indicator == "learned":
            q_base = outputs["base_indicator_logits"]
            everyone = ops.ones_like(q_base)
            losses = losses + indicator_loss(q_base, everyone, everyone)
        return losses

    @property
    def indicator_offsets(self) -> np.ndarray:
        """What balancing adds to a logit: `log(w_member / w_other)`.

        Subtract it from `indicator_logits` before the sigmoid to get the
        probability of membership. Of shape `[slices]`.
        """
        return np.log(self.member_weights / self.other_weights)


def check_rates(
    slice_rates: npt.ArrayLike | None, num_slices: int
) -> np.ndarray | None:
    """Returns rates as float32 of shape `[slices]`, or `None`.

    Raises:
        ValueError: If they are of another length or not from 0 to 1.
    """
    if slice_rates is None:
        return None
    rates = np.asarray(slice_rates, np.float32)
    if rates.shape != (num_slices,):
        raise ValueError(
            "`slice_rates` must hold one number a slice, in the order of the "
            f"schema. Received: shape={rates.shape}, slices={num_slices}"
        )
    if not ((rates >= 0) & (rates <= 1)).all():
        raise ValueError(
            "`slice_rates` must be shares of all examples, from 0 to 1. "
            f"Received: slice_rates={rates.tolist()}"
        )
    return rates


def _balance(
    rates: np.ndarray | None, num_slices: int
) -> tuple[np.ndarray, np.ndarray]:
    """Returns weights of members and others that sum to half each."""
    if rates is None:
        ones = np.ones(num_slices, np.float32)
        return ones, ones
    rates = np.clip(rates, LEAST_RATE, 1 - LEAST_RATE)
    return 0.5 / rates, 0.5 / (1 - rates)


def _expert_weights(
    rates: np.ndarray | None, power: float, num_slices: int
) -> np.ndarray:
    """Returns weights of shape `[slices + 1]`; the base slice's rate is 1."""
    if rates is None:
        return np.ones(num_slices + 1, np.float32)
    rates = np.append(np.maximum(rates, LEAST_RATE), np.float32(1))
    return rates.astype(np.float32) ** np.float32(-power)
