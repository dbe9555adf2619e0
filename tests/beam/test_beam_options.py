import pytest

from beam_job import KEYWORDS, apply, write_raw
from slice_tf_beam import apply_slicing_functions
from slice_tf_beam.options import make_options


def refusal(tmp_path, *flags):
    """Returns the one line that a refused command prints."""
    write_raw(tmp_path / "raw", [1])
    done = apply(tmp_path / "raw", tmp_path / "out", KEYWORDS, *flags)
    assert (done.returncode, done.stdout) == (2, "")
    assert not (tmp_path / "out").exists()
    (line,) = done.stderr.splitlines()
    return line.removeprefix("slice-tf apply: error: ")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ["--worker", "2"],
            "there is no such flag or argument. Received: --worker. Did you "
            "mean --workers? (`slice-tf apply --help` lists the flags)",
        ),
        (
            ["--runner=FlinkRunner"],
            "there is no such flag or argument. Received: "
            "--runner=FlinkRunner. Flags of Beam follow after `--`. "
            "(`slice-tf apply --help` lists the flags)",
        ),
        (
            ["--workers", "0"],
            "argument --workers: must be a whole number from 1. Received: 0 "
            "(`slice-tf apply --help` lists the flags)",
        ),
        (
            ["--max-error-rate", "many"],
            "argument --max-error-rate: must be from 0 to 1. Received: many "
            "(`slice-tf apply --help` lists the flags)",
        ),
        (
            ["--max-bad-records", "-1"],
            "argument --max-bad-records: must be a whole number from 0. "
            "Received: -1 (`slice-tf apply --help` lists the flags)",
        ),
        (
            ["--", "--runer=FnApiRunner"],
            "Flags after `--` must be Beam's, because Beam ignores one that "
            "it does not know. Received: --runer=FnApiRunner. Did you mean "
            "--runner?",
        ),
        (
            ["--", "--direct_num_workers=many"],
            "A Beam flag must have a value that Beam takes. Received: "
            "--direct_num_workers=many, error=argument --direct_num_workers: "
            "invalid int value: 'many'",
        ),
    ],
)
def test_a_wrong_flag_is_one_line_with_a_mend(tmp_path, flags, message):
    assert refusal(tmp_path, *flags) == message


@pytest.mark.parametrize(
    ("runner", "hint"),
    [
        ("FlinkRuner", " Did you mean FlinkRunner?"),
        ("apache_beam.Nothing", ""),
        ("no_such_package.Runner", ""),
    ],
)
def test_an_unknown_runner_is_named(runner, hint):
    with pytest.raises(ValueError, match="must be one of DataflowR") as caught:
        make_options([f"--runner={runner}"])
    assert str(caught.value).endswith(f"Received: runner={runner}.{hint}")


@pytest.mark.parametrize("flag", ["input", "slices", "output-dir"])
def test_own_flags_must_be_given(tmp_path, flag):
    given = {"input": "a", "slices": "b", "output-dir": "c"}
    del given[flag]
    with pytest.raises(SystemExit) as stopped:
        main(*[word for k, v in given.items() for word in (f"--{k}", v)])
    assert stopped.value.code == 2


def main(*flags):
    from slice_tf import cli

    return cli.main(["apply", *flags])


def test_workers_count_processes():
    with pytest.raises(ValueError, match=r"Received: num_workers=0"):
        make_options([], 0)


def test_a_flag_of_the_local_runner_has_the_last_word():
    options = make_options(["--direct_num_workers=3"], 2).get_all_options()
    assert options["direct_num_workers"] == 3


def test_a_job_of_flags_beam_does_not_know_never_starts(tmp_path):
    write_raw(tmp_path / "raw", [1])
    with pytest.raises(ValueError, match="Received: --flag"):
        apply_slicing_functions(
            str(tmp_path / "raw"),
            str(tmp_path / "out"),
            [KEYWORDS],
            pipeline_options=["--flag"],
        )
    assert not (tmp_path / "out").exists()
