"""What people said of results: answers of audits, notes, acceptances."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping

from slice_tf.evaluation import (
    Acceptance,
    Results,
    SliceAudit,
    accept_slices,
    with_audits,
)
from slice_tf.files import write_text
from slice_tf.schema import BASE

FORMAT_VERSION = 1
FILE_NAME = "review.json"
LONGEST_NOTE = 4_000

Answers = Mapping[str, Mapping[str, bool]]


@dataclasses.dataclass(frozen=True)
class Review:
    """What people said, of all results in one directory.

    Args:
        audits: Fingerprint of the data, slice and key of an example to
            whether it belongs there. They hold for every model that was
            evaluated on the data.
        notes: Name of a results file and slice to what somebody wrote.
        accepted: Fingerprints of data and model, and slice, to why somebody
            lets the slice through. Another model is another decision, even
            under the same name.
    """

    audits: dict[str, dict[str, dict[str, bool]]] = dataclasses.field(
        default_factory=dict
    )
    notes: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)
    accepted: dict[str, dict[str, str]] = dataclasses.field(
        default_factory=dict
    )

    @classmethod
    def load(cls, directory: pathlib.Path) -> "Review":
        """Reads `review.json`; nothing was said where there is none.

        Raises:
            ValueError: If the file is of another format.
        """
        path = directory / FILE_NAME
        return cls.read(path) if path.exists() else cls()

    @classmethod
    def read(cls, path: pathlib.Path) -> "Review":
        """Reads a review under whatever name.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file is of another format.
        """
        try:
            values = json.loads(path.read_bytes())
            version = values.pop("format_version")
            review = cls(**values)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path}: A review must hold the fields that `slice-tf ui` "
                f"writes. Received: {type(error).__name__}={error}"
            ) from error
        if version != FORMAT_VERSION:
            raise ValueError(
                f"{path}: A review must be of format {FORMAT_VERSION}. "
                f"Received: format_version={version}"
            )
        return review

    def save(self, directory: pathlib.Path) -> None:
        """Writes `review.json`; the file appears only when it is whole."""
        facts = {"format_version": FORMAT_VERSION, **dataclasses.asdict(self)}
        write_text(directory / FILE_NAME, json.dumps(facts, indent=1) + "\n")

    def answer(
        self, results: Results, slice_name: str, key: str, belongs: bool | None
    ) -> None:
        """Keeps whether an example belongs to a slice; None forgets it.

        Raises:
            ValueError: If the slice or the example is not in the results.
        """
        results.schema.index(slice_name)
        sample = results.examples
        if sample is None or key not in {one.key for one in sample.examples}:
            raise ValueError(
                "An audited example must be in the sample of the results. "
                f"Received: key={key!r}"
            )
        of_data = self.audits.setdefault(results.data.fingerprint, {})
        answers = of_data.setdefault(slice_name, {})
        answers.pop(key, None)
        if belongs is not None:
            answers[key] = belongs

    def write(
        self, kind: str, file: str, results: Results, name: str, text: str
    ) -> None:
        """Keeps a note or an acceptance of a slice; none where empty.

        Args:
            kind: `notes` or `accepted`.
            file: Name of the results file.
            results: What the file holds.
            name: The slice, or `base`.
            text: What somebody wrote; why, of an acceptance.

        Raises:
            ValueError: If there is no such slice or the text is too long.
        """
        if name != BASE:
            results.schema.index(name)
        if len(text) > LONGEST_NOTE:
            raise ValueError(
                f"A note must be of {LONGEST_NOTE:,} characters at most. "
                f"Received: characters={len(text):,}"
            )
        key = file if kind == "notes" else _identity(results)
        texts = getattr(self, kind).setdefault(key, {})
        texts.pop(name, None)
        if text.strip():
            texts[name] = text.strip()

    def counts(self, results: Results) -> dict[str, SliceAudit]:
        """Returns audits of slices with an answer inside and one outside."""
        sample, found = results.examples, {}
        if sample is None:
            return {}
        answers = self.audits.get(results.data.fingerprint, {})
        for name in results.schema.names:
            said = answers.get(name, {})
            inside, outside = (
                [said[key] for key in keys if key in said]
                for keys in _keys(results, name)
            )
            if inside and outside:
                found[name] = SliceAudit(
                    sum(inside), len(inside), sum(outside), len(outside)
                )
        return found

    def acceptances(self, results: Results) -> list[Acceptance]:
        """Returns which slices somebody lets through, of this very model."""
        known = {*results.schema.names, BASE}
        return [
            Acceptance(name, text)
            for name, text in self.accepted.get(_identity(results), {}).items()
            if name in known
        ]

    def apply(self, results: Results) -> Results:
        """Returns results as they are after what people said."""
        told = with_audits(results, self.counts(results))
        reasons = self.acceptances(results)
        if told.gate is None or not reasons:
            return told
        return dataclasses.replace(told, gate=accept_slices(told.gate, reasons))


def _identity(results: Results) -> str:
    """What an acceptance is of: this model on this data, under any name."""
    leading = results.slices[-1].metrics[results.leading].value
    # Predictions that were made elsewhere do not say of which model.
    model = results.model.fingerprint or f"{results.leading} {leading:.6g}"
    return f"data {results.data.fingerprint}, model {model}"


def _keys(results: Results, name: str) -> tuple[list[str], list[str]]:
    """Returns keys of sampled examples inside and outside of a slice."""
    sample = results.examples
    if sample is None:
        return [], []
    places = sample.members[name], sample.outside(results.schema, name)
    inside, outside = (
        list(dict.fromkeys(sample.examples[one].key for one in row))
        for row in places
    )
    return inside, outside
