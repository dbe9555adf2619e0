"""The blocks of a page that a test runs, by the name above each."""

import pathlib
import re

ROOT = pathlib.Path(__file__).parent.parent
BLOCK = re.compile(r"<!-- test: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)


def blocks_of(page):
    """Returns the code of each block that is marked, by its name."""
    return dict(BLOCK.findall((ROOT / page).read_text(encoding="utf-8")))
