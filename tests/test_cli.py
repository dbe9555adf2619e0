import os
import subprocess
import sys

import pytest

import slice_tf
from slice_tf import cli


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "slice_tf", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


def test_help_lists_every_command():
    done = run("--help")
    assert done.returncode == 0
    for command, (_, text) in cli.PROGRAMS.items():
        assert f"  {command:<10} {text}\n" in done.stdout


def test_version_is_the_package_s(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"slice-tf {slice_tf.__version__}\n"


def test_no_command_shows_help_and_fails(capsys):
    assert cli.main([]) == 2
    assert "usage: slice-tf COMMAND" in capsys.readouterr().out


def test_misspelt_command_gets_a_suggestion(capsys):
    assert cli.main(["aply"]) == 2
    message = "Received: command='aply'. Did you mean apply?"
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("command", cli.PROGRAMS)
def test_misspelt_flag_is_one_line_and_status_two(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main([command, "--hepl"])
    captured = capsys.readouterr()
    assert (stopped.value.code, captured.out) == (2, "")
    assert captured.err.startswith(f"slice-tf {command}: error: ")
    assert captured.err.count("\n") == 1


def test_misspelt_choice_gets_a_suggestion(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["demo", "--data", "sintetic"])
    assert stopped.value.code == 2
    assert (
        "argument --data: must be one of digits, synthetic. "
        "Received: sintetic. Did you mean synthetic?"
    ) in capsys.readouterr().err


@pytest.mark.parametrize("command", cli.PROGRAMS)
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main([command, "--help"])
    assert stopped.value.code == 0
    assert f"usage: slice-tf {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("a\n  b"), "a b"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (ModuleNotFoundError("x", name="apache_beam"), "package `apache_beam`"),
    ],
)
def test_user_errors_become_one_line(monkeypatch, capsys, error, line):
    def program(argv):
        raise error

    monkeypatch.setattr(cli, "_load", lambda target: program)
    assert cli.main(["train"]) == 2
    captured = capsys.readouterr().err
    assert captured.count("\n") == 1
    assert line in captured


def test_interrupt_is_one_line_and_status_130(monkeypatch, capsys):
    def program(argv):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_load", lambda target: program)
    assert cli.main(["train"]) == 130
    assert capsys.readouterr().err.startswith("slice-tf train: error: interr")


def test_bugs_keep_their_traceback(monkeypatch):
    def program(argv):
        raise KeyError("bug")

    monkeypatch.setattr(cli, "_load", lambda target: program)
    with pytest.raises(KeyError, match="bug"):
        cli.main(["train"])


@pytest.mark.parametrize("heavy", ["tensorflow", "keras", "apache_beam"])
def test_neither_import_nor_help_loads_heavy_packages(heavy):
    code = (
        "import sys, slice_tf, slice_tf.cli;"
        "slice_tf.cli.main(['--help']);"
        f"sys.exit('{heavy}' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=False
    )
    assert done.returncode == 0
