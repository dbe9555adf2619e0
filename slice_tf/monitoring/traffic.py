"""The accumulator of served answers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

PROBABILITIES, PREDICTIONS = "probabilities", "predictions"
OUTPUTS = (PROBABILITIES, PREDICTIONS)

_Floats = npt.NDArray[np.float64]
_CELLS = 1 << 22  # Numbers that a product of requests and outputs may take.


class TrafficCounts:
    """Sums over answers, from which shares and predictions of slices follow.

    An example is in a slice as far as the model's indicator says: what is
    summed is that probability, and no slicing function takes part. Examples
    of one request hang together, so spread is summed over requests: `sum_r
    x_r y_r`, where `x_r` and `y_r` are sums over the examples of request r.

    Args:
        slices: Names of the slices, without the base slice.
        output: `probabilities`, of classes or labels, or `predictions`, of a
            number.
        num_outputs: Number of classes or labels; 1 for a number.

    Attributes:
        num_requests: Requests that were counted.
        members: `sum_r m_r` of the members `m` of each slice, of shape
            `[slices + 1]`. The base slice is last: the number of examples.
        members_squared: `sum_r m_r m_r`, of the same shape.
        members_examples: `sum_r m_r n_r`, `n` being the number of examples.
        outputs: `sum_r o_r`, where `o` is an output times membership, of
            shape `[slices + 1, outputs + 1]`. The last is no output: of
            probabilities the largest, which is the model's confidence; of a
            number its square.
        outputs_squared: `sum_r o_r o_r`, of the same shape.
        outputs_members: `sum_r o_r m_r`, of the same shape.

    Raises:
        ValueError: If there is no such output, no slice, or several numbers.
    """

    def __init__(
        self, slices: Sequence[str], output: str, num_outputs: int = 1
    ) -> None:
        if output not in OUTPUTS:
            raise ValueError(
                f"`output` must be one of {', '.join(OUTPUTS)}. "
                f"Received: output={output!r}"
            )
        if output == PREDICTIONS and num_outputs != 1:
            raise ValueError(
                "A predicted number is one output. Received: "
                f"num_outputs={num_outputs}"
            )
        if not slices:
            raise ValueError(
                "There must be a slice to watch. Received: slices=()"
            )
        self.slices = tuple(slices)
        self.output = output
        self.num_outputs = num_outputs
        rows = len(self.slices) + 1
        columns = num_outputs + 1
        self.num_requests = 0
        self.members = np.zeros(rows)
        self.members_squared = np.zeros(rows)
        self.members_examples = np.zeros(rows)
        self.outputs = np.zeros((rows, columns))
        self.outputs_squared = np.zeros((rows, columns))
        self.outputs_members = np.zeros((rows, columns))

    @property
    def num_examples(self) -> int:
        return int(self.members[-1])

    def add(
        self,
        slice_probabilities: Any,
        outputs: Any,
        sizes: Sequence[int] | None = None,
    ) -> None:
        """Counts the answers of some requests; on an error, nothing.

        Args:
            slice_probabilities: From 0 to 1, of shape `[examples, slices]`.
            outputs: `[examples, classes]`, or `[examples]` of a number.
            sizes: Examples of each request, which lie one after the other;
                None takes all for one request.

        Raises:
            ValueError: If a shape or a value is wrong.
        """
        q, y = self._checked(slice_probabilities, outputs)
        sizes = [len(q)] if sizes is None else sizes
        if sum(sizes) != len(q) or min(sizes, default=1) < 1:
            raise ValueError(
                "`sizes` must be positive and count all examples. Received: "
                f"sizes={list(sizes)[:5]}, examples={len(q)}"
            )
        if not len(q):
            return
        starts = np.cumsum([0, *sizes[:-1]])
        m = np.add.reduceat(q, starts, axis=0)
        self.num_requests += len(sizes)
        self.members += m.sum(axis=0)
        self.members_squared += (m * m).sum(axis=0)
        self.members_examples += (m * m[:, -1:]).sum(axis=0)
        step = max(1, _CELLS // (q.shape[1] * y.shape[1]))
        for start in range(0, len(sizes), step):
            rows = slice(start, start + step)
            first, last = starts[start], starts[rows][-1] + sizes[rows][-1]
            o = np.add.reduceat(
                q[first:last, :, None] * y[first:last, None],
                starts[rows] - first,
                axis=0,
            )
            self.outputs += o.sum(axis=0)
            self.outputs_squared += (o * o).sum(axis=0)
            self.outputs_members += (o * m[rows, :, None]).sum(axis=0)

    def merge(self, other: "TrafficCounts") -> None:
        """Adds what another accumulator counted.

        Raises:
            ValueError: If it counts other slices or outputs.
        """
        check_alike(self, other)
        self.num_requests += other.num_requests
        for name in _SUMS:
            getattr(self, name).__iadd__(getattr(other, name))

    def to_dict(self) -> dict[str, Any]:
        """Returns the counts as plain JSON values."""
        return {
            "slices": list(self.slices),
            "output": self.output,
            "num_outputs": self.num_outputs,
            "num_requests": self.num_requests,
            **{name: getattr(self, name).tolist() for name in _SUMS},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TrafficCounts":
        """Returns the counts that `to_dict` wrote.

        Raises:
            ValueError: If a field is missing or of another shape.
        """
        try:
            counts = cls(
                values["slices"], values["output"], values["num_outputs"]
            )
            counts.num_requests = int(values["num_requests"])
            for name in _SUMS:
                getattr(counts, name)[...] = np.array(values[name])
        except (KeyError, TypeError) as error:
            raise ValueError(
                "Counts of traffic must hold the fields that slice-tf writes. "
                f"Received: {type(error).__name__}={error}"
            ) from error
        return counts

    def _checked(self, q: Any, y: Any) -> tuple[_Floats, _Floats]:
        """Returns membership with the base slice, and outputs `[rows, ...]`."""
        q = _numbers("slice_probabilities", q, (len(q), len(self.slices)))
        if q.size and not (q.min() >= 0 and q.max() <= 1):
            raise ValueError(
                "`slice_probabilities` must be from 0 to 1. Received: "
                f"lowest={q.min()}, highest={q.max()}"
            )
        if self.output == PREDICTIONS:
            y = _numbers("predictions", y, (len(q),))
            y = np.stack([y, y * y], axis=-1)
        else:
            y = _numbers("probabilities", y, (len(q), self.num_outputs))
            y = np.concatenate([y, y.max(axis=1, keepdims=True)], axis=1)
        return np.concatenate([q, np.ones((len(q), 1))], axis=1), y


_SUMS = (
    *("members", "members_squared", "members_examples"),
    *("outputs", "outputs_squared", "outputs_members"),
)


def check_alike(one: TrafficCounts, other: TrafficCounts) -> None:
    """Refuses counts of other slices or outputs.

    Raises:
        ValueError: If they differ.
    """
    names = ("slices", "output", "num_outputs")
    for name in names:
        ours, theirs = getattr(one, name), getattr(other, name)
        if ours != theirs:
            raise ValueError(
                "Counts of traffic must be of the same slices and outputs to "
                f"be compared. Received: {name}={ours} and {theirs}"
            )


def _numbers(name: str, values: Any, shape: tuple[int, ...]) -> _Floats:
    found = np.asarray(values, np.float64)
    if found.shape != shape:
        raise ValueError(
            f"`{name}` must be of shape {list(shape)}. "
            f"Received: shape={list(found.shape)}"
        )
    if not np.isfinite(found).all():
        raise ValueError(
            f"`{name}` must be finite, because sums would be lost. Received: "
            f"{name}={found[~np.isfinite(found)][0]}"
        )
    return found
