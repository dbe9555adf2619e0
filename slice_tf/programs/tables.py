"""Shows a table: drawn on a terminal, plain text elsewhere."""

import sys
from collections.abc import Sequence

from slice_tf.evaluation.table import render_table


def show_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a table to stdout, names to the left and numbers to the right.

    Args:
        headers: One a column, with units.
        rows: Cells, as many a row as there are headers.
    """
    if not sys.stdout.isatty():
        print(render_table(headers, rows))  # noqa: T201 - results
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, header_style="bold")
    for place, header in enumerate(headers):
        table.add_column(Text(header), justify="right" if place else "left")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)
