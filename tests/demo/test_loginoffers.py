"""
Tests for which ways to log in are offered, for checkers of all kinds beside each other.
"""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

from zope.interface import implementer

from twisted.logger import formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from mycred._chain import CheckerChain
from mycred._contracts import (
    ICredentialsChecker,
    ISSHPrivateKey,
    IUsernameDigestHash,
    IUsernameHashedPassword,
    IUsernamePassword,
)
from mycred._facts import ConnectionFacts
from mycred.checkers import AllowAnonymousAccess
from mycred.demo._http import _credentialFactories
from mycred.demo._loginoffers import (
    PROOFS,
    isOffered,
    leftOut,
    proofServesMore,
    withoutScram,
)
from mycred.demo._startuplog import _logLeftOut
from mycred.portal import Portal
from mycred.sasl import mechanismsFor
from mycred.strcred import makeChecker

from ..kit.files import BCRYPT
from ..kit.scram import storedKeys
from ..kit.sessions import Realm, localTransport


@implementer(ICredentialsChecker)
class Checker:
    """
    A checker of a program, equal to all others.
    """

    def __init__(self, *interfaces: Any) -> None:
        self.credentialInterfaces = interfaces

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]

    def requestAvatarId(self, credentials: Any) -> Any:
        """
        Never be asked.
        """


class OfferedTests(SynchronousTestCase):
    """
    Tests for what a portal's checkers can serve.
    """

    def setUp(self) -> None:
        hashes = Path(self.mktemp())
        hashes.write_bytes(b"alice:%b\n" % BCRYPT)
        scram = Path(self.mktemp())
        scram.write_bytes(b"alice:%b\n" % storedKeys())
        digests = Path(self.mktemp())
        digests.write_text(f"alice:mycred:{'0' * 32}\n")
        self.checkers: dict[str, Any] = {
            "memory": makeChecker("memory:alice:sesame"),
            "htpasswd": makeChecker(f"htpasswd:{hashes}"),
            "hashes": makeChecker(f"file:{hashes}"),
            "htdigest": makeChecker(f"htdigest:{digests}:realm=mycred"),
            "ldap": makeChecker("ldap:host=127.0.0.1:base=dc=example,dc=org:tls=none"),
            "anonymous": AllowAnonymousAccess(),
            "keys": Checker(ISSHPrivateKey),
            "scram": makeChecker(f"htpasswd:{scram}"),
            "sending": Checker(IUsernamePassword),
            "proving": Checker(IUsernameHashedPassword),
            "both": Checker(IUsernamePassword, IUsernameHashedPassword),
        }

    def offered(self, *names: str) -> set[str]:
        """
        Return what is offered where these checkers stand beside each other: the same
        in any order.
        """
        found = []
        for some in permutations(self.checkers[name] for name in names):
            for checkers in (some, [CheckerChain(some)]):
                portal = Portal(Realm(), checkers)
                mechanisms = mechanismsFor(portal, ConnectionFacts(localTransport()))
                http = {f.scheme.decode() for f in _credentialFactories(portal)}
                found.append(http | ({"CRAM"} if b"CRAM-MD5" in mechanisms else set()))
                if checkers is some:
                    self.left = leftOut(portal)
                    self.isMore = proofServesMore(portal)
        self.assertTrue(all(one == found[0] for one in found), found)
        return found[0]

    def test_all(self) -> None:
        """
        A login that proves the password is offered if no checker of passwords is left
        out; keys and visitors don't matter.
        """
        everything = {"basic", "digest", "CRAM"}
        for names in (["memory"], ["memory", "both"], ["memory", "anonymous", "keys"]):
            self.assertEqual(self.offered(*names), everything, names)
            self.assertEqual(self.left, [])
            self.assertFalse(self.isMore)

    def test_some(self) -> None:
        """
        Otherwise it isn't, and it can be told on whose account.
        """
        for other in ("htpasswd", "hashes", "ldap", "sending"):
            self.assertEqual(self.offered(other), {"basic"}, other)
            self.assertEqual(self.left, [])
            for names in (["memory", other], ["memory", "both", other, "anonymous"]):
                self.assertEqual(self.offered(*names), {"basic"}, names)
                self.assertEqual(len(self.left), 1)

    def test_nothingElse(self) -> None:
        """
        It is offered, too, if a checker can serve nothing else: to whom it may serve.
        """
        self.assertEqual(self.offered("htdigest"), {"digest"})
        self.assertTrue(self.isMore)
        self.assertEqual(self.offered("htdigest", "htpasswd"), {"digest", "basic"})
        self.assertEqual(self.left, ["htpasswd"])
        self.assertFalse(self.isMore)
        # Who has a hash in htdigest can't log in by CRAM-MD5 either.
        self.assertEqual(
            self.offered("htdigest", "memory", "htpasswd"), {"digest", "basic"}
        )
        self.assertEqual(self.offered("htdigest", "memory"), {"digest", "basic", "CRAM"})
        self.assertTrue(self.isMore)
        self.assertEqual(self.offered("proving", "sending"), {"digest", "basic", "CRAM"})

    def test_nobody(self) -> None:
        """
        What nobody checks isn't offered.
        """
        self.assertEqual(self.offered("anonymous", "keys"), set())
        self.assertFalse(isOffered(Portal(Realm(), []), *PROOFS))

    def test_scram(self) -> None:
        """
        It can be told who can't log in by SCRAM, where others can.
        """
        for names, expected in (
            (["scram"], []),
            (["htpasswd", "ldap"], []),
            (["scram", "memory"], []),
            (["scram", "ldap", "memory"], ["ldap"]),
            (["memory", "htpasswd", "ldap"], ["htpasswd", "ldap"]),
        ):
            portal = Portal(Realm(), [self.checkers[name] for name in names])
            self.assertEqual(withoutScram(portal), expected)

    def test_told(self) -> None:
        """
        The log says so, of SCRAM only where it is offered.
        """
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        for names, expected in (
            (["scram", "memory"], ["CRAM-MD5 is not offered"]),
            (["scram", "ldap"], ["SCRAM is offered, which --auth=ldap can't check"]),
            (["memory", "ldap"], ["SCRAM and CRAM-MD5 are not offered"]),
            (["memory"], []),
        ):
            events.clear()
            _logLeftOut(Portal(Realm(), [self.checkers[name] for name in names]))
            told = [formatEvent(event) or "" for event in events]
            self.assertEqual(len(told), len(expected), told)
            for line, start in zip(told, expected):
                self.assertIn(start, line)

    def test_registered(self) -> None:
        """
        A checker counts for the interfaces for which a program has registered it.
        """
        portal = Portal(Realm(), [self.checkers["htpasswd"]])
        portal.registerChecker(self.checkers["both"], IUsernamePassword)
        self.assertFalse(isOffered(portal, IUsernameHashedPassword))
        portal.registerChecker(self.checkers["both"], IUsernameDigestHash)
        self.assertTrue(isOffered(portal, *PROOFS))
