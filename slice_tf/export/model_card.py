"""The model card: what is known of a served model, slice by slice."""

import json
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

import slice_tf
from slice_tf.export import signatures as names
from slice_tf.files import write_text
from slice_tf.models.task_model import TaskModel
from slice_tf.schema import BASE

FORMAT_VERSION = 1

# What the text shows of all metrics, the first that is there; JSON has all.
_SHOWN = ("accuracy", "rmse")


def write_card(
    directory: pathlib.Path,
    model: TaskModel,
    results: Mapping[str, Any] | None = None,
    weights: str = "float32",
) -> None:
    """Writes the card as JSON and, to be read, as Markdown.

    Args:
        directory: A SavedModel.
        model: The model it was made of.
        results: What `results.json` of an evaluation holds. Without it, the
            card has no sizes and no metrics.
        weights: Type that matrices are stored in.

    Raises:
        ValueError: If the results are of other slices than the model has.
    """
    card = make_card(model, results, weights)
    text = json.dumps(card, indent=2) + "\n"
    write_text(directory / names.CARD_FILE, text)
    write_text(directory / names.CARD_TEXT_FILE, "\n".join(_lines(card)) + "\n")


def make_card(
    model: TaskModel,
    results: Mapping[str, Any] | None = None,
    weights: str = "float32",
) -> dict[str, Any]:
    """Returns the card as plain JSON values; see `write_card`."""
    schema = model.schema.to_dict() if model.schema else {"slices": []}
    if results is not None:
        _check_slices(schema, results)
    measured = {one["name"]: one for one in (results or {}).get("slices", ())}
    rows = [*schema["slices"], {"name": BASE, "description": "all examples"}]
    return {
        "format_version": FORMAT_VERSION,
        "model": type(model).__name__,
        "task": model.task,
        "num_classes": model.num_classes,
        "parameters": model.count_params(),
        "weights": weights,
        "versions": {
            "slice_tf": slice_tf.__version__,
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
        },
        "evaluated_on": (results or {}).get("data"),
        "gate": _verdict(results or {}),
        "slices": [one | _measured(measured.get(one["name"])) for one in rows],
    }


def _check_slices(
    schema: Mapping[str, Any], results: Mapping[str, Any]
) -> None:
    ours = [one["name"] for one in schema["slices"]]
    theirs = [one["name"] for one in results["schema"]["slices"]]
    if ours and ours != theirs:
        raise ValueError(
            "Results must be of the model's slices, because its card shows "
            f"them side by side. Received: model={', '.join(ours)}, "
            f"results={', '.join(theirs)}"
        )


def _verdict(results: Mapping[str, Any]) -> str | None:
    gate = results.get("gate")
    return gate["verdict"] if gate else None


def _measured(one: Mapping[str, Any] | None) -> dict[str, Any]:
    if one is None:
        return {"size": None, "metrics": {}, "indicator": None}
    return {key: one.get(key) for key in ("size", "metrics", "indicator")}


def _lines(card: Mapping[str, Any]) -> Iterator[str]:
    """Yields the lines of the Markdown."""
    classes = f", {card['num_classes']} classes" if card["num_classes"] else ""
    versions = ", ".join(
        f"{key} {one}" for key, one in card["versions"].items()
    )
    yield "# Model card"
    yield ""
    yield f"- Model: {card['model']}, {card['task']}{classes}"
    yield (
        f"- Parameters before folding: {card['parameters']:,}; matrices are "
        f"stored as {card['weights']}"
    )
    yield f"- Made with {versions}"
    yield _evaluated(card["evaluated_on"])
    if card["gate"]:
        yield f"- Gate: {card['gate']}"
    yield "- Served without slicing functions: slices are learned indicators"
    yield ""
    yield "## Slices"
    yield ""
    yield from _table(card["slices"])


def _evaluated(data: Mapping[str, Any] | None) -> str:
    if data is None:
        return "- Evaluated: not said"
    return (
        f"- Evaluated on {data['num_examples']:,} examples of "
        f"`{data['path']}` (fingerprint {data['fingerprint']})"
    )


def _table(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    found = [
        one for one in _SHOWN if any(one in row["metrics"] for row in rows)
    ]
    shown = found[0] if found else _SHOWN[0]
    yield (
        f"| slice | what it is | owner | kind | size | {shown} | 95 % interval "
        "| indicator AUC |"
    )
    yield "|---|---|---|---|---:|---:|---:|---:|"
    for row in rows:
        kinds = [one for one in ("critical", "monitor_only") if row.get(one)]
        metric = row["metrics"].get(shown)
        cells = (
            row["name"],
            row.get("description", ""),
            row.get("owner", ""),
            ", ".join(kinds).replace("_", " "),
            "" if row["size"] is None else f"{row['size']:,}",
            _number(metric, "value"),
            _interval(metric),
            _number(row["indicator"], "value"),
        )
        yield "| " + " | ".join(_cell(one) for one in cells) + " |"


def _number(metric: Mapping[str, Any] | None, key: str) -> str:
    if metric is None or metric[key] is None:
        return ""
    few = " (too few)" if metric.get("status") == "too few" else ""
    return f"{metric[key]:.3f}{few}"


def _interval(metric: Mapping[str, Any] | None) -> str:
    if metric is None or metric["low"] is None:
        return ""
    return f"{metric['low']:.3f} to {metric['high']:.3f}"


def _cell(text: str) -> str:
    """Returns text that stays within its cell."""
    return " ".join(text.replace("|", "\\|").split())
