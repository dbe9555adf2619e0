"""Days and hours of traffic."""

import copy
import datetime
import functools
import re
from collections.abc import Iterable, Mapping

from slice_tf.monitoring.traffic import TrafficCounts

DAY, HOUR = "day", "hour"
WHOLE = ""  # The one window of traffic that is not taken apart.

# 20261118T101500, 2026-11-18T10, 20261118 or 2026-11-18.
_TIME = re.compile(r"(?<!\d)(20\d\d)-?(\d\d)-?(\d\d)(?:T(\d\d)|(?!\d))")


def window_of(every: str | None, seconds: int, path: str) -> str:
    """Returns the day or the hour, in UTC, of an answer.

    It is the last one in the path of its file. Files are named after the
    moment they were begun and hold what came after it, with `slice-tf serve`
    for a minute at most: so a file is of one window, and a pattern of files
    never leaves a sliver of another day. Directories such as `2026-11-18/`
    will do, too. Where a path tells no time, the answer must.

    Args:
        every: `day`, `hour`, or None to take all for one window.
        seconds: When it was given, since 1970; 0 where that is not known.
        path: Of the file that holds it.

    Returns:
        Such as `2026-11-18` or `2026-11-18T10`; windows sort by time.

    Raises:
        ValueError: If neither tells the time.
    """
    if every is None:
        return WHOLE
    if named := _in_path(every, path):
        return named
    if seconds:
        return _at(every, seconds // 3600)
    raise ValueError(
        "A log must tell the time of its answers: in its path, as in "
        "requests-20261118T101500 or, for days, a directory 2026-11-18; or in "
        "their field `log_metadata.timestamp_secs`. "
        f"Received: path={path}, every={every}"
    )


@functools.lru_cache(maxsize=1024)
def _in_path(every: str, path: str) -> str | None:
    for *day, hour in reversed(_TIME.findall(path)):
        try:
            date = datetime.date(*map(int, day)).isoformat()
        except ValueError:
            continue
        if every == DAY:
            return date
        if hour and int(hour) < 24:
            return f"{date}T{hour}"
    return None


@functools.lru_cache(maxsize=1024)
def _at(every: str, hours: int) -> str:
    start = datetime.datetime.fromtimestamp(3600 * hours, datetime.timezone.utc)
    return start.strftime("%Y-%m-%d" if every == DAY else "%Y-%m-%dT%H")


def every_of(windows: Iterable[str]) -> str | None:
    """Returns how long windows are: `day`, `hour`, or None for one of all."""
    length = max(map(len, windows), default=0)
    return None if not length else HOUR if length > len("2026-11-18") else DAY


def merge_windows(windows: Mapping[str, TrafficCounts]) -> TrafficCounts:
    """Returns the counts of all windows together.

    Raises:
        ValueError: If there is none, or they count other slices.
    """
    if not windows:
        raise ValueError("There must be counts to add up. Received: windows=0")
    first, *rest = windows.values()
    merged = copy.deepcopy(first)
    for one in rest:
        merged.merge(one)
    return merged
