"""How far training has come."""

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass
class Progress:
    """Where training is, and what it logged so far.

    Args:
        epoch: Number of epochs that are done.
        step: Number of steps of the next epoch that are done.
        history: Metric name to one number a finished epoch.
    """

    epoch: int = 0
    step: int = 0
    history: dict[str, list[float]] = dataclasses.field(default_factory=dict)

    def end_epoch(self, logs: Mapping[str, float]) -> None:
        """Notes what an epoch logged and goes on to the next."""
        for key, value in logs.items():
            self.history.setdefault(key, []).append(value)
        self.epoch += 1
        self.step = 0

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Progress":
        """Returns what `to_dict` was called on."""
        return cls(values["epoch"], values["step"], dict(values["history"]))
