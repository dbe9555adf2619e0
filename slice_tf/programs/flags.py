"""The parser of every program's flags."""

import argparse
import math
import pathlib
import shutil
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from slice_tf.near_miss import did_you_mean


class _Defaults(argparse.ArgumentDefaultsHelpFormatter):
    """Tells a default where there is one."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        given = action.default
        if given is None or given is False or given == []:
            return action.help
        return super()._get_help_string(action)


class FlagParser(argparse.ArgumentParser):
    """An argument parser that refuses abbreviations and suggests a mend.

    Every error is one line on stderr and exit status 2.

    Args:
        command: The command's name, such as `train`.
        description: One sentence for `--help`.
    """

    def __init__(self, command: str, description: str) -> None:
        super().__init__(
            prog=f"slice-tf {command}",
            description=description,
            allow_abbrev=False,
            formatter_class=_Defaults,
        )

    def parse(self, argv: Sequence[str]) -> argparse.Namespace:
        """Returns the flags; exits with status 2 where one is unknown."""
        flags, unknown = self.parse_known_args(list(argv))
        if unknown:
            self.error(self._describe(unknown[0]))
        return flags

    def error(self, message: str) -> NoReturn:
        """Prints one line and exits with status 2."""
        sys.stderr.write(f"{self.prog}: error: {message}{self._hint()}\n")
        sys.exit(2)

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.choices is None or value in action.choices:
            return
        choices = list(map(str, action.choices))
        raise argparse.ArgumentError(
            action,
            f"must be one of {', '.join(choices)}. Received: {value}."
            f"{did_you_mean(value, choices)}",
        )

    def _describe(self, token: str) -> str:
        known = [
            name for action in self._actions for name in action.option_strings
        ]
        near = did_you_mean(token.partition("=")[0], known)
        if not near and "after `--`" in str(self.description):
            near = " Flags of Beam follow after `--`."
        return f"there is no such flag or argument. Received: {token}.{near}"

    def _hint(self) -> str:
        return f" (`{self.prog} --help` lists the flags)"


def split_beam_flags(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Splits a program's own flags from Beam's, which follow `--`."""
    own = list(argv)
    if "--" not in own:
        return own, []
    cut = own.index("--")
    return own[:cut], own[cut + 1 :]


def positive_int(text: str) -> int:
    """Reads a flag's value that counts something."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(
            f"must be a whole number from 1. Received: {text}"
        )
    return value


def number(text: str, is_right: Callable[[float], bool], what: str) -> float:
    """Reads a flag's value that is a number in some range."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not is_right(value):
        raise argparse.ArgumentTypeError(f"must be {what}. Received: {text}")
    return value


def positive_number(text: str) -> float:
    """Reads a flag's value that is a time, or another amount."""
    return number(text, lambda one: 0 < one < math.inf, "a positive number")


def whole_number(text: str) -> int:
    """Reads a flag's value that may be 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(
            f"must be a whole number from 0. Received: {text}"
        )
    return int(text)


def new_directory(
    path: pathlib.Path, replaceable: str | None = None
) -> pathlib.Path:
    """Creates an output directory that holds nothing yet.

    Args:
        path: Must not exist, or be an empty directory.
        replaceable: Name of a file that marks a directory as an earlier
            output of the same program, which is then removed first. None
            replaces nothing.

    Raises:
        ValueError: If it is a file, or holds something that is not ours to
            remove.
    """
    if path.exists() and not path.is_dir():
        raise ValueError(
            "The output must be a directory, because it will hold several "
            f"files. Received: output_dir={path}, which is a file."
        )
    if path.is_dir() and any(path.iterdir()):
        if replaceable is None or not (path / replaceable).is_file():
            raise ValueError(
                "The output directory must be new or empty, because nothing "
                f"of yours is overwritten. Received: output_dir={path}"
            )
        shutil.rmtree(path)
    path.mkdir(parents=True, exist_ok=True)
    return path


def read_token(path: pathlib.Path) -> str:
    """Returns the token that a file holds.

    Raises:
        ValueError: If it holds none.
    """
    token = path.read_text(encoding="utf-8").strip()
    if not token:
        raise ValueError(
            f"`--token-file` must hold a token. Received: token_file={path}"
        )
    return token
