"""
Tests for what entries say against logins without a bind, L{mycred._ldap._standing}.
"""

from __future__ import annotations

from hypothesis import given, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred._ldap._standing import SAYING, denialBy
from mycred._ldap.client._messages import SearchEntry
from mycred.error import DenialReason

# 2026-07-01 00:00:00 UTC, which is day 20635.
NOW = 20635 * 86400.0

EXPIRED, RESET = DenialReason.EXPIRED, DenialReason.PASSWORD_EXPIRED


def entry(attribute: str, *values: bytes) -> SearchEntry:
    """
    Return an entry, as a directory returns it.
    """
    return SearchEntry("uid=alice", {attribute.lower(): list(values)})


class StandingTests(SynchronousTestCase):
    """
    Tests for L{denialBy}.
    """

    def test_nothing(self) -> None:
        """
        An entry that says nothing denies nothing.
        """
        self.assertIsNone(denialBy(SearchEntry("uid=alice", {}), NOW))

    def test_values(self) -> None:
        """
        Each attribute is parsed as its directory means it, and what can't be parsed
        denies.
        """
        for attribute, value, expected in (
            # Active Directory: never; 2026-07-01 and a second before; 2026-07-01 and a
            # second after; 2023.
            ("accountExpires", b"0", None),
            ("accountExpires", b"9223372036854775807", None),
            ("accountExpires", b"134273376010000000", None),
            ("accountExpires", b"134273375990000000", EXPIRED),
            ("accountExpires", b"133170048000000000", EXPIRED),
            ("accountExpires", b"soon", EXPIRED),
            ("accountExpires", b"9" * 30, EXPIRED),
            ("shadowExpire", b"-1", None),
            ("shadowExpire", b"20636", None),
            ("shadowExpire", b"20635", EXPIRED),
            ("shadowExpire", b"0", EXPIRED),
            ("shadowExpire", b"", EXPIRED),
            ("krbPrincipalExpiration", b"20260701000001Z", None),
            ("krbPrincipalExpiration", b"20260701000001.5Z", None),
            ("krbPrincipalExpiration", b"20260701000000Z", EXPIRED),
            ("krbPrincipalExpiration", b"19700101000000Z", EXPIRED),
            ("pwdEndTime", b"99991231235959Z", None),
            ("pwdEndTime", b"20250101000000Z", EXPIRED),
            ("pwdEndTime", b"20270101000000+0100", EXPIRED),
            ("pwdEndTime", b"20271301000000Z", EXPIRED),
            ("pwdReset", b"FALSE", None),
            ("pwdReset", b"TRUE", RESET),
            ("pwdReset", b"maybe", RESET),
            ("nsAccountLock", b"TRUE", DenialReason.DISABLED),
            ("nsAccountLock", b"false", None),
            ("userAccountControl", b"512", None),
            ("userAccountControl", b"514", DenialReason.DISABLED),
            ("pwdAccountLockedTime", b"000001010000Z", DenialReason.LOCKED),
            # A lock after wrong passwords, which anyone can cause.
            ("pwdAccountLockedTime", b"20260101000000Z", None),
        ):
            found = denialBy(entry(attribute, value), NOW)
            self.assertIs(found, expected, (attribute, value))

    def test_several(self) -> None:
        """
        Of several values one is enough.
        """
        several = entry("shadowExpire", b"99999", b"1")
        self.assertIs(denialBy(several, NOW), EXPIRED)

    @given(st.sampled_from(SAYING), st.binary(max_size=40))
    def test_anything(self, attribute: str, value: bytes) -> None:
        """
        Whatever an entry says, this returns.
        """
        denialBy(entry(attribute, value), NOW)
