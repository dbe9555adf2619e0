"""What people decided on the slices that a discovery run found."""

import dataclasses
import json
import pathlib
import zipfile
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from slice_tf.files import write_text

if TYPE_CHECKING:
    from slice_tf.discovery.found import Discovery

FORMAT_VERSION = 1
FILE_NAME = "decisions.json"
FUNCTIONS = "slices"
_MOST_TEXT = 200


class Decisions:
    """A discovery run and what became of its slices.

    Args:
        run: Directory of `discovered.json`; decisions are kept beside it.

    Raises:
        ValueError: If the run cannot be read.
    """

    def __init__(self, run: pathlib.Path) -> None:
        self.run = run
        self.found = _read(run)
        self._path = run / FILE_NAME
        self.decided: dict[str, dict[str, str]] = self._load()

    def line(self) -> dict[str, int]:
        """Returns how much was found, holds up and is decided."""
        return {
            "found": len(self.found.slices),
            "holding": sum(one.holds_up for one in self.found.slices),
            "decided": len(self.decided),
        }

    def to_dict(self) -> dict[str, Any]:
        """Returns what a page shows, as plain JSON values."""
        return {
            "slices": [dataclasses.asdict(one) for one in self.found.slices],
            "num_rows": self.found.num_rows,
            "error_rate": self.found.error_rate,
            "directory": str(self.run),
            "fingerprint": self.found.regions.fingerprint,
            "decided": self.decided,
        }

    def decide(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Accepts, rejects or reopens found slices.

        Args:
            values: `act`, one of `accept`, `reject` and `reopen`; `found`, a
                list of names, several of which are accepted as one slice;
                and for `accept` the `name` of the new slice, the `feature`
                that is embedded and the import path of an `encoder`; without
                a feature, the slice is its rule. A page names the
                `fingerprint` of the run that it shows, too.

        Returns:
            `decided`: name of a found slice to what became of it.

        Raises:
            ValueError: If a value does not fit, or a file is there already.
        """
        act, asked = values.get("act"), self._asked(values)
        if act != "reopen":
            self._check_open(asked)
        if act == "accept":
            told = self._accept(asked, values)
        elif act == "reject":
            told = {"state": "rejected"}
        elif act == "reopen":
            told = {}
        else:
            raise ValueError(
                "A decision must be to accept, reject or reopen. "
                f"Received: act={str(act)[:_MOST_TEXT]}"
            )
        for name in asked:
            self.decided.pop(name, None)
            if told:
                self.decided[name] = told
        facts = {
            "format_version": FORMAT_VERSION,
            "fingerprint": self.found.regions.fingerprint,
            "found": self.decided,
        }
        write_text(self._path, json.dumps(facts, indent=1) + "\n")
        return {"decided": self.decided}

    def only(self, values: Mapping[str, Any]) -> str:
        """Returns the one found slice that values are about.

        Raises:
            ValueError: If they are about none or several.
        """
        first, *others = self._asked(values)
        if others:
            raise ValueError(
                "One slice must be split at a time. Received: "
                f"found={', '.join([first, *others])}"
            )
        return first

    def _asked(self, values: Mapping[str, Any]) -> list[str]:
        own = self.found.regions.fingerprint
        if values.get("fingerprint", own) != own:
            raise ValueError(
                "The run was made anew since its page was opened, and its "
                "slices are others. Reload the page. Received: run="
                f"{self.run.name}"
            )
        asked = values.get("found")
        known = [one.name for one in self.found.slices]
        if (
            not isinstance(asked, list)
            or not asked
            or any(one not in known for one in asked)
        ):
            raise ValueError(
                "A decision must be on slices that were found. "
                f"Received: found={str(asked)[:_MOST_TEXT]}"
            )
        return asked

    def _check_open(self, asked: list[str]) -> None:
        """Refuses slices that somebody, perhaps in another tab, decided on."""
        for name in asked:
            told = self.decided.get(name)
            if told is not None:
                words = filter(None, (told["state"], told.get("name")))
                raise ValueError(
                    "A slice must be open to be decided on: reload the page, "
                    "and reopen it to decide anew. Received: "
                    f"{name}={' as '.join(words)}"
                )

    def _accept(
        self, asked: list[str], values: Mapping[str, Any]
    ) -> dict[str, str]:
        from slice_tf.discovery import accept, accept_rule

        texts = {
            key: values.get(key, "") for key in ("name", "feature", "encoder")
        }
        for key, text in texts.items():
            if not isinstance(text, str) or len(text) > _MOST_TEXT:
                raise ValueError(
                    f"`{key}` must be a text of {_MOST_TEXT} characters at "
                    f"most. Received: {key}={str(text)[:_MOST_TEXT]}"
                )
        if texts["encoder"] and not texts["feature"]:
            raise ValueError(
                "An encoder must come with the feature that it encodes. "
                f"Received: feature='', encoder={texts['encoder']}"
            )
        rules = [one.rule for one in self.found.slices if one.name in asked]
        if not texts["feature"] and None in rules:
            raise ValueError(
                "An accepted slice must say which feature of the examples is "
                "the embedding, or is encoded, unless a rule describes it. "
                "Received: feature=''"
            )
        name = texts["name"]
        if not name.isidentifier():  # It becomes the name of a file.
            raise ValueError(
                "A slice's name must be lower-case letters, digits and "
                f"underscores. Received: name={name!r}"
            )
        output = self.run / FUNCTIONS / f"{name}.py"
        if texts["feature"]:
            path, test = accept(
                self.run,
                asked,
                name,
                texts["feature"],
                output,
                texts["encoder"],
            )
        else:
            path, test = accept_rule(self.run, asked, name, output)
        return {
            "state": "accepted",
            "name": name,
            "file": str(path),
            "test": str(test),
        }

    def _load(self) -> dict[str, dict[str, str]]:
        if not self._path.exists():
            return {}
        try:
            values = json.loads(self._path.read_bytes())
            if values["format_version"] == FORMAT_VERSION:
                # Slices of another run in its place only share the names.
                ours = self.found.regions.fingerprint
                same = values["fingerprint"] == ours
                return dict(values["found"]) if same else {}
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{self._path}: Decisions must be what `slice-tf ui` wrote. "
                f"Received: {type(error).__name__}={error}"
            ) from error
        raise ValueError(
            f"{self._path}: Decisions must be of format {FORMAT_VERSION}. "
            f"Received: format_version={values['format_version']}"
        )


def _read(run: pathlib.Path) -> "Discovery":
    """Reads a run; whatever is wrong with it is one clear line."""
    try:
        # Scikit-learn is needed by whoever looks at a discovery, alone.
        from slice_tf.discovery import load_discovery

        return load_discovery(run)
    except ImportError as error:
        raise ValueError(
            "Discovery runs are shown where the extra is installed: pip "
            f"install 'slice-tf[discovery]'. Received: error={error}"
        ) from error
    except (
        AttributeError,
        KeyError,
        OSError,
        TypeError,
        ValueError,
        zipfile.BadZipFile,
    ) as error:
        raise ValueError(
            f"{run}: A run must be what `slice-tf discover` wrote. "
            f"Received: {type(error).__name__}={error}"
        ) from error
