"""What several processes serve, told together."""

import os

import pytest

from slice_tf_serving.shared_states import SharedStates, VersionState

LOADING, AVAILABLE, UNLOADING, END = map(
    VersionState, ("LOADING", "AVAILABLE", "UNLOADING", "END")
)
BROKEN = VersionState("END", "no variables")


def leave_as(pid, directory, states, labels=()):
    """Leaves what another process would."""
    SharedStates(directory).leave({"m": states}, {"m": dict(labels)})
    mine = directory / f"{os.getpid()}.states"
    mine.rename(directory / f"{pid}.states")


@pytest.mark.parametrize(
    ("here", "there", "expected"),
    [
        ({1: AVAILABLE}, {1: AVAILABLE}, {1: AVAILABLE}),
        ({1: AVAILABLE}, {1: LOADING}, {1: LOADING}),
        ({1: AVAILABLE}, {}, {1: LOADING}),
        ({1: AVAILABLE}, {1: BROKEN}, {1: BROKEN}),
        ({1: AVAILABLE}, {1: UNLOADING}, {1: UNLOADING}),
        ({1: AVAILABLE}, {1: END}, {1: UNLOADING}),
        ({1: END}, {1: END}, {1: END}),
        ({1: END}, {}, {1: END}),
        (
            {1: END, 2: AVAILABLE},
            {1: UNLOADING, 2: AVAILABLE},
            {1: UNLOADING, 2: AVAILABLE},
        ),
    ],
)
def test_state_is_that_of_whoever_is_behind(here, there, expected, tmp_path):
    leave_as(1, tmp_path, there)
    shared = SharedStates(tmp_path)
    shared.leave({"m": here}, {})  # It does not count itself twice.
    assert shared.together("m", here) == expected
    leave_as(2, tmp_path, here)
    leave_as(1, tmp_path, here)
    assert shared.together("m", there) == expected


def test_label_counts_once_all_agree(tmp_path):
    shared = SharedStates(tmp_path)
    assert shared.agree("m", "stable", 2)
    leave_as(1, tmp_path, {}, {"stable": 1})
    assert not shared.agree("m", "stable", 2)
    leave_as(1, tmp_path, {}, {"stable": 2})
    assert shared.agree("m", "stable", 2)
    assert not shared.agree("m", "canary", 2)


def test_who_has_died_counts_no_longer(tmp_path):
    leave_as(1, tmp_path, {1: LOADING}, {"stable": 1})
    shared = SharedStates(tmp_path)
    shared.forget(1)
    assert shared.together("m", {1: AVAILABLE}) == {1: AVAILABLE}
    assert shared.agree("m", "stable", 2)


def test_one_process_has_only_itself():
    alone = SharedStates(None)
    alone.leave({"m": {1: LOADING}}, {})
    assert alone.together("m", {1: END}) == {1: END}
    assert alone.agree("m", "stable", 1)
