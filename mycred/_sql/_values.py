"""
What the values of columns mean, whatever type a database has for them.

Each function raises L{ValueError} for what it can't be sure of, with a text that says
what would be right, but not the value.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timezone
from decimal import Decimal
from typing import Union

from .._scram import HASHES, MOST_ITERATIONS, ScramKeys, written

_WORDS = {
    **dict.fromkeys(("1", "t", "true", "y", "yes", "on", "\1"), True),
    # The last one is how MySQL has BIT(1).
    **dict.fromkeys(("0", "f", "false", "n", "no", "off", "\0"), False),
}

# A point in time as databases write it (ISO 8601), with what Python before 3.11 can't
# parse.
_moment = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)"
    r"(?:[ T](?P<time>\d\d:\d\d(?::\d\d)?)(?:\.\d{1,9})?)?"
    r" ?(?P<zone>Z|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)

_NUMBERS = (int, float, Decimal)

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017  (Python 3.10)

# The last second of the year 9999.  A larger number counts milliseconds.
_LAST = 253_402_300_799

# The largest uid, which isn't -1 in 32 bits (POSIX).
_LARGEST_ID = 2**32 - 2

# The longest salt of SCRAM, in bytes.
_LONGEST_SALT = 63

# The longest text of facts about an account, such as a path.
_LONGEST_TEXT = 4096


def readText(value: object) -> str | None:
    """
    Return text; L{None} if there is none.
    """
    if value is None:
        return None
    if isinstance(value, (bytes, bytearray, memoryview)):
        try:
            value = bytes(value).decode("utf-8")
        except UnicodeDecodeError:
            raise ValueError("it is no UTF-8") from None
    if not isinstance(value, str):
        raise ValueError("it is no text")
    return value


def readFact(value: object) -> str | None:
    """
    Return text that the operating system could take, such as a path; L{None} if there is
    none.
    """
    text = readText(value)
    if text is not None and ("\0" in text or len(text) > _LONGEST_TEXT):
        raise ValueError("it holds a NUL, or is too long")
    return text or None


def readFlag(value: object) -> bool:
    """
    Return whether a flag is set; no value means that it isn't.
    """
    if value is None:
        return False
    if isinstance(value, _NUMBERS):
        # What is not a number isn't 0.
        return bool(value)
    word = (readText(value) or "").strip(" ").lower()
    if word not in _WORDS:
        raise ValueError("write a boolean, a number, yes or no")
    return _WORDS[word]


def readMoment(value: object) -> float | None:
    """
    Return a point in time, in seconds since 1970; L{None} if there is none.  What has no
    zone is UTC; a day stands for its beginning.
    """
    if value is None:
        return None
    if isinstance(value, _NUMBERS):
        number = _between(-_LAST, _LAST, value)
        if number is None:
            raise ValueError("a number counts seconds since 1970")
        return float(number)
    moment = value if isinstance(value, date) else _parseMoment(readText(value) or "")
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    if moment.utcoffset() is None:
        moment = moment.replace(tzinfo=_EPOCH.tzinfo)
    return (moment - _EPOCH).total_seconds()


def _parseMoment(text: str) -> datetime:
    """
    Return the point in time that a text means.
    """
    match = _moment.fullmatch(text.strip(" "))
    wrong = "write a date, a point in time, or seconds since 1970"
    if match is None:
        raise ValueError(wrong)
    zone = (match["zone"] or "").replace("Z", "+00:00")
    if len(zone) == 3:
        zone += ":00"
    if len(zone) == 5:
        zone = f"{zone[:3]}:{zone[3:]}"
    try:
        return datetime.fromisoformat(f"{match['date']}T{match['time'] or '00:00'}{zone}")
    except ValueError:
        raise ValueError(wrong) from None


def readID(value: object) -> int | None:
    """
    Return a uid or a gid; L{None} if there is none.
    """
    if value is None:
        return None
    if isinstance(value, (str, bytes, bytearray, memoryview)):
        text = (readText(value) or "").strip(" ")
        isNumber = text.isascii() and text.isdigit() and len(text) <= 10
        value = int(text) if isNumber else None
    number = _between(0, _LARGEST_ID, value)
    if number is None or number != int(number):
        raise ValueError(f"write a number from 0 to {_LARGEST_ID}")
    return int(number)


def _between(least: int, most: int, value: object) -> Union[int, float, Decimal, None]:
    """
    Return a value, if it is a number that isn't less or more than others.
    """
    if isinstance(value, bool) or not isinstance(value, _NUMBERS):
        return None
    if isinstance(value, Decimal) and not value.is_finite():
        return None
    return value if least <= value <= most else None


def readNames(value: object) -> tuple[str, ...]:
    """
    Return names, from an array or separated by commas.
    """
    if value is None:
        return ()
    if isinstance(value, (list, tuple)):
        names: Sequence[object] = value
    else:
        names = (readText(value) or "").split(",")
    if not all(isinstance(name, str) and "\0" not in name for name in names):
        raise ValueError("write names, in an array or separated by commas")
    return tuple(stripped for name in names if (stripped := str(name).strip()))


def readKeys(values: Mapping[str, object]) -> bytes | None:
    """
    Return keys of SCRAM in the form of L{written}; L{None} if none of their columns holds
    anything.

    @param values: the values by the names of the columns.
    """
    if not any(value for name, value in values.items() if name != "scram_hash"):
        return None
    salt = _readBytes(values["scram_salt"])
    storedKey = _readBytes(values["scram_stored_key"])
    serverKey = _readBytes(values["scram_server_key"])
    if not 0 < len(salt) <= _LONGEST_SALT:
        raise ValueError(f"a salt of SCRAM is 1 to {_LONGEST_SALT} bytes long")
    iterations = readID(values["scram_iterations"]) or 0
    if not 0 < iterations <= MOST_ITERATIONS:
        raise ValueError(f"iterations of SCRAM are 1 to {MOST_ITERATIONS}")
    [hash] = [h for h, size in HASHES.items() if size == len(storedKey)] or [""]
    if not hash or len(serverKey) != len(storedKey):
        sizes = " or ".join(str(size) for size in HASHES.values())
        raise ValueError(f"keys of SCRAM are {sizes} bytes long")
    named = readText(values.get("scram_hash"))
    if named and named.lower().removeprefix("scram-").replace("-", "") != hash:
        raise ValueError("keys of SCRAM are as long as their hash")
    return written(ScramKeys(hash, iterations, salt, storedKey, serverKey))


def _readBytes(value: object) -> bytes:
    """
    Return bytes; text stands for them in base64.
    """
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if not isinstance(value, str):
        raise ValueError("write keys of SCRAM in bytes, or in base64")
    try:
        return b64decode(value, validate=True)
    except ValueError:
        raise ValueError("keys of SCRAM that are text are base64") from None


__all__ = [
    "readFact",
    "readFlag",
    "readID",
    "readKeys",
    "readMoment",
    "readNames",
    "readText",
]
