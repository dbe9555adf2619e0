"""How a model is trained, as one YAML file."""

import dataclasses
import os
import pathlib
import types
import typing
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import yaml

from slice_tf.data.deal import WAYS
from slice_tf.files import write_text
from slice_tf.near_miss import did_you_mean
from slice_tf.tasks import TASKS

if TYPE_CHECKING:
    from slice_tf.losses.recipe import Recipe

RECIPE = "recipe."


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """What to learn from; paths are directories `slice-tf apply` wrote.

    `oversample` and `reweigh` are those of `slice_tf.data.Oversample.parse`.
    """

    train: str = ""
    validation: str | None = None
    features: tuple[str, ...] = ()
    label: str = "label"
    num_classes: int = 2
    task: str = "classification"
    cache: bool = False
    deal_by: str = "auto"
    oversample: tuple[str, ...] = ()
    reweigh: bool = False


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """What is trained."""

    method: str = "slice-aware"
    recipe: str = "default"
    backbone: str = "mlp"
    units: tuple[int, ...] = (64, 64)
    expert_units: int | None = None


@dataclasses.dataclass(frozen=True)
class OptimizerConfig:
    """Adam, and how its learning rate goes.

    `schedule` is `constant`, `linear` or `cosine`, both down to 0 at the last
    step, after `warmup_steps` up from 0.
    """

    learning_rate: float = 1e-3
    schedule: str = "constant"
    warmup_steps: int = 0


@dataclasses.dataclass(frozen=True)
class LoopConfig:
    """How it is trained; `batch_size` counts all devices' examples."""

    epochs: int = 10
    batch_size: int = 128
    seed: int = 0
    strategy: str = "auto"
    precision: str = "float32"
    steps_per_execution: int = 1
    accumulate: int = 1
    jit_compile: bool = False


@dataclasses.dataclass(frozen=True)
class KeepConfig:
    """What is kept on the way, and when to stop early.

    `best` names what the kept weights are best in, such as
    `val_accuracy/rare`; `patience` is the number of epochs to wait for better
    ones, and 0 never stops early.
    """

    checkpoint_every: int = 0
    checkpoints: int = 3
    best: str | None = None
    patience: int = 0


CHOICES: dict[str, tuple[str, ...]] = {
    "data.task": TASKS,
    "data.deal_by": WAYS,
    "model.method": ("slice-aware", "vanilla"),
    "model.recipe": ("default", "paper"),
    "optimizer.schedule": ("constant", "linear", "cosine"),
    "loop.strategy": ("auto", "one", "mirrored", "multiworker"),
    "loop.precision": ("float32", "mixed_bfloat16", "mixed_float16"),
}
_LEAST = {
    "data.num_classes": 1,
    "loop.seed": 0,
    "optimizer.warmup_steps": 0,
    "keep.checkpoint_every": 0,
    "keep.patience": 0,
}


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """All of it, a section a field.

    `recipe` holds fields of `slice_tf.losses.Recipe` that are other than
    those of `model.recipe`.

    Raises:
        ValueError: If a value is out of range.
    """

    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    model: ModelConfig = dataclasses.field(default_factory=ModelConfig)
    recipe: dict[str, Any] = dataclasses.field(default_factory=dict)
    optimizer: OptimizerConfig = dataclasses.field(
        default_factory=OptimizerConfig
    )
    loop: LoopConfig = dataclasses.field(default_factory=LoopConfig)
    keep: KeepConfig = dataclasses.field(default_factory=KeepConfig)

    def __post_init__(self) -> None:
        for key, value in self.flat().items():
            if not key.startswith(RECIPE):  # It checks its own.
                _check_value(key, value)
        if self.recipe:
            self.make_recipe()

    def flat(self) -> dict[str, Any]:
        """Returns dotted key to value."""
        return {
            f"{section}.{key}": value
            for section, values in dataclasses.asdict(self).items()
            for key, value in values.items()
        }

    def make_recipe(self) -> "Recipe":
        """Returns the recipe of the name, with the fields of `recipe`."""
        from slice_tf.losses.recipe import recipe_of  # It loads Keras.

        return dataclasses.replace(recipe_of(self.model.recipe), **self.recipe)

    @classmethod
    def from_flat(cls, values: Mapping[str, Any]) -> "TrainConfig":
        """Returns a config from dotted keys; the others keep their defaults.

        Raises:
            ValueError: If there is no such key, with the nearest one, or a
                value is out of range.
            TypeError: If a value is of another type.
        """
        known = _keys(values)
        sections: dict[str, dict[str, Any]] = {}
        for key, value in values.items():
            if key not in known:
                raise ValueError(
                    "A training config has no such key. "
                    f"Received: key={key}.{did_you_mean(key, known)}"
                )
            section, _, name = key.partition(".")
            sections.setdefault(section, {})[name] = _typed(key, value)
        kinds = typing.get_type_hints(cls)
        return cls(**{one: kinds[one](**two) for one, two in sections.items()})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "TrainConfig":
        """Reads a YAML file with a mapping a section.

        Raises:
            FileNotFoundError: If there is none.
            ValueError: If it is no such file; the message names it.
        """
        return cls.from_flat(read_flat(path))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a YAML file that `load` reads."""
        values = {
            section: {key: _plain(value) for key, value in one.items()}
            for section, one in dataclasses.asdict(self).items()
        }
        write_text(path, yaml.safe_dump(values, sort_keys=False))


def read_flat(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Returns dotted keys and values of a YAML file.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it holds no mapping of mappings.
    """
    text = pathlib.Path(path).read_text(encoding="utf-8")
    try:
        sections = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise ValueError(
            f"A training config must be YAML. Received: file={path}, "
            f"error={error}"
        ) from error
    if not isinstance(sections, dict) or not all(
        isinstance(one, dict) for one in sections.values()
    ):
        raise ValueError(
            "A training config must be sections of keys, such as "
            f"`loop: {{epochs: 3}}`. Received: file={path}"
        )
    return {
        f"{section}.{key}": value
        for section, values in sections.items()
        for key, value in values.items()
    }


def read_setting(text: str) -> tuple[str, Any]:
    """Returns key and value of `section.key=value`, the value as in YAML.

    Raises:
        ValueError: If the text is not of that form.
    """
    key, equals, value = text.partition("=")
    try:
        return (key, yaml.safe_load(value)) if equals else _refuse(text)
    except yaml.YAMLError:
        return _refuse(text)


def _refuse(text: str) -> typing.NoReturn:
    raise ValueError(
        "A setting must be written as section.key=value, the value as in "
        f"YAML, such as loop.epochs=3. Received: {text}"
    )


def _typed(key: str, value: Any) -> Any:
    """Returns a value of the key's type: YAML has no tuples, and no `1e-3`."""
    kind = _kind(key)
    wanted = list(typing.get_args(kind) or (kind,))
    if isinstance(kind, types.UnionType) and value is None:
        return None
    if typing.get_origin(kind) is tuple:
        is_list = isinstance(value, (list, tuple))
        if is_list and all(type(one) is wanted[0] for one in value):
            return tuple(value)
    elif type(value) in wanted:
        return value
    elif float in wanted and not isinstance(value, bool):
        try:
            return float(value)
        except (TypeError, ValueError):
            pass
    name = kind.__name__ if isinstance(kind, type) else str(kind)
    raise TypeError(
        f"`{key}` must be of type {name}. Received: {key}={value!r}"
    )


def _keys(given: Iterable[str]) -> list[str]:
    """Returns all keys; those of recipes where one is likely to be meant."""
    keys = list(TrainConfig().flat())
    if any(RECIPE in key for key in given):
        keys += [f"{RECIPE}{name}" for name in _kinds_of_recipe()]
    return keys


def _kind(key: str) -> Any:
    section, _, name = key.partition(".")
    if key.startswith(RECIPE):
        return _kinds_of_recipe()[name]
    return typing.get_type_hints(typing.get_type_hints(TrainConfig)[section])[
        name
    ]


def _kinds_of_recipe() -> dict[str, Any]:
    from slice_tf.losses.recipe import Recipe  # It loads Keras.

    return typing.get_type_hints(Recipe)


def _check_value(key: str, value: Any) -> None:
    if key in CHOICES and value not in CHOICES[key]:
        raise ValueError(
            f"`{key}` must be one of {', '.join(CHOICES[key])}. "
            f"Received: {key}={value}.{did_you_mean(value, CHOICES[key])}"
        )
    numbers = value if isinstance(value, tuple) else (value,)
    for one in numbers:
        if type(one) is int and one < _LEAST.get(key, 1):
            raise ValueError(
                f"`{key}` must be {_LEAST.get(key, 1)} or more. "
                f"Received: {key}={value}"
            )
        if type(one) is float and not 0 < one < float("inf"):
            raise ValueError(
                f"`{key}` must be a positive number. Received: {key}={value}"
            )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
