import numpy as np
import pytest

from slice_tf.slicing import (
    Row,
    SlicingFunction,
    VoteError,
    apply_functions,
    slicing_function,
)

ROWS = [Row.from_mapping({"n": n}) for n in range(5)]


@slicing_function
def odd(row):
    return row.int("n") % 2 == 1


@slicing_function(batch=True)
def large(batch):
    return batch["n"] > 2


def answering(*votes):
    """Returns a function that gives row n the n-th vote, or raises it."""

    def answer(row):
        vote = votes[row.int("n")]
        if isinstance(vote, type) and issubclass(vote, BaseException):
            raise vote(f"row {row.int('n')}")
        return vote

    return SlicingFunction(answer, "answer")


def batch_answering(answer):
    return SlicingFunction(answer, "answer", batch=True)


def test_votes_are_rows_by_functions():
    votes = apply_functions([odd, large], ROWS)
    np.testing.assert_array_equal(
        votes.membership, [[0, 0], [1, 0], [0, 0], [1, 1], [0, 1]]
    )
    np.testing.assert_array_equal(votes.unknown, np.zeros((5, 2)))
    assert votes.membership.dtype == votes.unknown.dtype == np.uint8
    assert votes.errors == []


@pytest.mark.parametrize(
    ("functions", "rows", "shape"),
    [([odd, large], [], (0, 2)), ([], ROWS, (5, 0))],
)
def test_nothing_to_ask_gives_empty_votes(functions, rows, shape):
    votes = apply_functions(functions, rows)
    assert votes.membership.shape == votes.unknown.shape == shape


YES = [True, 1, np.True_, np.int64(1), np.uint8(1)]
NO = [False, 0, np.False_, np.int32(0), np.uint8(0)]


@pytest.mark.parametrize("rows", [ROWS, ROWS[:1]])
@pytest.mark.parametrize(("votes", "expected"), [(YES, 1), (NO, 0)])
def test_bools_and_integers_are_votes(votes, expected, rows):
    for function in (
        answering(*votes),
        batch_answering(lambda batch: votes[: len(batch)]),
    ):
        found = apply_functions([function], rows)
        assert found.errors == []
        assert set(found.membership.ravel()) == {expected}


JUNK = [None, "yes", 2, -1, 1.0, float("nan"), [1], np.float32(1), b"1", 10**30]


@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_junk_is_unknown_and_spoils_no_other_row(junk):
    found = apply_functions([answering(1, junk, 0, True, 1)], ROWS)
    np.testing.assert_array_equal(found.membership.T, [[1, 0, 0, 1, 1]])
    np.testing.assert_array_equal(found.unknown.T, [[0, 1, 0, 0, 0]])
    (error,) = found.errors
    assert (error.row, error.name, error.exception) == (
        1,
        "answer",
        "TypeError",
    )
    assert f"type={type(junk).__name__}" in error.message


@pytest.mark.parametrize("error", [ValueError, KeyError, StopIteration])
def test_a_function_that_raises_leaves_only_those_rows_unknown(error):
    votes = (error, True, error, False, error)
    found = apply_functions([answering(*votes), odd], ROWS)
    np.testing.assert_array_equal(found.unknown[:, 0], [1, 0, 1, 0, 1])
    np.testing.assert_array_equal(found.membership[:, 0], [0, 1, 0, 0, 0])
    np.testing.assert_array_equal(found.membership[:, 1], [0, 1, 0, 1, 0])
    assert found.errors == [
        VoteError(row, "answer", error.__name__, str(error(f"row {row}")))
        for row in (0, 2, 4)
    ]


def test_a_row_function_is_asked_once_a_row():
    asked = []

    def count(row):
        asked.append(row.int("n"))
        raise ValueError

    apply_functions([SlicingFunction(count, "count")], ROWS)
    assert asked == [0, 1, 2, 3, 4]


def test_a_stop_by_the_user_is_not_swallowed():
    with pytest.raises(KeyboardInterrupt):
        apply_functions([answering(*[KeyboardInterrupt] * 5)], ROWS)


@pytest.mark.parametrize("bad", [{0}, {4}, {1, 3}, {0, 1, 2, 3, 4}, {2, 3}])
def test_a_batch_function_fails_only_on_bad_rows(bad):
    def picky(batch):
        if bad & set(batch["n"].tolist()):
            raise ArithmeticError(f"cannot do {len(batch)}")
        return batch["n"] >= 0

    found = apply_functions([batch_answering(picky)], ROWS)
    expected = [[n in bad] for n in range(5)]
    np.testing.assert_array_equal(found.unknown, expected)
    np.testing.assert_array_equal(found.membership, np.logical_not(expected))
    assert found.errors == [
        VoteError(n, "answer", "ArithmeticError", "cannot do 1")
        for n in sorted(bad)
    ]


@pytest.mark.parametrize(
    ("answer", "received"),
    [
        ([1, 0], "type=list, length=2"),
        (np.ones((5, 1), bool), r"type=ndarray, shape=\(5, 1\)"),
        (np.array(True), r"shape=\(\)"),
        (True, "type=bool, no length"),
        ("10101", "type=str, length=5"),
        (None, "type=NoneType"),
    ],
)
def test_an_answer_of_a_wrong_shape_is_unknown_for_all(answer, received):
    found = apply_functions([batch_answering(lambda _: answer), odd], ROWS)
    np.testing.assert_array_equal(found.unknown[:, 0], np.ones(5))
    np.testing.assert_array_equal(found.unknown[:, 1], np.zeros(5))
    assert [error.row for error in found.errors] == [0, 1, 2, 3, 4]
    with pytest.raises(AssertionError, match=f"list or an array.*{received}"):
        raise AssertionError(found.errors[0].message)


def test_an_array_of_floats_is_no_array_of_votes():
    answer = np.array([0.0, 1.0, 0.0, 1.0, 0.0])
    found = apply_functions([batch_answering(lambda _: answer)], ROWS)
    np.testing.assert_array_equal(found.unknown.ravel(), np.ones(5))


def test_votes_do_not_depend_on_how_rows_are_batched():
    functions = [odd, large, answering(1, None, ValueError, 0, True)]
    whole = apply_functions(functions, ROWS)
    for cut in range(6):
        first = apply_functions(functions, ROWS[:cut])
        second = apply_functions(functions, ROWS[cut:])
        for name in ("membership", "unknown"):
            parts = [getattr(first, name), getattr(second, name)]
            expected = getattr(whole, name)
            np.testing.assert_array_equal(np.concatenate(parts), expected)
