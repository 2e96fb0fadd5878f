"""
Tests for L{mycred.demo._mailfactories}, and for how the protocols of the example
server use it: each user who is let in is logged out once.

They cover L{mycred.demo._pop3} and L{mycred.demo._handover}, too.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from unittest import mock

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.error import ConnectionLost
from twisted.mail import imap4, pop3
from twisted.python.failure import Failure
from twisted.spread import pb
from twisted.test.iosim import FakeTransport, IOPump, connect
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.static import Data

from mycred.credentials import (
    IUsernamePassword,
    UsernamePassword,
)
from mycred.demo import _http, _imap4, _pb, _pop3, _smtp
from mycred.error import TemporaryFailure, UnauthorizedLogin
from mycred.portal import IRealm, Portal, SessionPortal

from ..kit.sessions import Realm, WaitingChecker, localTransport, makeChecker


def stubborn() -> Deferred[Any]:
    """
    Make a Deferred for something that goes on although it is cancelled, and
    brings its result all the same.
    """

    class Stubborn(Deferred):  # type: ignore[type-arg]
        def cancel(self) -> None:
            pass

    return Stubborn()


ALICE = UsernamePassword(b"alice", b"sesame")


class ManyLoginsTests(SynchronousTestCase):
    """
    Tests for a client that doesn't wait for the answer to its login.
    """

    def test_refused(self) -> None:
        """
        A few logins of a connection may be under way; the next is refused as long
        as they are, so that nobody can fill the queue for all.
        """
        portal = Portal(Realm(), [WaitingChecker()])
        session = SessionPortal(portal)

        def login() -> Any:
            # Each waits for an answer of its own.
            portal.checkers = {IUsernamePassword: WaitingChecker()}
            return session.login(UsernamePassword(b"alice", b"x"), None)

        waiting = [login() for _ in range(SessionPortal.MOST_AT_A_TIME)]
        self.failureResultOf(login(), TemporaryFailure)
        waiting[0].cancel()
        self.failureResultOf(waiting[0], CancelledError)
        self.assertNoResult(login())
        session.close()


class SessionPortalTests(SynchronousTestCase):
    """
    Tests for L{SessionPortal}.
    """

    def setUp(self) -> None:
        self.realm = Realm()
        self.session = SessionPortal(Portal(self.realm, [makeChecker()]))

    def logIn(self) -> Any:
        """
        Log Alice in.

        @return: the callable with which a protocol logs her out.
        """
        return self.successResultOf(self.session.login(ALICE, None))[2]

    def test_overridden(self) -> None:
        """
        What a program's portal says of credentials is what protocols are told, and what
        is registered with one connection's portal is the program's to register.
        """

        class Own(Portal):
            """
            A portal that offers what it likes.
            """

            registered: tuple[object, ...] = ()

            def listCredentialsInterfaces(self) -> list[Any]:
                """
                Offer nothing.
                """
                return []

            def registerChecker(self, checker: Any, *interfaces: Any) -> None:
                """
                Remember.
                """
                self.registered += (checker, *interfaces)

        portal = Own(mock.Mock())
        session = SessionPortal(portal)
        self.assertEqual(session.listCredentialsInterfaces(), [])
        checker: Any = object()
        session.registerChecker(checker, IRealm)
        self.assertEqual(portal.registered, (checker, IRealm))

    def test_protocolLogsOut(self) -> None:
        """
        A protocol that logs out when its connection is gone, as it should,
        logs out once.
        """
        logout = self.logIn()
        logout()
        self.assertEqual(self.realm.logouts, 1)
        self.session.close()
        self.assertEqual(self.realm.logouts, 1)

    def test_protocolForgets(self) -> None:
        """
        For a protocol that doesn't log out, the end of the connection does; and
        what the protocol does later counts no more.
        """
        logout = self.logIn()
        self.session.close()
        self.assertEqual(self.realm.logouts, 1)
        logout()
        self.session.close()
        self.assertEqual(self.realm.logouts, 1)

    def test_realmAnswersList(self) -> None:
        """
        So does it for an avatar that a realm has answered in a list: protocols take any.
        """
        self.realm.waiting = succeed(list(self.realm.login()))
        self.logIn()
        self.session.close()
        self.assertEqual(self.realm.logouts, 1)

    def test_protocolLogsOutTwice(self) -> None:
        """
        A protocol that logs out again and again logs out once.
        """
        logout = self.logIn()
        logout()
        logout()
        self.assertEqual(self.realm.logouts, 1)

    def test_severalLogins(self) -> None:
        """
        A user who logs in twice over one connection is logged out twice.
        """
        self.logIn()
        self.logIn()
        self.session.close()
        self.assertEqual(self.realm.logouts, 2)

    def test_othersStay(self) -> None:
        """
        The end of one connection logs nobody out who came by another.
        """
        other = SessionPortal(Portal(self.realm, [makeChecker()]))
        self.logIn()
        other.close()
        self.assertEqual(self.realm.logouts, 0)

    def test_refused(self) -> None:
        """
        A wrong password is refused as without sessions, and there is nobody to
        log out.
        """
        refused = self.session.login(UsernamePassword(b"alice", b"no"), None)
        self.failureResultOf(refused, UnauthorizedLogin)
        self.session.close()
        self.assertEqual(self.realm.logouts, 0)

    def test_changedCheckers(self) -> None:
        """
        A checker that is registered with the portal of the server is asked by
        connections that exist already.
        """
        portal = Portal(self.realm)
        session = SessionPortal(portal)
        portal.registerChecker(makeChecker())
        self.successResultOf(session.login(ALICE, None))

    def test_protocolCancels(self) -> None:
        """
        A protocol that cancels a login gets the same answer as without sessions,
        and the avatar that arrives after all is logged out once.
        """
        self.realm.waiting = waiting = stubborn()
        login = self.session.login(ALICE, None)
        login.cancel()
        waiting.callback(self.realm.login())
        self.failureResultOf(login, CancelledError)
        self.assertEqual(self.realm.logouts, 1)
        self.session.close()
        self.assertEqual(self.realm.logouts, 1)

    def test_nobodyHears(self) -> None:
        """
        A protocol whose connection is gone hears nothing of the login any more.
        """
        self.realm.waiting = Deferred()
        login = self.session.login(ALICE, None)
        self.session.close()
        self.assertNoResult(login)
        self.realm.waiting.callback(self.realm.login())
        self.assertNoResult(login)


class DroppedTests:
    """
    What is the same for every protocol of the example server when its client is
    gone, in the middle of a login or after it.
    """

    def makeAvatar(self) -> Any:
        """
        Make an avatar for the protocol.
        """
        raise NotImplementedError

    def beginLogin(self, portal: Portal) -> None:
        """
        Connect to a server with this portal, and send all that takes to log in
        with ALICE's password.
        """
        raise NotImplementedError

    def drop(self) -> None:
        """
        Lose the connection.
        """
        raise NotImplementedError

    def test_afterLogin(self) -> None:
        """
        A user whose connection is lost is logged out once.
        """
        realm = Realm(self.makeAvatar)
        self.beginLogin(Portal(realm, [makeChecker()]))
        self.assertEqual(realm.asked, [b"alice"])
        self.drop()
        self.assertEqual(realm.logouts, 1)

    def test_checkerWaiting(self) -> None:
        """
        If the connection is lost while the password is being checked, the check
        is cancelled, and no avatar is made.
        """
        cancelled: list[object] = []
        realm, checker = Realm(self.makeAvatar), WaitingChecker()
        checker.waiting = Deferred(cancelled.append)
        self.beginLogin(Portal(realm, [checker]))
        self.assertEqual(cancelled, [])
        self.drop()
        self.assertEqual(cancelled, [checker.waiting])
        self.assertEqual(realm.asked, [])

    def test_checkerAcceptsLate(self) -> None:
        """
        If the connection is lost while a checker is at work that can't be
        stopped, and accepts, each user who is let in is logged out again.
        """
        realm, checker = Realm(self.makeAvatar), WaitingChecker()
        checker.waiting = stubborn()
        self.beginLogin(Portal(realm, [checker]))
        self.drop()
        checker.waiting.callback(b"alice")
        self.assertEqual(realm.logouts, len(realm.asked))

    def test_checkerAcceptsCancelled(self) -> None:
        """
        The same holds for a checker that makes the best of being cancelled, and
        accepts.
        """
        realm, checker = Realm(self.makeAvatar), WaitingChecker()
        checker.waiting.addErrback(lambda _: b"alice")
        self.beginLogin(Portal(realm, [checker]))
        self.drop()
        self.assertEqual(realm.logouts, len(realm.asked))

    def avatarArrivesLate(self, waiting: Deferred[Any]) -> None:
        """
        Lose the connection while the realm makes the avatar, which arrives
        after all, and assert that it is logged out once.
        """
        realm = Realm(self.makeAvatar)
        realm.waiting = waiting
        self.beginLogin(Portal(realm, [makeChecker()]))
        self.assertEqual(realm.asked, [b"alice"])
        self.drop()
        self.assertEqual(realm.logouts, 0)
        waiting.callback(realm.login())
        self.assertEqual(realm.logouts, 1)

    def test_avatarArrivesLate(self) -> None:
        """
        If the connection is lost while the realm makes the avatar, the avatar
        is logged out once when it arrives.
        """
        self.avatarArrivesLate(Deferred())

    def test_stubbornAvatar(self) -> None:
        """
        The same holds for a realm that can't be cancelled, and says so.
        """
        self.avatarArrivesLate(stubborn())

    def test_realmCancelled(self) -> None:
        """
        A realm that can stop making the avatar is told to, and nothing is left.
        """
        cancelled: list[object] = []
        realm = Realm(self.makeAvatar)
        realm.waiting = Deferred(cancelled.append)
        self.beginLogin(Portal(realm, [makeChecker()]))
        self.drop()
        self.assertEqual(cancelled, [realm.waiting])
        self.assertEqual(realm.logouts, 0)


class WireTests(DroppedTests):
    """
    Base of the tests for protocols that take lines of text.

    @cvar makeFactory: how the example server makes the factory.
    @cvar lines: what a client sends to log in.
    @cvar goodbye: what it sends before it leaves.
    """

    makeFactory: Any
    lines: bytes
    goodbye: bytes

    def beginLogin(self, portal: Portal) -> None:
        """
        Send the lines.
        """
        self.protocol = self.makeFactory(portal).buildProtocol(None)
        self.transport = localTransport()
        self.protocol.makeConnection(self.transport)
        self.protocol.dataReceived(self.lines)

    def drop(self) -> None:
        """
        Lose the connection.
        """
        self.protocol.connectionLost(Failure(ConnectionLost()))

    def assertSays(self: Any, *pairs: tuple[bytes, bytes]) -> None:
        """
        Assert what is answered to some lines, one after the other.
        """
        portal = Portal(Realm(self.makeAvatar), [makeChecker()])
        protocol = self.makeFactory(portal).buildProtocol(None)
        transport = localTransport()
        protocol.makeConnection(transport)
        for lines, answer in pairs:
            transport.clear()
            protocol.dataReceived(lines)
            self.assertIn(answer, transport.value())
        protocol.connectionLost(Failure(ConnectionLost()))

    def test_goodbye(self: Any) -> None:
        """
        A user who leaves as the protocol has it is logged out once.
        """
        realm = Realm(self.makeAvatar)
        self.beginLogin(Portal(realm, [makeChecker()]))
        self.protocol.dataReceived(self.goodbye)
        self.assertTrue(self.transport.disconnecting)
        self.drop()
        self.assertEqual(realm.logouts, 1)


class MailTests(WireTests):
    """
    Base of the tests for the protocols of mail.
    """

    def test_ahead(self: Any) -> None:
        """
        What a client sends while it logs in is carried out afterwards, also where the
        last line is incomplete.
        """
        for size in range(len(self.goodbye) + 1):
            realm = Realm(self.makeAvatar)
            realm.waiting = Deferred()
            self.beginLogin(Portal(realm, [makeChecker()]))
            self.protocol.dataReceived(self.goodbye[:size])
            self.assertFalse(self.transport.disconnecting)
            realm.waiting.callback(realm.login())
            self.protocol.dataReceived(self.goodbye[size:])
            self.assertTrue(self.transport.disconnecting, size)
            self.drop()
            self.assertEqual(realm.logouts, 1)

    def test_flood(self: Any) -> None:
        """
        A client that sends too much while it logs in is gone, though the login succeeds:
        nothing that it has sent is carried out, and nothing keeps the connection open.
        """
        realm = Realm(self.makeAvatar)
        realm.waiting = Deferred()
        self.beginLogin(Portal(realm, [makeChecker()]))
        self.transport.clear()
        self.protocol.dataReceived((b"NOOP" + b" " * 996 + b"\r\n") * 80)
        self.assertTrue(self.transport.disconnecting)
        realm.waiting.callback(realm.login())
        self.assertIsNone(self.transport.producer)
        self.protocol.dataReceived(self.goodbye)
        self.assertLessEqual(self.transport.value().count(b"\r\n"), 1)
        self.drop()
        self.assertEqual(realm.logouts, 1)


class POP3Tests(MailTests, SynchronousTestCase):
    """
    Tests for POP3.
    """

    makeFactory = staticmethod(_pop3.makeFactory)
    lines = b"USER alice\r\nPASS sesame\r\n"
    goodbye = b"QUIT\r\n"
    makeAvatar = staticmethod(pop3.Mailbox)

    def test_sessionsApart(self) -> None:
        """
        Of two users who are logged in, the one who leaves is logged out.
        """
        realm = Realm(self.makeAvatar)
        factory = self.makeFactory(Portal(realm, [makeChecker()]))
        protocols = [factory.buildProtocol(None) for _ in range(2)]
        for protocol in protocols:
            protocol.makeConnection(localTransport())
            protocol.dataReceived(self.lines)
        for gone, protocol in enumerate(protocols, 1):
            protocol.connectionLost(Failure(ConnectionLost()))
            self.assertEqual(realm.logouts, gone)

    def test_codes(self) -> None:
        """
        What is told of a login isn't told of what comes after it.
        """
        self.assertSays(
            (b"CAPA\r\n", b"AUTH-RESP-CODE"),
            (b"USER alice\r\nPASS no\r\n", b"-ERR [AUTH] "),
            (b"PASS no\r\n", b"-ERR USER required"),
        )


class IMAP4Tests(MailTests, SynchronousTestCase):
    """
    Tests for IMAP4.
    """

    makeFactory = staticmethod(_imap4.makeFactory)
    lines = b'1 LOGIN "alice" "sesame"\r\n'
    goodbye = b"2 LOGOUT\r\n"

    def makeAvatar(self) -> imap4.MemoryAccount:
        """
        Make an account.
        """
        return imap4.MemoryAccount("alice")

    def test_codes(self) -> None:
        """
        What is told of a login isn't told of what comes after it.
        """
        self.assertSays(
            (b'1 LOGIN "alice" "no"\r\n', b"1 NO [AUTHENTICATIONFAILED] "),
            (b"2 AUTHENTICATE NOTHING\r\n", b"2 NO There is no such mechanism"),
            (self.lines.replace(b"1 ", b"3 "), b"3 OK [CAPABILITY IMAP4rev1 "),
        )


class SMTPTests(MailTests, SynchronousTestCase):
    """
    Tests for SMTP.
    """

    makeFactory = staticmethod(_smtp.makeFactory)
    lines = b"EHLO client\r\nAUTH PLAIN %b\r\n" % b64encode(b"\0alice\0sesame")
    goodbye = b"QUIT\r\n"
    makeAvatar = staticmethod(object)

    def test_codes(self) -> None:
        """
        What a client may do before the login, and what comes of one, is told.
        """
        self.assertSays(
            (b"EHLO client\r\n", b"250-PIPELINING\r\n"),
            (b"MAIL FROM:<a@b>\r\n", b"530 5.7.0 "),
            (b"AUTH PLAIN AGFsaWNlAG5v\r\n", b"535 5.7.8 "),
            (b"AUTH PLAIN =\r\n", b"501 5.5.2 "),
            (self.lines, b"235 2.7.0 "),
            (b"EHLO client\r\n", b"250-PIPELINING\r\n"),
        )


class HTTPTests(WireTests, SynchronousTestCase):
    """
    Tests for HTTP, where a login is good for one request.
    """

    makeFactory = staticmethod(_http.makeFactory)
    lines = (
        b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic %b\r\n\r\n"
        % b64encode(b"alice:sesame")
    )
    goodbye = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

    def makeAvatar(self) -> Data:
        """
        Make a page.
        """
        page = Data(b"Hello", "text/plain")
        page.isLeaf = True
        return page

    def test_served(self) -> None:
        """
        As soon as the page is sent, the user is logged out; and not once more
        at the end of the connection.
        """
        realm = Realm(self.makeAvatar)
        self.beginLogin(Portal(realm, [makeChecker()]))
        self.assertIn(b"200 OK", self.transport.value())
        self.assertEqual(realm.logouts, 1)
        self.drop()
        self.assertEqual(realm.logouts, 1)


class PBTests(DroppedTests, SynchronousTestCase):
    """
    Tests for Perspective Broker.
    """

    makeAvatar = staticmethod(pb.Avatar)

    def beginLogin(self, portal: Portal) -> None:
        """
        Log in with Twisted's client.
        """
        factory = pb.PBClientFactory()
        server = _pb.makeFactory(portal).buildProtocol(None)
        client = factory.buildProtocol(None)
        self.pump: IOPump = connect(
            server, FakeTransport(server, True), client, FakeTransport(client, False)
        )
        self.client = client
        # What the client makes of the end of its connection is its own affair.
        factory.login(ALICE).addErrback(lambda failure: None)
        self.pump.flush()

    def drop(self) -> None:
        """
        Lose the connection.
        """
        self.client.transport.loseConnection()
        self.pump.flush()
