import dataclasses
import json

import numpy as np
import pytest

from reviewed import save_run
from slice_tf.discovery import load_discovery, save_discovery
from slice_tf.report.decisions import Decisions
from slice_tf.report.desk import Desk
from slice_tf.report.rows import Rows
from slice_tf.slicing import load

ACCEPT = {"act": "accept", "found": ["found_0"], "name": "far"}


@pytest.fixture(scope="module")
def kept_run(tmp_path_factory):
    path = tmp_path_factory.mktemp("run")
    save_run(path, rules=True)
    return path


@pytest.fixture
def run(kept_run, tmp_path):
    for name in ("discovered.json", "regions.npz"):
        (tmp_path / name).write_bytes((kept_run / name).read_bytes())
    return tmp_path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"act": "drop"}, "must be to accept, reject or reopen"),
        ({"found": []}, "must be on slices that were found"),
        ({"found": "found_0"}, "must be on slices that were found"),
        ({"found": ["found_9"]}, "must be on slices that were found"),
        ({"found": [["found_0"]]}, "must be on slices that were found"),
        ({"fingerprint": "0" * 16}, "made anew since .*Reload"),
        (
            {"feature": "x", "encoder": "load"},
            "must be named as `module:function`.*'load'",
        ),
        ({"encoder": "embed:load"}, "An encoder must come with the feature"),
        ({"name": "base"}, "lower-case letters, digits"),
        ({"name": "../far"}, "lower-case letters, digits"),
        ({"name": "class"}, "lower-case letters, digits"),
        ({"name": "Far"}, "lower-case letters, digits"),
        ({"name": 1}, "`name` must be a text"),
        ({"feature": "x" * 201}, "`feature` must be a text of 200"),
    ],
)
def test_a_refused_decision_writes_nothing(run, change, message):
    with pytest.raises(ValueError, match=message):
        Decisions(run).decide({**ACCEPT, **change})
    assert sorted(one.name for one in run.iterdir()) == [
        "discovered.json",
        "regions.npz",
    ]


@pytest.mark.parametrize("change", [{"name": "near"}, {"act": "reject"}])
def test_what_another_tab_decided_is_not_decided_again(run, change):
    before = Decisions(run).decide(ACCEPT)["decided"]
    kept = (run / "decisions.json").read_bytes()
    message = r"must be open.*reopen it.*Received: found_0=accepted as far"
    both = {"found": ["found_1", "found_0"]}
    with pytest.raises(ValueError, match=message):
        Decisions(run).decide({**ACCEPT, **both, **change})
    assert (run / "decisions.json").read_bytes() == kept
    assert Decisions(run).decided == before
    assert not (run / "slices" / "near.py").exists()


def test_decisions_on_another_run_in_its_place_do_not_count(run):
    Decisions(run).decide({"act": "reject", "found": ["found_0", "found_1"]})
    found = load_discovery(run)
    save_discovery(run, found)
    assert set(Decisions(run).decided) == {"found_0", "found_1"}
    other = dataclasses.replace(
        found.regions, places=found.regions.places[::-1]
    )
    save_discovery(run, dataclasses.replace(found, regions=other))
    assert Decisions(run).decided == {}
    assert Decisions(run).line()["decided"] == 0


def test_without_a_feature_a_slice_is_its_rule(run):
    told = Decisions(run).decide(ACCEPT)["decided"]["found_0"]
    assert (told["state"], told["name"]) == ("accepted", "far")
    (function,) = load(told["file"])
    assert function.name == "far"
    assert tuple(function.needs) == ("place",)


def test_decisions_survive_and_can_be_taken_back(run):
    Decisions(run).decide({**ACCEPT, "feature": "embedding"})
    Decisions(run).decide({"act": "reject", "found": ["found_1"]})
    again = Decisions(run)
    assert again.line() == {"found": 3, "holding": 3, "decided": 2}
    again.decide({"act": "reopen", "found": ["found_0", "found_1"]})
    assert Decisions(run).decided == {}
    # A function that was written is its owner's: it stays.
    assert (run / "slices" / "far.py").exists()
    with pytest.raises(ValueError, match="yours is never overwritten"):
        Decisions(run).decide(ACCEPT)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "must be what `slice-tf ui` wrote"),
        ("[]", "must be what `slice-tf ui` wrote"),
        (json.dumps({"format_version": 2, "found": {}}), "of format 1"),
    ],
)
def test_damaged_decisions_are_named(run, text, message):
    (run / "decisions.json").write_text(text)
    with pytest.raises(ValueError, match=f"decisions.json: .*{message}"):
        Decisions(run)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"found": ["found_0", "found_1"]},
            "One slice must be split at a time",
        ),
        ({"found": ["found_9"]}, "must be on slices that were found"),
        ({}, "given the rows"),
    ],
)
def test_a_split_that_cannot_be_is_refused(run, change, message):
    asked = {"run": ".", "act": "split", "found": ["found_0"], **change}
    with pytest.raises(ValueError, match=message):
        Desk(run).write("/api/discovery", asked)
    assert sorted(one.name for one in run.iterdir()) == [
        "discovered.json",
        "regions.npz",
    ]


def test_rows_must_be_those_of_the_run(run, tmp_path):
    arrays = {"embeddings": np.zeros((3, 4)), "labels": [0, 1, 0]}
    np.savez(tmp_path / "few.npz", **arrays)
    with pytest.raises(ValueError, match=r"few\.npz, which lacks probab"):
        Rows(tmp_path / "few.npz")
    np.savez(tmp_path / "few.npz", **arrays, probabilities=np.zeros((3, 2)))
    rows = Rows(tmp_path / "few.npz")
    with pytest.raises(ValueError, match="rows=3, expected=1200"):
        rows.split(run, "found_0", tmp_path / "new")
    np.save(tmp_path / "one.npy", np.zeros(3))
    array = (tmp_path / "one.npy").read_bytes()
    for content in (b"", b"text", array):
        (tmp_path / "few.npz").write_bytes(content)
        with pytest.raises(ValueError, match=r"must be an \.npz file"):
            Rows(tmp_path / "few.npz")
