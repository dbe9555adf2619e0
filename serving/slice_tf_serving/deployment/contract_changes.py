"""Whether callers of one version can go on with the next."""

import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from slice_tf.export.signatures import CONTRACT_FILE, SERVING_DEFAULT
from slice_tf.files import read_json

Contract = Mapping[str, Any]
Tensor = Mapping[str, Any]


def read_contract(saved_model_dir: pathlib.Path) -> Contract | None:
    """Returns what a version takes and gives; `None` where it does not say.

    Raises:
        ValueError: If it says so in something else than JSON.
    """
    path = saved_model_dir / CONTRACT_FILE
    return read_json(path) if path.is_file() else None


def check_contract(new: pathlib.Path, old: Contract | None) -> None:
    """Refuses a version that breaks the callers of the one before.

    Nothing is said of a SavedModel without a contract.

    Args:
        new: The SavedModel to be published.
        old: The contract of the newest version; `None` where it has none, or
            where callers are told, or changed as well.

    Raises:
        ValueError: If there is no `serving_default`, or something that
            callers may rely on is gone or of another type or shape.
    """
    contract = read_contract(new)
    if contract is None:
        return
    if SERVING_DEFAULT not in contract["signatures"]:
        raise ValueError(
            f"A version must have the signature `{SERVING_DEFAULT}`, because "
            "that is what servers ask without a name. Received: "
            f"saved_model_dir={new}, "
            f"signatures={', '.join(contract['signatures']) or 'none'}"
        )
    if old is None:
        return
    changes = list(find_changes(old, contract))
    if changes:
        listed = "; ".join(changes[:5])
        more = f"; and {len(changes) - 5} more" if len(changes) > 5 else ""
        raise ValueError(
            "A new version must answer what the one before answers, because "
            "callers do not change with it. Received: "
            f"saved_model_dir={new}, changes={listed}{more}. Publish it below "
            "another base directory, or pass `new_contract` (on the command "
            "line, --new-contract) if callers know."
        )


def find_changes(old: Contract, new: Contract) -> Iterator[str]:
    """Yields what breaks callers.

    Further signatures and outputs break nobody, nor do inputs that take more
    shapes than before, or outputs that have fewer.
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
        for key, before in signature["inputs"].items():
            after = other["inputs"].get(key)
            if after is None or not _holds(after, before):
                yield f"{name}/{key}: {_change(before, after)}"
        for key, before in signature["outputs"].items():
            after = other["outputs"].get(key)
            if after is None or not _holds(before, after):
                yield f"{name}/{key}: {_change(before, after)}"


def _holds(wide: Tensor, narrow: Tensor) -> bool:
    """Tells whether every tensor of one kind is also of the other."""
    if wide["dtype"] != narrow["dtype"]:
        return False
    sizes, others = wide["shape"], narrow["shape"]
    if sizes is None or others is None:
        return sizes is None
    return len(sizes) == len(others) and all(
        size in (None, other) for size, other in zip(sizes, others, strict=True)
    )


def _change(before: Tensor, after: Tensor | None) -> str:
    return "gone" if after is None else f"{_said(before)} to {_said(after)}"


def _said(tensor: Tensor) -> str:
    return f"{tensor['dtype']}{tensor['shape']}"


def _listed(slices: list[str]) -> str:
    return ", ".join(slices) or "none"
