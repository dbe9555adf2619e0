"""How requests become one call, and its outputs become answers."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from slice_tf_serving.dtypes import Array
from slice_tf_serving.json_forms.answers import predictions, written_rows
from slice_tf_serving.json_forms.requests import JsonRequest

Outputs = Mapping[str, Array]


class BatchForm(Protocol):
    """What requests of one batch have in common."""

    def join(self, requests: Sequence[Any]) -> dict[str, Array]:
        """Returns the inputs of one call.

        Raises:
            ValueError: If several requests cannot be put together.
            ApiError: If a lone request is refused.
        """

    def split(self, outputs: Outputs, sizes: Sequence[int]) -> list[Any]:
        """Returns an answer for each request.

        Args:
            outputs: What the call gave; of several requests with a row an
                example.
            sizes: Number of examples of each request.
        """


class ArrayForm:
    """Arrays in, arrays out; of rows that have equal shapes.

    A lone request gets all outputs, whatever their sizes.
    """

    def join(self, requests: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
        if len(requests) == 1:
            return dict(requests[0])
        return {
            name: np.concatenate([one[name] for one in requests])
            for name in requests[0]
        }

    def split(self, outputs: Outputs, sizes: Sequence[int]) -> list[Any]:
        if len(sizes) == 1:
            return [outputs]
        answers, start = [], 0
        for size in sizes:
            end = start + size
            answers.append(
                {name: array[start:end] for name, array in outputs.items()}
            )
            start = end
        return answers


class JsonRowForm:
    """JSON in row form in, JSON out.

    NumPy takes about as long for a row as for a batch, so all rows are read
    at once, and written in one go.
    """

    def join(self, requests: Sequence[JsonRequest]) -> dict[str, Array]:
        if len(requests) == 1:
            return requests[0].arrays()
        first = requests[0]
        columns = [one.columns for one in requests]
        found = {}
        for name, spec in first.spec.inputs.items():
            values = list(
                itertools.chain.from_iterable([one[name] for one in columns])
            )
            array = first.reader.fast(values, spec.dtype)
            if array is None:
                raise ValueError("Some rows are not like others.")
            found[name] = array
        return found

    def split(self, outputs: Outputs, sizes: Sequence[int]) -> list[Any]:
        if len(sizes) == 1:
            return [predictions(outputs, is_row=True)]
        return written_rows(outputs, sizes)


ARRAYS, JSON_ROWS = ArrayForm(), JsonRowForm()
