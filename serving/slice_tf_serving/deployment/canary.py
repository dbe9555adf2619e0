"""The steps by which a new version takes over from an old one."""

import dataclasses
import os
import pathlib
from collections.abc import Mapping
from typing import Any

from slice_tf_serving.model_config import (
    ModelConfig,
    models_config,
    read_config_message,
)
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
    back, walk the steps in reverse; `CanaryWalk` takes servers either way.

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


def step_file(plan_dir: pathlib.Path, number: int) -> pathlib.Path:
    """Returns where a plan has a step, counted from 1."""
    return plan_dir / f"{number}.config"


def read_steps(plan_dir: pathlib.Path) -> list[Any]:
    """Reads the steps of a plan, each as a `ModelConfig` message.

    Raises:
        ValueError: If there is none, or one is of several models or does not
            say which versions it serves.
    """
    steps: list[Any] = []
    while (file := step_file(plan_dir, len(steps) + 1)).exists():
        models = read_config_message(file).model_config_list.config
        if [bool(_versions(one)) for one in models] != [True]:
            raise _refusal(file)
        steps += models
    if not steps or len({(one.name, one.base_path) for one in steps}) > 1:
        raise _refusal(plan_dir)
    return steps


def _versions(model: Any) -> Any:
    return model.model_version_policy.specific.versions


def _refusal(path: pathlib.Path) -> ValueError:
    return ValueError(
        "The steps of a plan must be `1.config`, `2.config` and so on, as "
        "`slice-tf publish --plan-dir` writes them: one model in one "
        f"directory, and specific versions. Received: plan={path}"
    )
