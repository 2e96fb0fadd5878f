"""
Parse times as C{expiry-time} has them.
"""

from __future__ import annotations

import calendar
import re
import time
from datetime import date

_time = re.compile(
    r"([0-9]{4})([0-9]{2})([0-9]{2})(?:([0-9]{2})([0-9]{2})([0-9]{2})?)?(Z|UTC)?",
    re.ASCII | re.IGNORECASE,
)


def parseTime(text: str) -> int:
    """
    Return the time that YYYYMMDD[HHMM[SS]] stands for, in seconds since 1970; in local
    time unless Z or UTC follows.

    @raise ValueError: if it is none.
    """
    match = _time.fullmatch(text)
    if match is None:
        raise ValueError("no time as YYYYMMDD[HHMM[SS]][Z]")
    year, month, day, hour, minute, second = map(int, match.groups("0")[:6])
    read = calendar.timegm if match[7] else time.mktime
    try:
        date(year, month, day)
        # As strptime(3) has it, with leap seconds; and as OpenSSH does it, summer time
        # isn't thought of.
        if hour > 23 or minute > 59 or second > 61:
            raise ValueError
        seconds = int(read((year, month, day, hour, minute, second, 0, 0, 0)))
    except (ValueError, OverflowError):
        raise ValueError("there is no such time") from None
    if seconds <= 0:
        raise ValueError("a time before 1970")
    return seconds


__all__ = ["parseTime"]
