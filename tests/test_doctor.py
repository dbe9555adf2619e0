"""`slice-tf doctor` tells what works and what does not."""

import importlib.metadata

import pytest

from slice_tf import cli
from slice_tf.programs import doctor


def rows(capsys):
    """Returns exit status, and what was found by what was looked at."""
    status = cli.main(["doctor"])
    lines = capsys.readouterr().out.splitlines()[2:]
    cells = [[one for one in line.split("  ") if one] for line in lines]
    return status, {
        what.strip(): (found.strip(), verdict.strip())
        for what, found, verdict in cells
    }


def test_what_is_installed_works(capsys):
    status, found = rows(capsys)
    assert status == 0
    assert found["keras"] == (importlib.metadata.version("keras"), "ok")
    assert found["training"] == (
        "a step of a slice-aware model, in tensorflow",
        "ok",
    )
    assert found["devices"][0].endswith("; Keras runs on tensorflow")
    assert set(doctor.EXTRAS) < set(found)
    assert {verdict for _, verdict in found.values()} <= {
        "ok",
        "not installed",
    }


def test_what_is_too_old_or_absent_is_told(capsys, monkeypatch):
    installed = importlib.metadata.version

    def version(name):
        if name == "apache-beam":
            raise importlib.metadata.PackageNotFoundError(name)
        return "2.1" if name == "keras" else installed(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    status, found = rows(capsys)
    assert status == 1
    assert found["keras"] == ("2.1, needs >=3.6", "broken")
    assert found["beam"] == ("no apache-beam", "not installed")


def test_what_fails_is_a_finding_and_no_traceback(capsys, monkeypatch):
    def fail():
        raise RuntimeError("no kernel image\nand much more")

    monkeypatch.setattr(doctor, "_train", fail)
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "1")
    status, found = rows(capsys)
    assert status == 1
    assert found["training"] == ("RuntimeError: no kernel image", "broken")
    assert found["tf.keras"][1] == "broken"


def test_it_takes_no_arguments(capsys):
    with pytest.raises(SystemExit):
        cli.main(["doctor", "--fix"])
    assert "there is no such flag" in capsys.readouterr().err
