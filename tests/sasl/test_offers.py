"""
Tests for which mechanisms a server offers.
"""

from __future__ import annotations

from itertools import permutations
from types import SimpleNamespace
from typing import Any

from twisted.cred.portal import Portal as TwistedPortal
from twisted.internet.address import IPv4Address
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from mycred.checkers import AllowAnonymousAccess, CheckerChain
from mycred.credentials import (
    IBearerToken,
    ICertificateCredentials,
    IScramCredentials,
    ISSHPrivateKey,
    IUsernameHashedPassword,
    IUsernamePassword,
)
from mycred.portal import ConnectionFacts, SessionPortal
from mycred.sasl import mechanismsFor

from ..kit.sasl import portalOf
from ..kit.sessions import Realm

SHA1, SHA256 = "SCRAM-SHA-1", "SCRAM-SHA-256"
PLUS = {f"{SHA1}-PLUS", f"{SHA256}-PLUS"}
CLEAR = {"PLAIN", "LOGIN"}


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


class Keys(Checker):
    """
    A checker that has keys for some hashes.
    """

    def __init__(self, hashes: set[str], *interfaces: Any) -> None:
        super().__init__(IScramCredentials, *interfaces)
        self.hashes = hashes

    def scramHashes(self) -> set[str]:
        """
        Return them.
        """
        return self.hashes


def facts(*, isPrivate: bool = True, certificate: Any = None, binding: Any = None) -> Any:
    """
    Return what is known of a connection.
    """
    return SimpleNamespace(
        isPrivate=isPrivate, certificate=certificate, channelBinding=lambda _: binding
    )


class OfferTests(SynchronousTestCase):
    """
    Tests for L{mechanismsFor}.
    """

    def offered(self, *checkers: Any, **about: Any) -> set[str]:
        """
        Return what is offered where these checkers stand beside each other: the same in
        any order.
        """
        clear = about.pop("allowClearText", False)
        found = []
        for some in permutations(checkers):
            for given in (some, [CheckerChain(some)]):
                portal = portalOf(*given)
                for one in (portal, SessionPortal(portal)):
                    offer = mechanismsFor(one, facts(**about), clear)
                    found.append({name.decode() for name in offer})
        self.assertTrue(all(one == found[0] for one in found), found)
        return found[0]

    def test_served(self) -> None:
        """
        What a checker serves is offered, and nothing else.
        """
        for checker, expected in (
            (Checker(IUsernamePassword), CLEAR),
            (Checker(IUsernameHashedPassword), {"CRAM-MD5"}),
            (Checker(IScramCredentials), {SHA1, SHA256}),
            (Checker(IBearerToken), {"OAUTHBEARER", "XOAUTH2"}),
            (AllowAnonymousAccess(), {"ANONYMOUS"}),
            (Checker(ICertificateCredentials), set()),
            (Checker(ISSHPrivateKey), set()),
            (Checker(), set()),
        ):
            self.assertEqual(self.offered(checker), expected)
        self.assertEqual(mechanismsFor(portalOf(), facts()), {})

    def test_order(self) -> None:
        """
        The strongest is the first.
        """
        everything = Checker(
            *(IUsernamePassword, IUsernameHashedPassword, IScramCredentials),
            *(ICertificateCredentials, IBearerToken),
        )
        portal = portalOf(everything, AllowAnonymousAccess())
        offer = mechanismsFor(portal, facts(certificate=object(), binding=b"x"))
        self.assertEqual(
            b" ".join(offer),
            b"SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 EXTERNAL "
            b"CRAM-MD5 OAUTHBEARER XOAUTH2 PLAIN LOGIN ANONYMOUS",
        )
        for name, mechanism in offer.items():
            self.assertEqual(mechanism.name, name)

    def test_clearText(self) -> None:
        """
        What others on the network could use isn't offered where they can read it, unless
        the server is told to.
        """
        checkers = (
            Checker(IUsernamePassword, IUsernameHashedPassword, IScramCredentials),
            Checker(IBearerToken),
        )
        proofs = {SHA1, SHA256, "CRAM-MD5"}
        clear = {*CLEAR, "OAUTHBEARER", "XOAUTH2"}
        self.assertEqual(self.offered(*checkers, isPrivate=False), proofs)
        self.assertEqual(self.offered(*checkers), proofs | clear)
        told = self.offered(*checkers, isPrivate=False, allowClearText=True)
        self.assertEqual(told, proofs | clear)

    def test_bound(self) -> None:
        """
        A login is bound to the connection where that has a binding.
        """
        offered = self.offered(Checker(IScramCredentials), binding=b"x")
        self.assertEqual(offered, {SHA1, SHA256} | PLUS)

    def test_certificate(self) -> None:
        """
        EXTERNAL is for clients that have presented a certificate.
        """
        offered = self.offered(Checker(ICertificateCredentials), certificate=object())
        self.assertEqual(offered, {"EXTERNAL"})

    def test_hashes(self) -> None:
        """
        SCRAM is offered with the hashes that somebody has keys for.
        """
        for hashes, expected in (
            ({"sha1"}, {SHA1}),
            ({"sha256"}, {SHA256}),
            ({"sha1", "sha256"}, {SHA1, SHA256}),
            (set(), set()),
        ):
            self.assertEqual(self.offered(Keys(hashes)), expected)
            both = self.offered(Keys(hashes, IUsernamePassword))
            self.assertEqual(both, expected | CLEAR)
        keys = Keys({"sha1"}), Keys({"sha256"})
        self.assertEqual(self.offered(*keys), {SHA1, SHA256})

    def test_leavesOut(self) -> None:
        """
        A proof by passwords that are stored as they are isn't offered if it leaves out
        the users of another checker, where these can send their passwords: their clients
        would take it, and fail.
        """
        plain = Checker(IUsernamePassword)
        hashed = IUsernamePassword, IUsernameHashedPassword
        for proving in (Checker(*hashed), Keys({"sha256"}, *hashed)):
            self.assertEqual(self.offered(proving, plain), CLEAR)
        # Keys, tokens and visitors have nothing to do with it.
        both = Keys({"sha256"}, *hashed)
        others = Checker(ISSHPrivateKey), Checker(IBearerToken), AllowAnonymousAccess()
        for other in others:
            self.assertLessEqual({SHA256, *CLEAR}, self.offered(both, other))

    def test_keys(self) -> None:
        """
        SCRAM is offered for the hashes that a checker keeps keys for, whatever other
        checkers there are.
        """
        hashed = IUsernamePassword, IUsernameHashedPassword
        plain, other = Keys({"sha1", "sha256"}, *hashed), Checker(IUsernamePassword)
        keys = Keys({"sha1"}, IUsernamePassword), Keys({"sha256"}, IUsernamePassword)
        expected = ({SHA1}, {SHA256})
        for one, served in zip(keys, expected):
            for others in ((other,), (plain, other)):
                self.assertEqual(self.offered(one, *others), served | CLEAR)
                self.assertEqual(
                    self.offered(one, *others, binding=b"x"),
                    {*served, *(f"{name}-PLUS" for name in served), *CLEAR},
                )
        self.assertEqual(self.offered(*keys), {SHA1, SHA256, *CLEAR})
        self.assertEqual(self.offered(plain, other), CLEAR)
        nobodys = Keys(set(), IUsernamePassword)
        self.assertEqual(self.offered(nobodys, plain, other), CLEAR)

    def test_nothingElse(self) -> None:
        """
        A proof is offered where passwords can't be sent, or if one checker serves nothing
        else: to whom it may serve.
        """
        plain = Checker(IUsernamePassword)
        hashed = IUsernamePassword, IUsernameHashedPassword
        proofs = self.offered(Keys({"sha256"}, *hashed), plain, isPrivate=False)
        self.assertEqual(proofs, {SHA256, "CRAM-MD5"})
        self.assertEqual(self.offered(Keys({"sha1"}), plain), {SHA1, *CLEAR})
        proving = Keys({"sha1"}, IUsernameHashedPassword)
        self.assertEqual(self.offered(proving, plain), {SHA1, "CRAM-MD5", *CLEAR})

    def test_otherPortals(self) -> None:
        """
        A portal may be Twisted's, or an object that only says what it serves.
        """
        for checker, expected in (
            (Checker(IScramCredentials, IUsernamePassword), {SHA1, SHA256} | CLEAR),
            (Checker(IUsernamePassword), CLEAR),
        ):
            interfaces = list(checker.credentialInterfaces)
            bare = SimpleNamespace(listCredentialsInterfaces=lambda i=interfaces: i)
            for portal in (TwistedPortal(Realm(), [checker]), bare):
                offer = mechanismsFor(portal, facts())
                self.assertEqual({name.decode() for name in offer}, expected)

    def test_registered(self) -> None:
        """
        A checker counts for the interfaces for which a program has registered it.
        """
        portal = portalOf(Checker(IUsernamePassword))
        both = Checker(IUsernamePassword, IUsernameHashedPassword)
        portal.registerChecker(both, IUsernameHashedPassword)
        self.assertIn(b"CRAM-MD5", mechanismsFor(portal, facts(isPrivate=False)))
        portal.registerChecker(both, IUsernamePassword)
        self.assertIn(b"CRAM-MD5", mechanismsFor(portal, facts()))

    def test_connections(self) -> None:
        """
        Over a connection on which others read, only proofs are offered.
        """
        portal = portalOf(Checker(IUsernamePassword, IScramCredentials))
        for host, isPrivate in (("192.0.2.1", False), ("127.0.0.1", True)):
            transport = StringTransport(peerAddress=IPv4Address("TCP", host, 25))
            offer = mechanismsFor(portal, ConnectionFacts(transport))
            self.assertEqual(b"PLAIN" in offer, isPrivate)
            self.assertIn(b"SCRAM-SHA-256", offer)
            self.assertNotIn(b"SCRAM-SHA-256-PLUS", offer)
