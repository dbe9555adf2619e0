"""discovered.json and its arrays: what a discovery run leaves."""

import dataclasses
import json
import os
import pathlib
from typing import Any

from slice_tf.discovery.condition import Condition
from slice_tf.discovery.found import Discovery, FoundSlice, Phrase
from slice_tf.discovery.regions import ARRAYS, load_regions
from slice_tf.discovery.rule import Rate, Rule, Separation
from slice_tf.files import replacing, write_text

FORMAT_VERSION = 2
FILE_NAME = "discovered.json"


def save_discovery(
    directory: str | os.PathLike[str], found: Discovery
) -> pathlib.Path:
    """Writes `regions.npz`, then `discovered.json`, into a directory.

    Returns:
        The path of `discovered.json`.
    """
    path = pathlib.Path(directory)
    path.mkdir(parents=True, exist_ok=True)
    with replacing(path / ARRAYS) as temporary:
        found.regions.save(temporary)
    facts: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "fingerprint": found.regions.fingerprint,
        "num_rows": found.num_rows,
        "error_rate": found.error_rate,
        "seed": found.seed,
        "embedder": found.embedder,
        "slices": [dataclasses.asdict(one) for one in found.slices],
    }
    text = json.dumps(facts, indent=2) + "\n"
    whole = path / FILE_NAME
    write_text(whole, text)
    return whole


def load_discovery(directory: str | os.PathLike[str]) -> Discovery:
    """Reads what `save_discovery` wrote.

    Raises:
        ValueError: If it is not whole, of another format, or its arrays are
            of another run.
    """
    path = pathlib.Path(directory)
    if not (path / FILE_NAME).is_file():
        raise ValueError(
            f"A discovery run must have left {FILE_NAME}. Received: "
            f"directory={path}. Run `slice-tf discover` first."
        )
    facts = json.loads((path / FILE_NAME).read_text(encoding="utf-8"))
    if facts.get("format_version") != FORMAT_VERSION:
        raise ValueError(
            f"{FILE_NAME} must be of format {FORMAT_VERSION}. Received: "
            f"format_version={facts.get('format_version')}"
        )
    regions = load_regions(str(path / ARRAYS), facts["fingerprint"])
    return Discovery(
        tuple(map(_revive, facts["slices"])),
        regions,
        facts["error_rate"],
        facts["num_rows"],
        facts.get("seed", 0),
        facts.get("embedder", ""),
    )


def _revive(one: dict[str, Any]) -> FoundSlice:
    rule = one.get("rule")
    return FoundSlice(
        **{
            **one,
            "region_error_rate": Rate(**one["region_error_rate"]),
            "nearest": tuple(one["nearest"]),
            "scores": tuple(map(tuple, one.get("scores", ()))),
            "examples": tuple(one.get("examples", ())),
            "separations": tuple(
                Separation(**told) for told in one.get("separations", ())
            ),
            "rule": None if rule is None else _revive_rule(rule),
            "phrases": tuple(Phrase(**told) for told in one.get("phrases", ())),
        }
    )


def _revive_rule(facts: dict[str, Any]) -> Rule:
    rates = ("precision", "recall", "error_rate")
    return Rule(
        tuple(Condition(**one) for one in facts["conditions"]),
        facts["text"],
        facts["size"],
        **{name: Rate(**facts[name]) for name in rates},
    )
