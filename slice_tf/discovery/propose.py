"""Accepting a slice: a Python file with its slicing function, and a test."""

import keyword
import os
import pathlib
import re
from collections.abc import Sequence

from slice_tf.discovery.discovered import load_discovery
from slice_tf.discovery.found import Discovery, FoundSlice
from slice_tf.discovery.regions import ARRAYS
from slice_tf.discovery.rule import Rate, Rule
from slice_tf.discovery.stubs import (
    REGION_FUNCTION,
    REGION_TEST,
    RULE_FUNCTION,
    RULE_TEST,
    words_import,
)
from slice_tf.files import write_text
from slice_tf.schema import BASE

# The slice of every example, and what a rule's code calls.
_TAKEN = (BASE, "words_of")


def accept(
    directory: str | os.PathLike[str],
    found: str | Sequence[str],
    name: str,
    feature: str,
    output: str | os.PathLike[str],
    encoder: str = "",
) -> tuple[pathlib.Path, pathlib.Path]:
    """Writes a slicing function for a found slice, and a test stub.

    The function is not servable and need not be: it asks the regions, and the
    encoder where there is one, while the job runs.

    Args:
        directory: What `save_discovery` wrote; must stay where it is.
        found: Name of the found slice, such as `found_0`, or of several that
            shall be one.
        name: Name of the new slice.
        feature: Feature of the examples that is the embedding or, with an
            encoder, what it encodes.
        output: The `.py` file to write. It must not exist.
        encoder: Import path of a loader that returns a callable from a batch
            of the feature to embeddings `[rows, dim]`; none where empty.

    Returns:
        Paths of the function's file and of the test's.

    Raises:
        ValueError: If there is no such slice, a name is malformed, or a file
            is there already.
    """
    loader, _, function = encoder.rpartition(":")
    if encoder and not (loader and function):
        raise ValueError(
            "An encoder must be named as `module:function`, which returns it. "
            f"Received: encoder={encoder!r}"
        )
    run = load_discovery(directory)
    places = _places(run, found)
    path, test = _new_files(name, output)
    place = places[0] if len(places) == 1 else tuple(places)
    description = "; ".join(_describe(run.slices[one]) for one in places)
    text = REGION_FUNCTION.format(
        path=str((pathlib.Path(directory) / ARRAYS).resolve()),
        fingerprint=run.regions.fingerprint,
        encoder=f"ENCODER = Resource({encoder!r})\n" if encoder else "",
        uses='{"regions": REGIONS, "encoder": ENCODER}'
        if encoder
        else '{"regions": REGIONS}',
        argument=", encoder" if encoder else "",
        embeddings=f"encoder(batch[{feature!r}])"
        if encoder
        else f"batch[{feature!r}]",
        feature=feature,
        name=name,
        place=place,
        description=description,
    )
    stub = REGION_TEST.format(path=str(path.resolve()), place=place)
    return _write(path, text, test, stub)


def accept_rule(
    directory: str | os.PathLike[str],
    found: str | Sequence[str],
    name: str,
    output: str | os.PathLike[str],
) -> tuple[pathlib.Path, pathlib.Path]:
    """Writes a found slice's rule as a slicing function, and a test stub.

    The function reads the features that the rule names and nothing else, so
    that a person can read it, mend it and run it anywhere.

    Args:
        directory: What `save_discovery` wrote, with rules.
        found: Name of the found slice, or of several: of these any may hold.
        name: Name of the new slice.
        output: The `.py` file to write. It must not exist.

    Returns:
        Paths of the function's file and of the test's.

    Raises:
        ValueError: If there is no such slice or it has no rule, a name is
            malformed, or a file is there already.
    """
    run = load_discovery(directory)
    chosen = [run.slices[place] for place in _places(run, found)]
    rules = [one.rule for one in chosen if one.rule is not None]
    if len(rules) < len(chosen):
        raise ValueError(
            "A slice must have a rule to be accepted as one. Received: "
            f"slice={', '.join(one.name for one in chosen)}. Discover with "
            "columns that describe it, or accept its region."
        )
    path, test = _new_files(name, output)
    asked = [test for rule in rules for test in rule.conditions]
    features = sorted({one.feature for one in asked})
    code = "\n        or ".join(
        "(" + " and ".join(one.code() for one in rule.conditions) + ")"
        for rule in rules
    )
    text = RULE_FUNCTION.format(
        imports=words_import(any(one.test == "has_word" for one in asked)),
        needs=tuple(features),
        name=name,
        description=_doc(" or ".join(map(str, rules))),
        measured="\n".join(f"    {_measured(rule)}" for rule in rules),
        code=code,
    )
    stub = RULE_TEST.format(path=str(path.resolve()), features=features)
    return _write(path, text, test, stub)


def _places(run: Discovery, found: str | Sequence[str]) -> list[int]:
    names = [one.name for one in run.slices]
    asked = [found] if isinstance(found, str) else list(found)
    missing = [one for one in asked if one not in names]
    if missing or not asked:
        raise ValueError(
            "A slice must be among those found. Received: "
            f"slice={', '.join(missing) or 'none'}, "
            f"found={', '.join(names) or 'none'}"
        )
    return [names.index(one) for one in asked]


def _new_files(
    name: str, output: str | os.PathLike[str]
) -> tuple[pathlib.Path, pathlib.Path]:
    reserved = keyword.iskeyword(name) or name in _TAKEN
    if reserved or not re.fullmatch("[a-z_][a-z0-9_]*", name):
        raise ValueError(
            "A slice's name must be lower-case letters, digits and "
            f"underscores, and no word of Python's nor {' or '.join(_TAKEN)}, "
            f"because it names a function. Received: name={name!r}"
        )
    path = pathlib.Path(output)
    test = path.with_name(f"test_{path.stem}.py")
    taken = [str(one) for one in (path, test) if one.exists()]
    if path.suffix != ".py" or taken:
        raise ValueError(
            "The output must be a new .py file, because yours is never "
            f"overwritten. Received: output={path}, exist={taken}"
        )
    return path, test


def _write(
    path: pathlib.Path, text: str, test: pathlib.Path, stub: str
) -> tuple[pathlib.Path, pathlib.Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text)
    write_text(test, stub)
    return path, test


def _describe(one: FoundSlice) -> str:
    rate = _percent(one.region_error_rate)
    return (
        f"Like examples of class {one.label} that a model got wrong "
        f"(held out: {rate} of {one.region_size}, of whatever class)"
    )


def _measured(rule: Rule) -> str:
    return (
        f"Held out: {rule.size} rows, {_percent(rule.error_rate)} wrong; "
        f"precision {_percent(rule.precision)}, recall "
        f"{_percent(rule.recall)} of what was found."
    )


def _percent(rate: Rate) -> str:
    return "unknown" if rate.value is None else f"{rate.value:.0%}"


def _doc(text: str) -> str:
    """Returns a text that may stand in a docstring, whatever data said."""
    return text.replace("\\", "\\\\").replace('"', "'")
