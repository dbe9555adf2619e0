import functools
import re
import runpy
import threading

import numpy as np
import pytest

from slice_tf.slicing import Preprocessor, SlicingFunction, slicing_function

LARGE = np.zeros(1_000_001, np.uint8)
SMALL = np.zeros(900_000, np.uint8)


def closing_over(value):
    return lambda row: value is None


def with_default(value):
    return lambda row, table=value: table is None


class Bound:
    def __init__(self, value):
        self.value = value

    def __call__(self, row):
        return False

    def ask(self, row):
        return False


CARRIERS = [
    (closing_over, "closure over=value, type=ndarray"),
    (with_default, "default arguments, type=tuple"),
    (Bound, "object that is called, type=Bound"),
    (lambda value: Bound(value).ask, "object of a method, type=Bound"),
    (
        lambda value: functools.partial(np.equal, value),
        "argument of a partial, type=tuple",
    ),
]


@pytest.mark.parametrize(("carrier", "received"), CARRIERS)
def test_a_function_that_carries_much_is_refused(carrier, received):
    message = f"1,000,000 bytes.*function=f, {received}.*`Resource`"
    for make in (SlicingFunction, Preprocessor):
        with pytest.raises(ValueError, match=message):
            make(carrier(LARGE), "f")
        assert make(carrier(SMALL), "f").name == "f"


def test_a_function_of_a_module_carries_nothing():
    @functools.partial(slicing_function, name="empty")
    def _():
        return None

    def of_module(row):
        return LARGE is None

    of_module.__qualname__ = "of_module"
    assert slicing_function(of_module).name == "of_module"


def test_globals_of_a_script_count(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from slice_tf.slicing import slicing_function\n"
        "TABLE = {n: str(n) for n in range(200_000)}\n"
        "@slicing_function\n"
        "def known(row):\n"
        "    return any(n in TABLE for n in row.ints('n'))\n"
    )
    message = "function=known, global=TABLE, type=dict"
    with pytest.raises(ValueError, match=re.escape(message)):
        runpy.run_path(str(script), run_name="__main__")
    runpy.run_path(str(script), run_name="slices")


def test_what_cannot_be_pickled_is_not_measured():
    assert SlicingFunction(closing_over(threading.Lock()), "f").name == "f"
