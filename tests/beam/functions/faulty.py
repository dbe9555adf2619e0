"""Slicing functions that fail, each in a way of its own."""

import math
import os
import sys

from slice_tf.slicing import slicing_function


def is_tenth(row):
    return row.int("id") % 10 == 3


@slicing_function
def raises_on_some(row):
    if is_tenth(row):
        raise KeyError("tenth")
    return row.int("id") % 2 == 0


@slicing_function
def raises_on_all(row):
    raise RuntimeError(f"no answer to {row.int('id')}")


@slicing_function
def returns_none(row):
    return None if is_tenth(row) else False


@slicing_function
def returns_nan(row):
    return math.nan if is_tenth(row) else False


@slicing_function
def returns_yes(row):
    return "yes" if is_tenth(row) else False


@slicing_function
def returns_two(row):
    return 2 if is_tenth(row) else False


@slicing_function
def reads_what_is_missing(row):
    return row.int("speed") > 3


@slicing_function(needs=["text", "idd"])
def needs_what_is_missing(row):
    return row.int("idd") > 3


@slicing_function
def exits_python(row):
    if is_tenth(row):
        sys.exit("enough")
    return False


@slicing_function
def ends_the_process(row):
    if is_tenth(row):
        os._exit(3)
    return False


@slicing_function
def rain(row):
    """Fails on none."""
    return "rain" in row.text("text")
