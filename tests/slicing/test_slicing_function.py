import functools
import operator
import pickle
import re

import numpy as np
import pytest

from slice_tf.schema import Slice, SliceSchema
from slice_tf.slicing import (
    Row,
    SlicingFunction,
    check_needs,
    load,
    schema_of,
    slicing_function,
)

ROW = Row.from_mapping({"n": 3})


@slicing_function
def odd(row):
    """Odd numbers.

    Of any sign.
    """
    return row.int("n") % 2 == 1


@slicing_function(
    name="big",
    description="Above two",
    owner="anna",
    version="7",
    batch=True,
    needs=["n"],
)
def large(batch):
    """Not this."""
    return batch["n"] > 2


def facts(function):
    return (
        function.name,
        function.description,
        function.owner,
        function.version,
        function.batch,
        function.needs,
    )


def test_a_decorated_function_is_a_slicing_function():
    assert facts(odd) == ("odd", "Odd numbers.", "", "1", False, ())
    assert odd(ROW) is True
    assert odd.__doc__.startswith("Odd numbers.")


def test_facts_come_from_the_decorator():
    expected = ("big", "Above two", "anna", "7", True, ("n",))
    assert facts(large) == expected


def test_the_decorator_may_have_empty_parentheses():
    @slicing_function()
    def even(row):
        return row.int("n") % 2 == 0

    assert facts(even) == ("even", "", "", "1", False, ())


def test_a_lambda_with_a_name_is_enough():
    night = SlicingFunction(lambda row: row.int("n") > 20, "night")
    assert (night.name, night(ROW)) == ("night", False)
    assert slicing_function(name="night")(lambda row: True).name == "night"


@pytest.mark.parametrize("wrong", ["odd", 3, None, ["odd"]])
def test_only_what_can_be_called_is_decorated(wrong):
    with pytest.raises(TypeError, match=r"must decorate a function.*Received"):
        SlicingFunction(wrong, "odd")
    if wrong is not None:
        with pytest.raises(TypeError, match=r'or `@slicing_function\(name="'):
            slicing_function(wrong)


@pytest.mark.parametrize(
    "nameless", [lambda row: True, functools.partial(max, 3)]
)
def test_a_function_without_a_name_needs_one(nameless):
    with pytest.raises(ValueError, match=r'Pass `name="\.\.\."`'):
        slicing_function(nameless)


def test_a_slicing_function_is_not_decorated_again():
    with pytest.raises(TypeError, match="not of another slicing function"):
        slicing_function(odd)


@pytest.mark.parametrize("name", ["Odd", "base", "a b"])
def test_names_are_those_of_slices(name):
    with pytest.raises(ValueError, match=f"name='{name}'"):
        slicing_function(name=name)(lambda row: True)


def test_needs_are_a_sequence():
    with pytest.raises(TypeError, match="needs='text'"):
        slicing_function(name="a", needs="text")(lambda row: True)


def test_needs_are_looked_for():
    check_needs([odd, large], ROW)
    with pytest.raises(ValueError, match=r"big: .*feature='n', features=m\."):
        check_needs([odd, large], Row.from_mapping({"m": 1}))


def variant(body, **changes):
    scope = {}
    exec(f"def f(row): return {body}", scope)
    return SlicingFunction(scope["f"], **{"name": "f", **changes}).fingerprint


def test_the_fingerprint_changes_with_what_the_function_is():
    prints = {
        variant("1"),
        variant("0"),
        variant("row in {'a', 'b'}"),
        variant("row in {'a', 'c'}"),
        variant("any(x == 1 for x in row)"),
        variant("any(x == 2 for x in row)"),
        variant("1", name="g"),
        variant("1", version="2"),
    }
    assert len(prints) == 8
    assert variant("1", owner="anna") == variant("1")
    assert all(len(one) == 16 and int(one, 16) >= 0 for one in prints)


def keyword(word, *, lower=False):
    def contains(row, limit=3):
        return word in row.text("text") and lower

    return contains


class Above:
    def __init__(self, limit):
        self.limit = limit

    def __call__(self, row):
        return row.int("n") > self.limit


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (keyword("a"), keyword("b")),
        (keyword("a"), keyword("a", lower=True)),
        (keyword(re.compile("a")), keyword(re.compile("b"))),
        (keyword(keyword), keyword(variant)),
        (Above(1), Above(2)),
        (functools.partial(max, 1), functools.partial(max, 2)),
        (functools.partial(max, key=1), functools.partial(max, key=2)),
        (max, min),
        (int, float),
        (functools.cache(keyword("a")), functools.cache(keyword("b"))),
        (operator.itemgetter("a"), operator.itemgetter("b")),
        (np.isnan, np.isinf),
    ],
)
def test_the_fingerprint_covers_what_a_function_is_bound_to(one, other):
    def print_of(function):
        return SlicingFunction(function, "f").fingerprint

    assert print_of(one) == print_of(one)
    assert print_of(one) != print_of(other)


def test_the_order_of_a_set_does_not_change_the_fingerprint():
    assert variant("row in {'a', 'b'}") == variant("row in {'b', 'a'}")
    keyed = SlicingFunction(keyword({"b", "a"}), "f")
    again = SlicingFunction(keyword({"a", "b"}), "f")
    assert keyed.fingerprint == again.fingerprint


def test_functions_are_found_by_import_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "found_slices.py").write_text(MODULE)
    for place in ("found_slices", str(tmp_path / "found_slices.py")):
        functions = load(place)
        paths = [function.import_path for function in functions]
        assert paths == [f"{place}:odd", f"{place}:evening"]
        for function in functions:
            assert pickle.loads(pickle.dumps(function)) is function


MODULE = """
from slice_tf.slicing import SlicingFunction, slicing_function

@slicing_function
def odd(row):
    return row.int("n") % 2 == 1

evening = SlicingFunction(lambda row: row.int("n") > 18, name="late")
"""


def test_a_function_without_a_place_is_pickled_by_value():
    one = SlicingFunction(Above(2), "above", "d", "o", "3", needs=["n"])
    revived = pickle.loads(pickle.dumps(one))
    assert facts(revived) == facts(one)
    assert revived(ROW) is True


def test_the_schema_carries_the_lineage():
    assert schema_of([odd, large]) == SliceSchema(
        (
            Slice(
                "odd",
                "Odd numbers.",
                slicing_function=odd.import_path,
                slicing_function_fingerprint=odd.fingerprint,
            ),
            Slice(
                "big",
                "Above two",
                "anna",
                slicing_function=large.import_path,
                slicing_function_fingerprint=large.fingerprint,
            ),
        )
    )
    assert odd.import_path.endswith(":odd")
    assert large.import_path.endswith(":large")


@pytest.mark.parametrize(
    ("functions", "error", "message"),
    [
        ([], ValueError, "at least one slicing function"),
        ([odd, odd], ValueError, "twice=odd"),
        ([max], TypeError, "function=<built-in function max>"),
    ],
)
def test_no_schema_is_made_of_anything_else(functions, error, message):
    with pytest.raises(error, match=message):
        schema_of(functions)
