"""
What an entry says against a login by password that needs no bind: that the account is
disabled, or has expired, or that the password must be changed.
"""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Callable
from datetime import datetime

from ..error import DenialReason
from ._entries import LOCKS, lockOf, valuesOf
from .client._messages import SearchEntry

_DAY = 86400

# What Active Directory writes for an account that never expires (MS-ADA1, section 2.3),
# how many units it counts in a second, and how many seconds since 1601.
_NEVER = {0, 2**63 - 1}
_UNITS, _SINCE_1601 = 10**7, 11_644_473_600

# Of GeneralizedTime (RFC 4517, section 3.3.13) what servers write: UTC, with seconds.
_generalized = re.compile(rb"([0-9]{4})" + rb"([0-9]{2})" * 5 + rb"(?:[.,][0-9]{1,9})?Z")

_number = re.compile(rb"-?[0-9]{1,20}")


def _fileTime(value: bytes) -> float | None:
    """
    Parse a time of Active Directory.
    """
    units = _integer(value)
    return None if units in _NEVER else units / _UNITS - _SINCE_1601


def _days(value: bytes) -> float | None:
    """
    Parse a day, as shadow(5) counts them.
    """
    days = _integer(value)
    return None if days < 0 else days * _DAY


def _generalizedTime(value: bytes) -> float:
    """
    Parse a GeneralizedTime.
    """
    match = _generalized.fullmatch(value)
    if match is None:
        raise ValueError("no time in UTC")
    year, month, day, hour, minute, second = map(int, match.groups())
    return timegm(datetime(year, month, day, hour, minute, second).timetuple())


def _integer(value: bytes) -> int:
    """
    Parse an integer.
    """
    if _number.fullmatch(value) is None:
        raise ValueError("no integer")
    return int(value)


# When an account ends, in seconds since 1970, and L{None} for never: by the attributes
# of Active Directory, of RFC 2307, of FreeIPA, and of OpenLDAP's password policy.
_ENDS: dict[str, Callable[[bytes], float | None]] = {
    "accountExpires": _fileTime,
    "shadowExpire": _days,
    "krbPrincipalExpiration": _generalizedTime,
    "pwdEndTime": _generalizedTime,
}

# OpenLDAP's mark of a password that must be changed (slapo-ppolicy(5)).
_RESET = "pwdReset"

#: The attributes that say it.
SAYING = (*LOCKS, *_ENDS, _RESET)


def denialBy(entry: SearchEntry, now: float) -> DenialReason | None:
    """
    Return why the account of an entry may not be used, or L{None} if the entry doesn't
    say that.

    @param now: the time, in seconds since 1970.
    """
    lock = lockOf(entry)
    if lock is not None:
        return lock
    for attribute, parse in _ENDS.items():
        if any(_isOver(value, parse, now) for value in valuesOf(entry, attribute)):
            return DenialReason.EXPIRED
    if any(value != b"FALSE" for value in valuesOf(entry, _RESET)):
        return DenialReason.PASSWORD_EXPIRED
    return None


def _isOver(value: bytes, parse: Callable[[bytes], float | None], now: float) -> bool:
    """
    Return whether an account has ended.  A time that can't be parsed may well be over.
    """
    try:
        end = parse(value)
    except ValueError:
        return True
    return end is not None and end <= now


__all__ = ["SAYING", "denialBy"]
