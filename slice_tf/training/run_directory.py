"""What a run directory says about its run."""

import json
import pathlib
from typing import Any

from slice_tf.data.sliced_directory import MANIFEST
from slice_tf.files import sha256_of, write_text
from slice_tf.schema import SliceSchema
from slice_tf.training.config import RECIPE, TrainConfig
from slice_tf.training.model_directory import versions

CONFIG_FILE = "config.yaml"
RUN_FILE = "run.json"

# What may change between a start and the next: how the same steps are made.
_FREE = (
    "data.train",
    "data.validation",
    "data.cache",
    "data.deal_by",
    "loop.strategy",
    "loop.steps_per_execution",
    "loop.accumulate",
    "loop.jit_compile",
    "keep.checkpoint_every",
    "keep.checkpoints",
)


def write_run(run_dir: pathlib.Path, config: TrainConfig) -> None:
    """Writes config, versions and the fingerprint of the data.

    With them, the seed among the config, the run can be repeated.

    Args:
        run_dir: Created where it is missing.
        config: How the model is trained.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    config.save(run_dir / CONFIG_FILE)
    values = {
        "versions": versions(),
        "data": fingerprint_of(config.data.train),
        "validation": (
            fingerprint_of(config.data.validation)
            if config.data.validation
            else None
        ),
    }
    write_text(run_dir / RUN_FILE, json.dumps(values, indent=2) + "\n")


def identity_of(
    config: TrainConfig, schema: SliceSchema, num_examples: int
) -> dict[str, Any]:
    """Returns what must be the same when a run goes on.

    More epochs may be made, but not of a schedule that spans them.
    """
    constant = config.optimizer.schedule == "constant"
    free = (*_FREE, "loop.epochs") if constant else _FREE
    kept = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in config.flat().items()
        if key not in free and not key.startswith(RECIPE)
    }
    return {
        "slices": list(schema.names),
        "examples": num_examples,
        "data": fingerprint_of(config.data.train),
        "recipe": config.recipe,  # As one: a key may be new, or gone.
        **kept,
    }


def fingerprint_of(directory: str) -> str:
    """Returns the SHA-256 of a sliced directory's manifest."""
    return sha256_of(pathlib.Path(directory) / MANIFEST)
