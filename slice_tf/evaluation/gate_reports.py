"""A gate's result for those who read it: people, and CI servers."""

import xml.etree.ElementTree as ElementTree

from slice_tf.evaluation.gate_result import (
    FAIL,
    NOT_ENOUGH_DATA,
    GateResult,
    SliceVerdict,
)
from slice_tf.evaluation.metric import LOSSES, PLAIN, plain_text
from slice_tf.evaluation.table import (
    NOTHING,
    Table,
    change_of_number,
    number,
    percent,
    points,
)


def gate_table(result: GateResult) -> Table:
    """Returns headers and rows: what failed first, then as in the schema."""
    plain, loss = (result.metric in some for some in (PLAIN, LOSSES))
    headers = [
        "slice",
        "size",
        f"baseline {result.metric}" + ", %" * (not plain),
        "candidate" + ", %" * (not plain),
        "difference" + ", points" * (not plain) + " [95 %]",
        "adjusted p",
        f"smallest {'rise' if loss else 'drop'} found"
        + ", points" * (not plain),
        "verdict",
    ]
    order = {FAIL: 0, NOT_ENOUGH_DATA: 1}
    slices = sorted(result.slices, key=lambda one: order.get(one.verdict, 2))
    return headers, [_row(one, plain) for one in slices]


def gate_markdown(result: GateResult, num_rows: int = 20) -> str:
    """Returns a summary for a pull request.

    Args:
        result: What the gate said.
        num_rows: Slices shown; the rest is counted.
    """
    headers, rows = gate_table(result)
    shown = [headers, ["---", *["---:"] * (len(headers) - 1)], *rows[:num_rows]]
    lines = [
        f"## Slice gate: {result.verdict}",
        "",
        f"{result.reason[0].upper()}{result.reason[1:]}. {_how(result)}",
        "",
        *("| " + " | ".join(map(_cell, row)) + " |" for row in shown),
    ]
    if len(rows) > num_rows:
        lines += ["", f"{len(rows) - num_rows} more slices are not shown."]
    accepted = [one for one in result.slices if one.accepted is not None]
    if accepted:
        lines += ["", "Accepted:", ""]
        lines += [
            f"- `{x.full_name}`: {_cell(x.accepted or '')}" for x in accepted
        ]
    return "\n".join(lines) + "\n"


def gate_junit(result: GateResult) -> str:
    """Returns JUnit XML, one test case a slice.

    An accepted slice and one with too few examples are skipped, unless too
    few examples decided the verdict.
    """
    suite = ElementTree.Element("testsuite", name="slice-tf gate")
    counts = {"failure": 0, "skipped": 0}
    for one in result.slices:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=f"gate.{result.metric}",
            name=one.full_name,
        )
        kind = _junit_kind(one, result)
        if kind:
            counts[kind] += 1
            message = one.reason
            if one.accepted is not None:
                message = f"{one.verdict}, accepted: {one.accepted}"
            ElementTree.SubElement(case, kind, message=_printable(message))
    suite.set("tests", str(len(result.slices)))
    suite.set("failures", str(counts["failure"]))
    suite.set("skipped", str(counts["skipped"]))
    ElementTree.indent(suite)
    text = ElementTree.tostring(suite, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _junit_kind(one: SliceVerdict, result: GateResult) -> str:
    if one.verdict not in (FAIL, NOT_ENOUGH_DATA):
        return ""
    if one.accepted is not None:
        return "skipped"
    blocked = one.verdict == FAIL or (
        result.verdict == NOT_ENOUGH_DATA and one.critical
    )
    return "failure" if blocked else "skipped"


def _row(one: SliceVerdict, plain: bool) -> list[str]:
    drop, p = one.smallest_drop, one.adjusted_p
    value, change = (number, change_of_number) if plain else (percent, points)
    shown = NOTHING
    if drop is not None:
        shown = plain_text(drop, 3) if plain else f"{100 * drop:.1f}"
    return [
        one.full_name + (" (critical)" if one.critical else ""),
        f"{one.size:,}",
        value(one.baseline).partition(" ")[0],
        value(one.candidate).partition(" ")[0],
        change(one.difference).strip(),
        NOTHING if p is None else f"{p:.2g}",
        shown,
        one.verdict + (", accepted" if one.accepted is not None else ""),
    ]


def _how(result: GateResult) -> str:
    pairing = (
        "Compared example by example"
        if result.paired
        else "Compared as if on different examples, which finds less: evaluate "
        "the candidate with `--baseline`"
    )
    return f"{pairing}, at a false discovery rate of {_rate(result)}."


def _rate(result: GateResult) -> str:
    return f"{100 * result.false_discovery_rate:g} %"


def _cell(text: str) -> str:
    """Keeps a user's text within its cell of a Markdown table."""
    safe = " ".join(text.split())
    for letter in "\\`|<>":
        safe = safe.replace(letter, f"\\{letter}")
    return safe


def _printable(text: str) -> str:
    """Drops what XML cannot hold."""
    return "".join(c for c in text if c.isprintable())
