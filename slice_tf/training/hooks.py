"""How the training loop calls Keras callbacks."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras


class Hooks:
    """Calls callbacks in order, and keeps what they want kept.

    A callback with `get_state()` and `set_state(state)`, where the state is
    plain JSON values, goes on after a restart where it was.

    Args:
        callbacks: Keras callbacks, each of a class of its own where they have
            state.
        model: What they are told of.
    """

    def __init__(
        self, callbacks: Sequence[keras.callbacks.Callback], model: Any
    ) -> None:
        self._callbacks = list(callbacks)
        self._model = model

    def start(self, params: Mapping[str, Any]) -> None:
        """Tells every callback of the model and of what is to come."""
        self._model.stop_training = False
        for one in self._callbacks:
            one.set_params(dict(params))
            one.set_model(self._model)

    @property
    def stopping(self) -> bool:
        """Whether a callback wants training to end."""
        return bool(self._model.stop_training)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("on_"):
            raise AttributeError(name)

        def call(*arguments: Any) -> None:
            for one in self._callbacks:
                getattr(one, name)(*arguments)

        return call

    def get_state(self) -> dict[str, Any]:
        """Returns the state of every callback that has one."""
        return {
            type(one).__name__: one.get_state()
            for one in self._callbacks
            if hasattr(one, "get_state")
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Gives callbacks back what `get_state` returned."""
        for one in self._callbacks:
            name = type(one).__name__
            if name in state and hasattr(one, "set_state"):
                one.set_state(state[name])
