"""
Tests for L{mycred._auditlog} with protocols other than those of mail: each login is told
once, by what the protocol knows of it.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from twisted.conch.ssh.common import NS
from twisted.cred.portal import Portal as TwistedPortal
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.spread import pb
from twisted.test.iosim import FakeTransport, connect
from twisted.trial.unittest import SynchronousTestCase
from twisted.web import guard
from twisted.web.server import Site
from twisted.web.static import Data

from mycred import web
from mycred.checkers.sshkeys import SSHPublicKeyChecker
from mycred.credentials import DigestCredentialFactory, UsernamePassword
from mycred.demo import _http, _pb
from mycred.portal import Portal
from mycred.sessions import SessionFactory
from mycred.stack import AuditLog, CheckerStack

from ..kit.auditing import memory
from ..kit.digest import Client, header
from ..kit.keycheckers import Files, accepted
from ..kit.keys import blobOf, ed25519
from ..kit.mailservers import TokenChecker
from ..kit.sessions import Realm
from ..kit.sshpair import ALICE, AvatarRealm, Pair
from ..kit.web import Answer, challengeIn

PEER = IPv4Address("TCP", "192.0.2.7", 1234)

# Who has it isn't known to any checker.
STRANGER = ed25519()


class ProtocolCase(SynchronousTestCase):
    """
    Base of the tests of one protocol.
    """

    def setUp(self) -> None:
        self.events: list[Any] = []
        keys = SSHPublicKeyChecker(Files(accepted()))
        audit = AuditLog(self.events.append)
        self.stack = CheckerStack([memory(), keys, TokenChecker()], audit=audit)

    def told(self) -> tuple[Any, ...]:
        """
        Return what was told of the one login: the verdict, the mechanism, the protocol
        and the name.
        """
        [event] = self.events
        del self.events[:]
        names = "mycred.verdict", "mycred.mechanism", "network.protocol", "user.name"
        return tuple(event["fields"].get(name) for name in names)


class HTTPTests(ProtocolCase):
    """
    Tests for HTTP.
    """

    def ask(self, site: Any, *answers: bytes) -> bytes:
        """
        Send a request.

        @param answers: the values of its C{Authorization} headers.

        @return: what is answered.
        """
        lines = [b"GET /a HTTP/1.1", b"Host: example.org", b"Connection: close"]
        lines += [b"Authorization: " + answer for answer in answers]
        channel, transport = site.buildProtocol(PEER), StringTransport(peerAddress=PEER)
        channel.makeConnection(transport)
        channel.dataReceived(b"\r\n".join([*lines, b"", b""]))
        return transport.value()

    def guarded(self, wrapper: Any, portal: Any, factory: Any) -> Site:
        """
        Make a site that stands behind a guard.
        """
        return Site(
            wrapper(portal(self.realm(), [self.stack]), [factory]), reactor=Clock()
        )

    def realm(self) -> Any:
        """
        Make the realm of the pages.
        """
        page = Data(b"Hello", "text/plain")
        page.isLeaf = True
        return Realm(lambda: page)

    def test_basic(self) -> None:
        """
        A guard, Twisted's or ours, with a portal of either.  A request without an answer
        to the challenge is no login.
        """
        factory = guard.BasicCredentialFactory(b"here")
        for wrapper, portal, service in (
            (guard.HTTPAuthSessionWrapper, TwistedPortal, None),
            (guard.HTTPAuthSessionWrapper, Portal, None),
            (web.HTTPAuthSessionWrapper, Portal, "http"),
        ):
            site = self.guarded(wrapper, portal, factory)
            self.assertIn(b" 401 ", self.ask(site))
            self.assertEqual(self.events, [])
            for password, verdict, code in (
                (b"wrong", "refused", b" 401 "),
                (b"sesame", "accepted", b" 200 "),
            ):
                basic = b"Basic " + b64encode(b"alice:" + password)
                self.assertIn(code, self.ask(site, basic))
                self.assertEqual(self.told(), (verdict, "password", service, "alice"))

    def test_digest(self) -> None:
        """
        HTTP Digest, behind our guard and in the example server.
        """
        digest = DigestCredentialFactory(b"md5", b"here")
        for site in (
            self.guarded(web.HTTPAuthSessionWrapper, Portal, _http.GuardDigest(digest)),
            _http.makeFactory(Portal(self.realm(), [self.stack]), reactor=Clock()),
        ):
            for password, verdict in ((b"wrong", "refused"), (b"sesame", "accepted")):
                challenges = Answer(self.ask(site)).challenges
                self.assertEqual(self.events, [])
                written = [c for c in challenges if c.lower().startswith("digest ")]
                client = Client(challengeIn(written[-1]), password=password)
                self.ask(site, b"Digest " + header(client.fields()))
                self.assertEqual(self.told(), (verdict, "digest", "http", "alice"))

    def test_token(self) -> None:
        """
        A token, of which nothing is told; who has no name gets none.
        """
        factory = web.BearerCredentialFactory(b"here")
        site = self.guarded(web.HTTPAuthSessionWrapper, Portal, factory)
        for token, verdict, name in (
            (b"token", "accepted", "alice"),
            (b"stolen", "refused", None),
        ):
            self.ask(site, b"Bearer " + token)
            self.assertNotIn("stolen", repr(self.events))
            self.assertEqual(self.told(), (verdict, "token", "http", name))


class PBTests(ProtocolCase):
    """
    Tests for Perspective Broker.
    """

    def test_login(self) -> None:
        """
        The example server, and Twisted's factory with and without portals for its
        connections.
        """
        portal = Portal(Realm(pb.Avatar), [self.stack])
        for factory, service in (
            (_pb.makeFactory(portal, reactor=Clock()), "pb"),
            (SessionFactory(pb.PBServerFactory(portal)), "pb"),
            (pb.PBServerFactory(TwistedPortal(portal.realm, [self.stack])), None),
        ):
            for password, verdict in ((b"wrong", "refused"), (b"sesame", "accepted")):
                server, clients = factory.buildProtocol(PEER), pb.PBClientFactory()
                client = clients.buildProtocol(None)
                ends = FakeTransport(server, True, peerAddress=PEER)
                pump = connect(server, ends, client, FakeTransport(client, False))
                login = clients.login(UsernamePassword(b"alice", password))
                login.addErrback(lambda _: None)
                pump.flush()
                self.assertEqual(self.told(), (verdict, "hash", service, "alice"))
        self.flushLoggedErrors()


class SSHTests(ProtocolCase):
    """
    Tests for SSH.
    """

    def setUp(self) -> None:
        super().setUp()
        self.pair = Pair(self.stack, realm=AvatarRealm())
        self.client = self.pair.connect()

    def ask(self, method: bytes, data: bytes) -> tuple[Any, ...]:
        """
        Try to log in.

        @return: what is told of it.
        """
        self.client.ask(method, data)
        self.pair.pump.flush()
        told = self.told()
        # The client has to wait for the answer to a wrong password.
        self.pair.clock.advance(1)
        return told

    def test_password(self) -> None:
        """
        A password; one that the client wants to change isn't looked at.
        """
        for password, verdict in (
            (b"\0" + NS(b"wrong"), "refused"),
            (b"\1" + NS(b"sesame") + NS(b"other"), "refused"),
            (b"\0" + NS(b"sesame"), "accepted"),
        ):
            self.assertEqual(
                self.ask(b"password", password), (verdict, "password", "ssh", "alice")
            )

    def test_key(self) -> None:
        """
        A key.  The question whether one would do is no login unless it is refused, and
        what is no key is refused.
        """
        refused = ("refused", "publickey", "ssh", "alice")
        self.assertEqual(self.ask(b"publickey", b"\0" + NS(b"x") + NS(b"x")), refused)
        self.client.offer(blobOf(ALICE))
        self.pair.pump.flush()
        self.assertEqual(self.events, [])
        self.client.prove(ALICE)
        self.pair.pump.flush()
        self.assertEqual(self.told(), ("accepted", "publickey", "ssh", "alice"))
