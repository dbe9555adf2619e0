"""Results of several labels of one model: a file each, in one directory."""

import os
import pathlib
from collections.abc import Sequence
from typing import Any

from slice_tf.evaluation.results import Results

_PREFIX = "label_"


def choose_labels(index: int | None, num_labels: int) -> tuple[int, ...]:
    """Returns which of several labels to evaluate: one, or all for None.

    Raises:
        ValueError: If there is no such label.
    """
    if index is None:
        return tuple(range(num_labels))
    if not 0 <= index < num_labels:
        raise ValueError(
            "`--label-index` must be below the number of labels. Received: "
            f"label_index={index}, labels={num_labels}"
        )
    return (index,)


def load_labels(path: str | os.PathLike[str]) -> list[Results]:
    """Reads results of one file, or of each label in a directory.

    Raises:
        FileNotFoundError: If there is no such file or directory.
        ValueError: If a file holds no results, or a directory none of labels.
    """
    directory = pathlib.Path(path)
    if not directory.is_dir():
        return [Results.load(directory)]
    files = [
        (int(number), file)
        for file in directory.glob(f"{_PREFIX}*.json")
        if (number := file.stem.removeprefix(_PREFIX)).isdecimal()
    ]
    if not files:
        raise ValueError(
            f"A directory of results must hold {_PREFIX}0.json and so on, as "
            "`slice-tf evaluate` writes them of several labels. Received: "
            f"directory={path}"
        )
    return [Results.load(file) for _, file in sorted(files)]


def save_labels(
    results: Sequence[Results], path: str | os.PathLike[str]
) -> None:
    """Writes what `load_labels` reads: one file, or a directory of several."""
    for one, file in zip(results, label_files(path, len(results)), strict=True):
        file.parent.mkdir(parents=True, exist_ok=True)
        one.save(file)


def label_files(
    path: str | os.PathLike[str], num_labels: int
) -> list[pathlib.Path]:
    """Returns where results lie: `path`, or files of labels within it.

    Raises:
        ValueError: If it is a file, and must be a directory, or the other way
            round.
    """
    target = pathlib.Path(path)
    if target.is_dir() if num_labels == 1 else target.is_file():
        raise ValueError(
            "The output must be a file, such as results.json, or a directory "
            f"where there are several labels. Received: output={path}, "
            f"labels={num_labels}"
        )
    if num_labels == 1:
        return [target]
    return [target / name for name in label_names(num_labels)]


def label_names(num_labels: int) -> list[str]:
    """Returns names of the files of several labels, which sort as numbers."""
    width = len(str(num_labels - 1))
    return [f"{_PREFIX}{i:0{width}}.json" for i in range(num_labels)]


def pair_labels(
    baseline: Results | Sequence[Results],
    candidate: Results | Sequence[Results],
) -> list[tuple[Results, Results]]:
    """Returns results of each label of two models, as the candidate's come.

    Raises:
        ValueError: If the two are of other labels, data or slices, or one's
            labels are of several models or not told apart.
    """
    before, after = (
        [one] if isinstance(one, Results) else list(one)
        for one in (baseline, candidate)
    )
    labels = [[one.data.label for one in some] for some in (before, after)]
    if len(before) == len(after) == 1:
        after[0].check_comparable(before[0])
        return [(before[0], after[0])]
    first, second = map(sorted, labels)
    if not first or first != second or len(set(first)) < len(first):
        raise ValueError(
            "Two models must be compared by the same labels, each once. "
            f"Received: {_listed(first)} of the baseline, {_listed(second)} "
            "of the candidate"
        )
    for some in (before, after):
        check_family(some)
    by_label = dict(zip(labels[0], before, strict=True))
    pairs = [(by_label[one.data.label], one) for one in after]
    for old, new in pairs:
        new.check_comparable(old)
    return pairs


def check_family(results: Sequence[Results]) -> None:
    """Refuses labels of several models.

    Raises:
        ValueError: If results are of other models, data or slices.
    """
    for one in results:
        if family_of(one) != family_of(results[0]):
            here, there = (
                f"{x.data.label} of {x.model.path!r} on {x.data.path!r}"
                for x in (results[0], one)
            )
            raise ValueError(
                "Several labels must be of the same model, data and slices. "
                f"Received: {here}, {there}"
            )


def family_of(results: Results) -> tuple[Any, ...]:
    """Returns what results of several labels have in common."""
    baseline = results.baseline and results.baseline.fingerprint
    return (
        *(results.model.path, results.model.fingerprint, baseline),
        *(results.data.path, results.data.num_examples),
        results.schema.fingerprint,
    )


def _listed(labels: Sequence[str]) -> str:
    return ", ".join(one or "no label" for one in labels) or "nothing"
