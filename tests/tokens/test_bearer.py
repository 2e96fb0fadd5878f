"""
Tests for L{mycred._tokens._bearer}.
"""

from __future__ import annotations

from typing import Any

from zope.interface import implementer
from zope.interface.verify import verifyObject

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase
from twisted.web import guard as twistedGuard
from twisted.web.iweb import ICredentialFactory
from twisted.web.server import Site
from twisted.web.static import Data

from mycred._tokens import LONGEST_TOKEN, isToken
from mycred.checkers import ICredentialsChecker
from mycred.credentials import IBearerToken
from mycred.error import LoginFailed, TemporaryFailure, Throttled, UnauthorizedLogin
from mycred.portal import Portal
from mycred.web import BearerCredentialFactory, HTTPAuthSessionWrapper

from ..kit.sessions import Realm
from ..kit.web import Answer


@implementer(ICredentialsChecker)
class One:
    """
    A checker that knows one token.
    """

    credentialInterfaces = (IBearerToken,)

    def requestAvatarId(self, credentials: Any) -> Deferred[bytes]:
        """
        Check a token.
        """
        if credentials.token == b"later":
            return fail(TemporaryFailure("it is down"))
        if credentials.token == b"slow":
            return fail(Throttled(0.2))
        isRight = credentials.token == b"good" and credentials.authzid == b""
        return succeed(b"alice") if isRight else fail(UnauthorizedLogin())


class BearerTests(SynchronousTestCase):
    """
    Tests for L{BearerCredentialFactory}, behind Twisted's own guard.
    """

    def ask(
        self,
        *answers: bytes,
        target: bytes = b"/",
        wrapper: Any = twistedGuard.HTTPAuthSessionWrapper,
    ) -> Answer:
        """
        Send a request.
        """
        page = Data(b"Hello", "text/plain")
        page.isLeaf = True
        portal = Portal(Realm(lambda: page), [One()])
        guard = wrapper(portal, [BearerCredentialFactory('a "b"')])
        channel = Site(guard, reactor=Clock()).buildProtocol(
            IPv4Address("TCP", "192.0.2.7", 1)
        )
        transport = StringTransport()
        channel.makeConnection(transport)
        lines = [b"GET %s HTTP/1.0" % target]
        lines += [b"Authorization: " + answer for answer in answers]
        channel.dataReceived(b"\r\n".join([*lines, b"", b""]))
        return Answer(transport.value())

    def test_interface(self) -> None:
        """
        It is what Twisted's guard takes.
        """
        verifyObject(ICredentialFactory, BearerCredentialFactory(b"a"))

    def test_good(self) -> None:
        """
        A good token shows the page.
        """
        for answer in (b"Bearer good", b"bearer good", b"BEARER   good "):
            self.assertEqual(self.ask(answer).page, b"Hello")

    def test_without(self) -> None:
        """
        Who has sent no token is told the realm alone.
        """
        for answers in ((), (b"Basic Z29vZA==",)):
            answer = self.ask(*answers)
            self.assertEqual(answer.status, 401)
            self.assertEqual(answer.challenges, [r'bearer realm="a \"b\""'])

    def test_wrong(self) -> None:
        """
        Who has sent one that is no good is told so.
        """
        for token in (b"bad", b"", b"good good", b"go,od", b"=", b"\xff"):
            answer = self.ask(b"Bearer " + token)
            self.assertEqual(answer.status, 401)
            [challenge] = answer.challenges
            self.assertIn('error="invalid_token"', challenge)

    def test_later(self) -> None:
        """
        While nobody can tell, mycred's guard says so, and doesn't call the token wrong;
        Twisted's doesn't know the difference.
        """
        answer = self.ask(b"Bearer later", wrapper=HTTPAuthSessionWrapper)
        self.assertEqual((answer.status, answer.challenges), (503, []))
        self.assertNotIn(b"it is down", answer.page)
        self.assertEqual(self.ask(b"Bearer later").status, 401)
        answer = self.ask(b"Bearer bad", wrapper=HTTPAuthSessionWrapper)
        self.assertEqual(answer.status, 401)

    def test_throttled(self) -> None:
        """
        Who has to wait is told so, and for how long.
        """
        answer = self.ask(b"Bearer slow", wrapper=HTTPAuthSessionWrapper)
        self.assertEqual((answer.status, answer.challenges), (429, []))
        self.assertIn(b"Too many failed logins; try again in 1 s.", answer.page)
        self.assertEqual(answer.headers["Retry-After"], "1")

    def test_elsewhere(self) -> None:
        """
        A token in the URL doesn't count.
        """
        self.assertEqual(self.ask(target=b"/?access_token=good").status, 401)

    def test_malformed(self) -> None:
        """
        What isn't a token never reaches a checker.
        """
        factory = BearerCredentialFactory(b"a")
        self.assertEqual(factory.decode(b" a.b-_~+/==", None).token, b"a.b-_~+/==")
        for sent in (b"", b" ", b"a b", b"a=b", b"a" * (LONGEST_TOKEN + 1), b"a\n"):
            self.assertRaises(LoginFailed, factory.decode, sent, None)

    def test_token(self) -> None:
        """
        A token is bytes.
        """
        self.assertTrue(isToken(b"a"))
        for token in ("a", None, 7, b"a\n", b"\na", bytearray(b"a")):
            self.assertFalse(isToken(token))
