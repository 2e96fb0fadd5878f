"""
Tests for L{mycred._auditlog._fields}: what the audit log says of a login, field by field.
"""

from __future__ import annotations

import json
import re
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hypothesis import given, strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import fail, succeed
from twisted.trial.unittest import SynchronousTestCase

from mycred import _audit, _reporting
from mycred._auditlog._fields import FIELDS
from mycred._mechanism import MECHANISMS
from mycred._reporting import reporterOf
from mycred.checkers import AllowAnonymousAccess, FilePasswordDB
from mycred.credentials import Anonymous, UsernamePassword
from mycred.error import AccountDenied, DenialReason, TemporaryFailure, UnauthorizedLogin
from mycred.stack import AuditLog
from mycred.testing import SteppedWorkers

from ..kit.auditing import FORGERIES, Saying, logIn, presentTo, session

DOC = Path(__file__).parents[2] / "doc"
SCHEMA = json.loads((DOC / "examples" / "login-event.schema.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=FormatChecker())


class FieldsTests(SynchronousTestCase):
    """
    Each field has what it is for.
    """

    def setUp(self) -> None:
        self.events: list[Any] = []
        self.audit = AuditLog(self.events.append)

    def fields(self) -> dict[str, Any]:
        """
        Return the fields of the one login, which the schema allows.
        """
        [event] = self.events
        del self.events[:]
        fields: dict[str, Any] = event["fields"]
        VALIDATOR.validate(fields)
        self.assertEqual(list(fields), [name for name in FIELDS if name in fields])
        return fields

    def test_accepted(self) -> None:
        """
        A good login.
        """
        now = [1000.0]
        for module in (_audit, _reporting):
            self.patch(module, "monotonic", lambda: now[0])

        def accept(credentials: object) -> Any:
            now[0] += 0.25
            return succeed(b"alice")

        logIn(session(self.audit, Saying(accept)), b"Alice")
        fields = self.fields()
        for name in ("@timestamp", "mycred.connection"):
            self.assertTrue(fields.pop(name))
        self.assertEqual(
            fields,
            {
                "log.level": "info",
                "message": "Login accepted",
                "ecs.version": "8.11.0",
                "event.kind": "event",
                "event.category": ["authentication"],
                "event.type": ["start"],
                "event.action": "login",
                "event.outcome": "success",
                "event.duration": 250_000_000,
                "mycred.verdict": "accepted",
                "mycred.mechanism": "password",
                "mycred.checker": "Saying",
                "network.protocol": "imap",
                "source.ip": "192.0.2.1",
                "source.port": 50123,
                "destination.port": 143,
                "user.name": "alice",
                "mycred.username": "Alice",
            },
        )

    def test_account(self) -> None:
        """
        The user is the account, as its store spells it; the name as typed is kept, too.
        """
        path = Path(self.mktemp())
        path.write_bytes(b"alice:sesame\n")
        workers = SteppedWorkers(running=False)
        checker = FilePasswordDB(str(path), caseSensitive=False, workers=workers)
        for password, account in ((b"sesame", "alice"), (b"wrong", "ALICE")):
            logIn(session(self.audit, checker), b"ALICE", password)
            fields = self.fields()
            self.assertEqual(fields["user.name"], account)
            self.assertEqual(fields["mycred.username"], "ALICE")

    def test_refused(self) -> None:
        """
        A wrong password is a failure, with its reason, and an outage isn't known to be
        one.
        """
        denied = AccountDenied(DenialReason.LOCKED)
        denied.why = "since Monday"  # type: ignore[attr-defined]
        for error, outcome, reason in (
            (UnauthorizedLogin("no such user"), "failure", "no such user"),
            (denied, "failure", "account locked: since Monday"),
            (TemporaryFailure("down"), "unknown", "down"),
        ):
            logIn(session(self.audit, Saying(lambda _, error=error: fail(error))))
            fields = self.fields()
            self.assertEqual(fields["event.outcome"], outcome)
            self.assertEqual(fields["event.reason"], reason)

    def test_anonymous(self) -> None:
        """
        Who has no name gets none, such as that of a user who is called anonymous.
        """
        presentTo(session(self.audit, AllowAnonymousAccess()), Anonymous())
        fields = self.fields()
        self.assertEqual(fields["mycred.mechanism"], "anonymous")
        self.assertNotIn("user.name", fields)

    def test_cached(self) -> None:
        """
        Whether a cache has accepted the login is told if it was asked.
        """
        for isHit in (True, False):

            def accept(credentials: object, isHit: bool = isHit) -> Any:
                reporter: Any = reporterOf(credentials)
                reporter.cached = isHit
                return succeed(b"alice")

            logIn(session(self.audit, Saying(accept)))
            self.assertIs(self.fields()["mycred.cached"], isHit)

    def test_connection(self) -> None:
        """
        Two logins of one connection have the same name for it, and those of two have
        others.
        """
        names = []
        first, second = session(self.audit), session(self.audit)
        for portal in (first, first, second):
            logIn(portal)
            names.append(self.fields()["mycred.connection"])
        self.assertEqual(names[0], names[1])
        self.assertNotEqual(names[0], names[2])

    def test_addresses(self) -> None:
        """
        An address of IP is shown in the one spelling that there is of it, and nothing
        else is shown as an address.
        """
        for peer, ip in (
            (IPv4Address("TCP", "::ffff:192.0.2.7", 1), "192.0.2.7"),
            (IPv6Address("TCP", "2001:DB8:0::7", 1), "2001:db8::7"),
            (IPv6Address("TCP", "fe80::1%eth0", 1), "fe80::1"),
            (IPv6Address("TCP", 'fe80::1%"\n', 1), "fe80::1"),
            (IPv4Address("TCP", '198.51.100.1","x', 1), None),
            (IPv4Address("TCP", "1" * 5000, 1), None),
            (UNIXAddress("/run/x"), None),
            ("2001:db8::8", "2001:db8::8"),
            (None, None),
            (5, None),
        ):
            portal = session(self.audit)
            portal.protocol.transport = SimpleNamespace(
                getPeer=lambda peer=peer: peer, getHost=lambda: None
            )
            logIn(portal)
            fields = self.fields()
            self.assertEqual(fields.get("source.ip"), ip)
            port = 1 if getattr(peer, "port", None) else None
            self.assertEqual(fields.get("source.port"), port)
            self.assertNotIn("destination.port", fields)

    def test_oddFacts(self) -> None:
        """
        Whatever credentials have in place of the facts of a connection is no port.
        """
        for facts in ("x", SimpleNamespace(host=SimpleNamespace(port=2**70))):
            stack = session(self.audit)._portal
            credentials: Any = UsernamePassword(b"alice", b"sesame")
            credentials.facts, credentials.session = facts, []
            presentTo(stack, credentials)
            fields = self.fields()
            self.assertNotIn("destination.port", fields)
            self.assertNotIn("mycred.connection", fields)

    @given(st.text() | st.binary() | st.sampled_from(FORGERIES), st.text(min_size=1))
    def test_anyText(self, name: object, why: str) -> None:
        """
        Whatever a client, a file or a directory says, the fields are as they should be.
        """
        del self.events[:]
        checker = Saying(lambda _: fail(UnauthorizedLogin(why)))
        logIn(session(self.audit, checker), name)
        fields = self.fields()
        self.assertEqual(fields["source.ip"], "192.0.2.1")
        self.assertEqual(fields["mycred.verdict"], "refused")
        for value in fields.values():
            self.assertTrue(not isinstance(value, str) or value.isprintable())

    @given(st.text())
    def test_anyHost(self, host: str) -> None:
        """
        Whatever stands in place of an address is an address or left out.
        """
        del self.events[:]
        logIn(session(self.audit, host=host))
        ip = self.fields().get("source.ip")
        self.assertEqual(ip is None or str(ip_address(ip)), ip is None or ip)


class PageTests(SynchronousTestCase):
    """
    The page and the schema know the fields that there are, and no others.
    """

    page = (DOC / "audit.rst").read_text("utf-8")

    def test_fields(self) -> None:
        """
        All stand there in their order.
        """
        text = self.page.partition("The fields of JSON\n")[2].partition("fail2ban\n---")[
            0
        ]
        listed = re.findall(r"(?m)^``([@\w.]+)``$", text)
        self.assertEqual(listed, list(FIELDS))
        self.assertEqual(list(SCHEMA["properties"]), list(FIELDS))

    def test_words(self) -> None:
        """
        The schema knows the mechanisms that there are, and is one itself.
        """
        Draft202012Validator.check_schema(SCHEMA)
        known = SCHEMA["properties"]["mycred.mechanism"]["enum"]
        self.assertEqual(known, list(MECHANISMS))
