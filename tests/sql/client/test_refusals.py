"""
Tests for L{mycred._sql.client._refusals} and L{mycred._sql.client._texts}.
"""

from __future__ import annotations

from hypothesis import given, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred._failover import Fault
from mycred._sql.client import Refused
from mycred._sql.client._refusals import refusalOf, unusable

WHERE = 'connection to server at "127.0.0.1", port 5432 failed: '


class RefusalTests(SynchronousTestCase):
    """
    Tests for L{refusalOf} and L{unusable}.
    """

    def test_forGood(self) -> None:
        """
        What an operator has to change is no outage; what may pass by itself is one.
        """
        for said, kind in (
            ('FATAL:  role "myapp" does not exist', Refused),
            ("fe_sendauth: no password supplied", Refused),
            ("SSL error: certificate verify failed", Refused),
            ("server does not support SSL, but SSL was required", Refused),
            ('invalid sslmode value: "verify"', Refused),
            ("FATAL:  the database system is starting up", Fault),
            ("FATAL:  sorry, too many clients already", Fault),
            ("server closed the connection unexpectedly", Fault),
            ("Connection refused", Fault),
        ):
            self.assertIs(type(refusalOf(Exception(WHERE + said), False)), kind, said)
            self.assertIs(type(refusalOf(Exception(WHERE + said), True)), Refused)

    def test_once(self) -> None:
        """
        What libpq says of its try with TLS and of the one without it is told once, in one
        line, without its hints.
        """
        said = f'{WHERE}FATAL:  password authentication failed for user "myapp"'
        fault = refusalOf(Exception(f"connection failed: {said}\n{said}\n"), False)
        self.assertEqual(str(fault), said.replace("  ", " "))
        hint = "\n\tIs the server running on that host and accepting TCP/IP connections?"
        fault = refusalOf(Exception(f"connection failed: {WHERE}refused{hint}"), False)
        self.assertEqual(str(fault), f"{WHERE}refused")

    def test_arguments(self) -> None:
        """
        An argument that a driver doesn't take is named, and what stands in it is not.
        """
        error = ValueError("invalid literal for int() with base 10: 'Zq7'")
        told = str(unusable(error, {"read_timeout": "Zq7", "charset": "utf8mb4"}))
        self.assertRegex(told, r"\Aread_timeout= can't be used \(invalid literal ")
        self.assertNotIn("Zq7", told)
        self.assertRegex(str(unusable(ValueError("no"), {})), r"\Athe URL can't be used")

    @given(st.text())
    def test_anything(self, text: str) -> None:
        """
        Whatever a driver says comes in one line.
        """
        for fault in (refusalOf(Exception(text), False), unusable(Exception(text), {})):
            self.assertEqual(len(str(fault).splitlines()), 1 if str(fault) else 0)
