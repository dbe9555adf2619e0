"""Days and hours of traffic, by the times in names of logs."""

import copy
import datetime
import re
from collections.abc import Iterable, Mapping

from slice_tf.monitoring.traffic import TrafficCounts

DAY, HOUR = "day", "hour"
WHOLE = ""  # The one window of traffic that is not taken apart.

# 20261118T101500, 2026-11-18T10, 20261118 or 2026-11-18.
_TIME = re.compile(r"(?<!\d)(20\d\d)-?(\d\d)-?(\d\d)(?:T(\d\d)|(?!\d))")


def window_of(path: str, every: str | None) -> str:
    """Returns the day or the hour of a file, by the last time in its path.

    A `PredictionLog` holds no time. A file of logs is named after the moment
    it was begun, and holds what came after it: with `slice-tf serve`, for a
    minute at most. Directories such as `2026-11-18/` will do, too.

    Args:
        path: Of the file.
        every: `day`, `hour`, or None to take all for one window.

    Returns:
        Such as `2026-11-18` or `2026-11-18T10`; windows sort by time.

    Raises:
        ValueError: If the path holds no such time.
    """
    if every is None:
        return WHOLE
    for *day, hour in reversed(_TIME.findall(path)):
        try:
            date = datetime.date(*map(int, day)).isoformat()
        except ValueError:
            continue
        if every == DAY:
            return date
        if hour and int(hour) < 24:
            return f"{date}T{hour}"
    raise ValueError(
        "A log's path must hold its time, as in requests-20261118T101500, "
        "because answers do not; for days, a directory such as 2026-11-18 "
        f"will do. Received: path={path}, every={every}"
    )


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
