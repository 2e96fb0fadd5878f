"""
A line of shadow(5): a hash, and until when it counts.

The rules are those of pam_unix as it decides since Linux-PAM 1.6, and of the
shadow programs; pam_unix gave a day more to a password before that.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import NamedTuple

from .._hashes import Hash, UnusableHash, recognizeCrypt
from .._passwordfile import Entry
from ..error import DenialReason

# A day or a number of days; empty for none.  What getspnam(3) takes besides (signs,
# spaces, numbers beyond 31 bits) is in no real file.
_number = re.compile(rb"[0-9]{0,10}")
_MOST = 2**31 - 1

# The day from which days are counted.
_FIRST = date(1970, 1, 1)


class Shadow(NamedTuple):
    """
    What stands in a line of shadow(5) after the name.  Days are counted from 1970-01-01,
    in UTC; L{None} stands for an empty field.

    @ivar secret: the hash; with C{!} or C{*} before it the account is locked, and
        what is no hash is no password.
    @ivar changed: the day on which the password was changed; 0 if it must be
        changed before it is accepted.
    @ivar most: for how many days a password is accepted.
    @ivar inactive: for how many days more it can still be changed.
    @ivar expires: the day on which the account expires.
    """

    secret: bytes
    changed: int | None
    most: int | None
    inactive: int | None
    expires: int | None

    @classmethod
    def parse(cls, fields: bytes) -> Shadow:
        """
        Parse a line.

        @param fields: what follows the name and the first colon: eight fields, of
            which the last one may be missing, or just the first four of them, as old
            systems have it.

        @raise ValueError: if it isn't that.
        """
        secret, *rest = fields.split(b":")
        if len(rest) in (3, 4) and not b"".join(rest[3:]):
            rest = [*rest[:3], b"", b"", b""]
        if len(rest) not in (6, 7):
            raise ValueError("not as many fields as shadow(5) has")
        changed, _, most, _, inactive, expires, *_ = map(_parseDays, rest)
        return cls(secret, changed, most, inactive, expires)

    @property
    def isLocked(self) -> bool:
        """
        Whether the account is locked.
        """
        return self.secret[:1] in (b"!", b"*")

    def denial(self, today: int) -> tuple[DenialReason, str] | None:
        """
        Return why the account may not be used although the password is right.

        @param today: the day.

        @return: the reason, for the client and for the log; L{None} if it may be used.
        """
        if self.isLocked:
            return DenialReason.LOCKED, "it is locked"
        expired = self._expiry(today)
        if expired is not None:
            return expired
        if self.changed == 0:
            return DenialReason.PASSWORD_EXPIRED, "the password must be changed first"
        if self.changed is None or self.most is None:
            return None
        last = self.changed + self.most
        if self.inactive is not None and today >= last + self.inactive:
            day = _dateOf(last + self.inactive)
            return DenialReason.EXPIRED, f"the password wasn't changed until {day}"
        if today >= last:
            day = _dateOf(last)
            return DenialReason.PASSWORD_EXPIRED, f"the password expired on {day}"
        return None

    def denialOfKeys(self, today: int) -> tuple[DenialReason, str] | None:
        """
        Return why the account may not be used although a key is right, as sshd decides
        it: with C{*} in place of a hash there is no password, and keys are accepted; with
        C{!} before it nothing is.

        @param today: the day.

        @return: as from L{denial}.
        """
        if self.secret[:1] == b"!":
            return DenialReason.LOCKED, "it is locked"
        return self._expiry(today)

    def _expiry(self, today: int) -> tuple[DenialReason, str] | None:
        """
        Return whether the account has expired, as L{denial} does.
        """
        if self.expires is not None and today >= self.expires:
            return DenialReason.EXPIRED, f"it expired on {_dateOf(self.expires)}"
        return None

    def __repr__(self) -> str:
        """
        Return a text without the hash.
        """
        dates = self.changed, self.most, self.inactive, self.expires
        return f"Shadow{dates!r}"


def shadowIn(entry: Entry) -> Shadow:
    """
    Return what a line of shadow(5) says.

    @raise ValueError: if it isn't such a line, or may be half of one.
    """
    if entry.isCut and entry.secret.count(b":") < 7:
        raise ValueError("perhaps half a line, since it has no end")
    return Shadow.parse(entry.secret)


def shadowHash(entry: Entry) -> Hash | None:
    """
    Return the hash in a line of shadow(5); L{None} if no password is meant to match.

    @raise UnusableHash: if it can't be verified, or the line isn't one.
    """
    try:
        shadow = shadowIn(entry)
    except ValueError as error:
        raise UnusableHash(str(error)) from None
    return hashIn(shadow.secret)


def ownShadow(name: bytes, secret: bytes) -> Shadow | None:
    """
    Return what the second field of passwd(5) says in place of shadow(5), as pam_unix
    understands it; L{None} if it refers to a shadow file.

    @param name: the name of the account.
    @param secret: the field.
    """
    if secret in (b"x", b"##" + name):
        return None
    return Shadow(secret, None, None, None, None)


def hashIn(secret: bytes) -> Hash | None:
    """
    Return the hash of an account, also if the account is locked by what stands before
    the hash.

    @param secret: the field with the hash.

    @return: L{None} if there is none, so that no password is meant to match.

    @raise UnusableHash: if what stands there is neither that, nor a hash that can be
        verified.
    """
    if not secret:
        return None
    unlocked = secret.lstrip(b"!*")
    try:
        return recognizeCrypt(unlocked)
    except UnusableHash:
        if len(unlocked) < len(secret):
            return None
        raise


def _parseDays(field: bytes) -> int | None:
    """
    Return a day, or a number of days; L{None} if the field is empty.

    @raise ValueError: if it is neither.
    """
    if not _number.fullmatch(field) or int(field or b"0") > _MOST:
        raise ValueError("something else where shadow(5) has a day or a number of days")
    return int(field) if field else None


def _dateOf(day: int) -> str:
    """
    Return a day as the log has it.
    """
    try:
        return (_FIRST + timedelta(day)).isoformat()
    except OverflowError:
        return f"day {day}"


__all__ = ["Shadow", "hashIn", "ownShadow", "shadowHash", "shadowIn"]
