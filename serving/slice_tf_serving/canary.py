"""The steps by which a new version takes over from an old one."""

import dataclasses
import os
from collections.abc import Mapping

from slice_tf_serving.model_config import ModelConfig, models_config
from slice_tf_serving.version_policy import VersionPolicy

STABLE, CANARY = "stable", "canary"


@dataclasses.dataclass(frozen=True)
class Step:
    """One state of `models.config`.

    Args:
        what: What it is for.
        config: The text of the file.
        available: Versions that must be `AVAILABLE` before the next step,
            because a server refuses a label of any other.
    """

    what: str
    config: str
    available: tuple[int, ...]


def canary_plan(
    name: str, base_dir: str | os.PathLike[str], old: int, new: int
) -> list[Step]:
    """Returns the states of `models.config` from one version to the next.

    Callers ask for the label `stable`; a chosen few ask for `canary`. To go
    back, walk the steps in reverse.

    Args:
        name: Name of the model.
        base_dir: Directory of its versions.
        old: The version that is served.
        new: The version that is to take over.

    Raises:
        ValueError: If both are the same.
    """
    if old == new:
        raise ValueError(
            "A plan must lead from one version to another. "
            f"Received: old={old}, new={new}"
        )

    def step(what: str, labels: Mapping[str, int], *versions: int) -> Step:
        policy = VersionPolicy.specific(*versions)
        model = ModelConfig(name, base_dir, policy, labels)
        return Step(what, models_config([model]), tuple(sorted(versions)))

    return [
        step("serve the old version", {STABLE: old}, old),
        step("load the new version beside it", {STABLE: old}, old, new),
        step(
            "let the chosen few ask the new version",
            {STABLE: old, CANARY: new},
            old,
            new,
        ),
        step(
            "let everyone ask the new version",
            {STABLE: new, CANARY: new},
            old,
            new,
        ),
        step("unload the old version", {STABLE: new}, new),
    ]
