import itertools
import pickle

import numpy as np
import pytest

from slice_tf.slicing import (
    Preprocessor,
    Row,
    SlicingFunction,
    VoteError,
    apply_functions,
    preprocessor,
)

ROWS = [Row.from_mapping({"n": n}) for n in range(5)]


@preprocessor
def double(row):
    return 2 * row.int("n")


@preprocessor(batch=True, uses={"double": double})
def square(batch, double):
    return np.array(double) ** 2


def counting(bad=(), batch=False):
    """Returns a preprocessor that fails on some rows, and whom it was asked."""
    asked = []

    def of_row(row):
        asked.append(row.int("n"))
        if asked[-1] in bad:
            raise ArithmeticError(f"row {asked[-1]}")
        return asked[-1]

    def of_batch(batch):
        return np.array([of_row(row) for row in batch.rows])

    function = of_batch if batch else of_row
    return Preprocessor(function, "counting", batch=batch), asked


def above(limit, name, uses, batch=False):
    def of_row(row, value):
        return value > limit

    def of_batch(batch, value):
        return np.asarray(value) > limit

    function = of_batch if batch else of_row
    return SlicingFunction(function, name, batch=batch, uses={"value": uses})


def test_functions_get_what_a_preprocessor_made():
    functions = [
        above(2, "row", double),
        above(20, "row_of_batch", square),
        above(2, "batch_of_row", double, batch=True),
        above(20, "batch", square, batch=True),
    ]
    votes = apply_functions(functions, ROWS)
    assert votes.errors == []
    expected = [[2 * n > 2, 4 * n * n > 20] * 2 for n in range(5)]
    np.testing.assert_array_equal(votes.membership, expected)
    assert [one(ROWS[3]) for one in functions[:2]] == [True, True]


@pytest.mark.parametrize("batch", [False, True])
def test_each_row_is_preprocessed_once_for_all(batch):
    shared, asked = counting(batch=batch)
    nested = Preprocessor(
        lambda row, value: value, "nested", uses={"value": shared}
    )
    functions = [above(i, f"f{i}", shared) for i in range(5)]
    functions += [above(1, "g", nested), above(2, "h", nested, batch=True)]
    apply_functions(functions, ROWS)
    assert asked == [0, 1, 2, 3, 4]


def test_nobody_is_asked_for_what_nobody_uses():
    _, asked = counting()
    apply_functions([SlicingFunction(lambda row: True, "f")], ROWS)
    assert asked == []


@pytest.mark.parametrize("bad", [{0}, {4}, {1, 3}, set(range(5))])
@pytest.mark.parametrize(
    "batches", [*itertools.product([False, True], repeat=2)]
)
def test_a_row_that_fails_is_unknown_to_those_who_use_it(bad, batches):
    shared, _ = counting(bad, batch=batches[0])
    user = above(1, "user", shared, batch=batches[1])
    other = above(1, "other", double, batch=batches[1])
    votes = apply_functions([user, other], ROWS)
    unknown = [[n in bad, False] for n in range(5)]
    member = [[n > 1 and n not in bad, 2 * n > 1] for n in range(5)]
    np.testing.assert_array_equal(votes.unknown, unknown)
    np.testing.assert_array_equal(votes.membership, member)
    assert votes.errors == [
        VoteError(
            n, "user", "ArithmeticError", f"preprocessor counting: row {n}"
        )
        for n in sorted(bad)
    ]


def test_the_preprocessor_where_trouble_began_is_named():
    shared, _ = counting({2})
    outer = Preprocessor(
        lambda row, value: 1 / (value - 3), "outer", uses={"value": shared}
    )
    errors = apply_functions([above(0, "f", outer)], ROWS).errors
    assert errors == [
        VoteError(2, "f", "ArithmeticError", "preprocessor counting: row 2"),
        VoteError(
            3, "f", "ZeroDivisionError", "preprocessor outer: division by zero"
        ),
    ]


def test_a_function_may_fail_where_its_preprocessor_did_not():
    shared, _ = counting({1})

    def picky(row, value):
        if value == 3:
            raise KeyError(value)
        return "maybe" if value == 4 else True

    function = SlicingFunction(picky, "picky", uses={"value": shared})
    votes = apply_functions([function], ROWS)
    np.testing.assert_array_equal(votes.unknown.T, [[0, 1, 0, 1, 1]])
    np.testing.assert_array_equal(votes.membership.T, [[1, 0, 1, 0, 0]])
    causes = [(one.row, one.exception) for one in votes.errors]
    assert causes == [(1, "ArithmeticError"), (3, "KeyError"), (4, "TypeError")]


def test_an_iterator_is_an_answer_and_a_wrong_count_is_none():
    lazy = Preprocessor(
        lambda batch: (row.int("n") for row in batch.rows), "lazy", batch=True
    )
    cut = Preprocessor(lambda batch: [1, 2], "cut", batch=True)
    votes = apply_functions([above(2, "a", lazy), above(2, "b", cut)], ROWS)
    np.testing.assert_array_equal(votes.membership[:, 0], [0, 0, 0, 1, 1])
    np.testing.assert_array_equal(votes.unknown[:, 1], np.ones(5))
    assert "cut: A batch function must return" in votes.errors[0].message


@pytest.mark.parametrize("cut", range(6))
def test_votes_do_not_depend_on_how_rows_are_cut(cut):
    shared, _ = counting({1, 4}, batch=True)
    functions = [above(1, "f", shared, batch=True), above(1, "g", square)]
    whole = apply_functions(functions, ROWS)
    parts = [apply_functions(functions, ROWS[:cut])]
    parts.append(apply_functions(functions, ROWS[cut:]))
    for name in ("membership", "unknown"):
        found = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_array_equal(found, getattr(whole, name))


def test_what_was_made_is_gone_after_the_call():
    shared, asked = counting()
    for _ in range(2):
        apply_functions([above(1, "f", shared)], ROWS)
    assert asked == [0, 1, 2, 3, 4] * 2


def test_a_function_called_alone_says_what_failed():
    shared, _ = counting({2})
    function = above(1, "f", shared)
    assert function(ROWS[4]) is True
    message = "ArithmeticError in preprocessor counting: row 2"
    with pytest.raises(RuntimeError, match=message):
        function(ROWS[2])


def test_preprocessors_are_pickled_by_path_or_by_value(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pre_slices.py").write_text(MODULE)
    from slice_tf.slicing import load

    (function,) = load("pre_slices")
    made = function.uses["n"]
    assert pickle.loads(pickle.dumps(made)) is made
    free = Preprocessor(sorted, "free", version="3", uses={"key": square})
    revived = pickle.loads(pickle.dumps(free))
    assert revived.fingerprint == free.fingerprint
    assert (revived.name, revived.version) == ("free", "3")


MODULE = """
from slice_tf.slicing import preprocessor, slicing_function

@preprocessor
def n(row):
    return row.int("n")

@slicing_function(uses={"n": n})
def odd(row, n):
    return n % 2 == 1
"""


def test_the_fingerprint_covers_preprocessors():
    def print_of(limit):
        shared = Preprocessor(lambda row: limit, "shared")
        return SlicingFunction(
            lambda row, value: True, "f", uses={"value": shared}
        ).fingerprint

    assert print_of(1) == print_of(1)
    assert print_of(1) != print_of(2)


def test_only_what_can_be_called_is_a_preprocessor():
    with pytest.raises(TypeError, match=r"must decorate a function.*'words'"):
        preprocessor("words")
