"""Whether callers of one version can go on with the next."""

import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from slice_tf.export.signatures import CONTRACT_FILE, SERVING_DEFAULT
from slice_tf.files import read_json


def check_contract(
    new: pathlib.Path, old: pathlib.Path | None, allow_changes: bool
) -> None:
    """Refuses a version that breaks the callers of the one before.

    Nothing is said of a SavedModel without a contract.

    Args:
        new: The SavedModel to be published.
        old: The version that is served; `None` if it is the first.
        allow_changes: Whether callers are told, or changed as well.

    Raises:
        ValueError: If there is no `serving_default`, or something that
            callers may rely on is gone or of another type or shape.
    """
    contract = _read(new)
    if contract is None:
        return
    if SERVING_DEFAULT not in contract["signatures"]:
        raise ValueError(
            f"A version must have the signature `{SERVING_DEFAULT}`, because "
            "that is what servers ask without a name. Received: "
            f"saved_model_dir={new}, "
            f"signatures={', '.join(contract['signatures']) or 'none'}"
        )
    before = _read(old) if old is not None else None
    if before is None or allow_changes:
        return
    changes = list(find_changes(before, contract))
    if changes:
        listed = "; ".join(changes[:5])
        more = f"; and {len(changes) - 5} more" if len(changes) > 5 else ""
        raise ValueError(
            "A new version must answer what the one before answers, because "
            "callers do not change with it. Received: "
            f"version before={old}, changes={listed}{more}. Publish it below "
            "another base directory, or pass `new_contract` (on the command "
            "line, --new-contract) if callers know."
        )


def find_changes(
    old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[str]:
    """Yields what breaks callers, from the contents of two contracts.

    Further signatures and outputs break nobody, nor do inputs that take more
    shapes than before.
    """
    if old["slices"] != new["slices"]:
        yield f"slices: {_listed(old['slices'])} to {_listed(new['slices'])}"
    for name, signature in old["signatures"].items():
        if name not in new["signatures"]:
            yield f"{name}: gone"
            continue
        other = new["signatures"][name]
        for key in other["inputs"].keys() - signature["inputs"].keys():
            yield f"{name}/{key}: input that was not needed before"
        yield from _differences(name, signature["inputs"], other["inputs"])
        yield from _differences(name, signature["outputs"], other["outputs"])


def _differences(
    name: str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[str]:
    for key, tensor in old.items():
        other = new.get(key)
        if other is None:
            yield f"{name}/{key}: gone"
        elif other["dtype"] != tensor["dtype"] or not _takes(
            other["shape"], tensor["shape"]
        ):
            yield f"{name}/{key}: {_said(tensor)} to {_said(other)}"


def _takes(new: list[int | None] | None, old: list[int | None] | None) -> bool:
    if new is None or old is None:
        return new is None
    return len(new) == len(old) and all(
        size in (None, before) for size, before in zip(new, old, strict=True)
    )


def _said(tensor: Mapping[str, Any]) -> str:
    return f"{tensor['dtype']}{tensor['shape']}"


def _listed(slices: list[str]) -> str:
    return ", ".join(slices) or "none"


def _read(directory: pathlib.Path) -> dict[str, Any] | None:
    path = directory / CONTRACT_FILE
    return read_json(path) if path.is_file() else None
