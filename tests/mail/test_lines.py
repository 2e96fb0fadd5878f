"""
Tests for L{mycred.mail._lines}: what a client sends behind STARTTLS, too much of it, and
too late.
"""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, fail, inlineCallbacks
from twisted.internet.protocol import Factory
from twisted.internet.threads import deferToThread
from twisted.protocols.policies import TimeoutFactory
from twisted.trial.unittest import SynchronousTestCase

from mycred.error import TemporaryFailure
from mycred.portal import Portal
from mycred.sasl import MECHANISMS
from mycred.tls import TLSOptions
from tests.kit.certificates import Authority
from tests.kit.mailclients import STARTTLS, MailClient, trusting
from tests.kit.mailservers import (
    DIALECTS,
    PROTOCOLS,
    MailFactory,
    MailRealm,
    ScramChecker,
    Talk,
    TalkTests,
)
from tests.kit.portals import raising
from tests.kit.protocols import LoginTestCase

PLAIN = b64encode(b"\0alice\0sesame")


class Context:
    """
    A context factory that looks at its files when it is asked to.

    @ivar looking: fires when it has done so.
    """

    def __init__(self) -> None:
        self.looking: Deferred[Any] = Deferred()

    def latest(self) -> Deferred[Any]:
        """
        Look.
        """
        return self.looking


class LinesTests(TalkTests):
    """
    What is the same over each protocol.
    """

    def setUp(self: Any) -> None:
        super().setUp()
        self.command, self.answer = STARTTLS[self.name]

    def test_sentBehind(self: Any) -> None:
        """
        Lines that are sent with STARTTLS, or half a line, are thrown away: they came in
        the clear.
        """
        idle, done = self.dialect.idle
        for behind in (idle + b"\r\n", self.dialect.auth(b"PLAIN", b"x"), idle[:2]):
            talk = self.talk(context=object())
            [said] = talk.send(self.command + b"\r\n" + behind)
            self.assertTrue(said.startswith(self.answer), said)
            self.assertEqual(len(talk.transport.contexts), 1)
            self.assertTrue(talk.say(idle)[0].startswith(done))

    def test_contextOfFactory(self: Any) -> None:
        """
        The context factory may be the factory's.
        """
        talk = self.talk()
        server = PROTOCOLS[self.name]()
        server.factory = talk.server.factory
        server.factory.contextFactory = context = object()
        server.callLater = self.clock.callLater
        talk = Talk(server)
        self.addCleanup(talk.hangUp)
        self.assertAnswer(talk.say(self.command), self.answer)
        self.assertEqual(talk.transport.contexts, [context])

    def test_sentBehindALogin(self: Any) -> None:
        """
        So are lines that have waited for a login.
        """
        waiting: Deferred[Any] = Deferred()
        talk = self.talk(context=object())
        talk.server.portal = Portal(self.realm, [])
        talk.server.openSession().login = lambda *_: waiting
        talk.server.mechanisms = lambda: MECHANISMS
        idle, _ = self.dialect.idle
        self.assertEqual(
            talk.say(self.dialect.command + b"PLAIN " + PLAIN, self.command, idle), []
        )
        waiting.errback(TemporaryFailure())
        refused, said = talk.said()
        self.assertTrue(refused.startswith(self.dialect.unavailable))
        self.assertTrue(said.startswith(self.answer))

    def test_sentWhileLooking(self: Any) -> None:
        """
        So is what comes while the files of TLS are looked at.
        """
        context = Context()
        talk = self.talk(context=context)
        self.assertEqual(talk.say(self.command), [])
        self.assertEqual(talk.say(self.dialect.idle[0]), [])
        context.looking.callback("latest")
        [said] = talk.said()
        self.assertTrue(said.startswith(self.answer))
        self.assertEqual(talk.transport.contexts, ["latest"])

    def test_noFiles(self: Any) -> None:
        """
        If the files can't be looked at the client is told, and may go on.
        """
        context = Context()
        context.looking = fail(TemporaryFailure())
        talk = self.talk(context=context)
        [said] = talk.say(self.command)
        self.assertFalse(said.startswith(self.answer))
        idle, done = self.dialect.idle
        self.assertTrue(talk.say(idle)[0].startswith(done))
        self.assertEqual(len(self.flushLoggedErrors(TemporaryFailure)), 1)

    def test_noTLS(self: Any) -> None:
        """
        If TLS can't be begun after all the connection ends: the client was told to begin,
        and what it sends is no command.
        """
        talk = self.talk(context=object())
        talk.transport.startTLS = lambda _: raising(ValueError("no key"))()
        self.assertAnswer(talk.say(self.command, self.dialect.idle[0]), self.answer)
        self.assertFalse(talk.transport.connected)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_goneWhileLooking(self: Any) -> None:
        """
        A client that leaves meanwhile needs no TLS.
        """
        context = Context()
        talk = self.talk(context=context)
        talk.say(self.command)
        talk.hangUp()
        context.looking.callback("latest")
        self.assertEqual(talk.transport.contexts, [])

    def test_notTwice(self: Any) -> None:
        """
        TLS is begun once, not after a login, and not without a context factory.
        """
        for context, lines in (
            (object(), [self.command]),
            (object(), [self.dialect.auth(b"PLAIN", b"\0alice\0sesame")]),
            (None, []),
        ):
            talk = self.talk(context=context)
            for line in lines:
                talk.say(line)
            begun = len(talk.transport.contexts)
            [said] = talk.say(self.command)
            self.assertFalse(said.startswith(self.answer), said)
            self.assertEqual(len(talk.transport.contexts), begun)

    def test_stopsAsking(self: Any) -> None:
        """
        If the server no longer waits for an answer, the next line is a command.
        """
        talk = self.talk()
        talk.say(self.dialect.auth(b"PLAIN"))
        talk.server._login.cancel()
        self.assertAnswer(talk.said(), self.dialect.unavailable)
        idle, done = self.dialect.idle
        self.assertTrue(talk.say(idle)[0].startswith(done))

    def test_tooLong(self: Any) -> None:
        """
        A line that is too long ends the connection, whether or not it has an end.
        """
        for end in (b"", b"\r\n", b"\r\n" + self.dialect.idle[0] + b"\r\n"):
            talk = self.talk()
            said = talk.send(b"x" * 20000 + end)
            self.assertEqual(len(said), 1, said)
            self.assertFalse(talk.transport.connected)

    def test_drop(self: Any) -> None:
        """
        What is sent to a connection that ends is thrown away.
        """
        talk = self.talk()
        talk.transport.loseConnection = lambda: None
        talk.send(b"x" * 20000)
        self.assertEqual(talk.say(self.dialect.idle[0]), [])
        self.assertEqual(talk.send(b"half"), [])
        self.assertEqual(talk.server._buffer, b"")

    def test_unread(self: Any) -> None:
        """
        A connection ends at last though the client doesn't read what it was sent.
        """
        for send, timeOut in ((b"x" * 20000, 60), (b"x" * 20000, None), (b"", 60)):
            talk = self.talk()
            talk.server.setTimeout(timeOut)
            lose = talk.transport.loseConnection
            talk.transport.loseConnection = lambda: None
            talk.send(send)
            talk.transport.abortConnection = lose
            self.clock.pump([300] * 10)
            self.assertFalse(talk.transport.connected)
            self.assertEqual(self.clock.getDelayedCalls(), [])


class IMAP4LinesTests(LinesTests, SynchronousTestCase):
    """
    Tests for IMAP4.
    """

    name = "imap"


class POP3LinesTests(LinesTests, SynchronousTestCase):
    """
    Tests for POP3.
    """

    name = "pop3"


class ESMTPLinesTests(LinesTests, SynchronousTestCase):
    """
    Tests for SMTP.
    """

    name = "smtp"


class StartTLSTests(LoginTestCase):
    """
    Tests for STARTTLS over real connections.
    """

    def setUp(self) -> None:
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        authority = Authority(folder)
        certificate, key = authority.certify("localhost", "localhost")
        self.context = trusting(authority.file)
        self.contextFactory = TLSOptions(str(key), str(certificate)).contextFactory()

    def serveAll(self, name: str, wrap: Any) -> Any:
        """
        Serve a protocol.
        """
        portal = Portal(MailRealm(), [ScramChecker()])
        factory = MailFactory(PROTOCOLS[name], portal, self.contextFactory)
        self.serve(wrap(factory))
        return factory

    @inlineCallbacks
    def test_behind(self) -> Any:
        """
        What is sent behind STARTTLS in the clear has no effect, and TLS works, with and
        without a wrapper.  Afterwards mechanisms are bound to TLS.
        """
        wrappers: list[Any] = [lambda factory: factory, quietly]
        for name, dialect in DIALECTS.items():
            for wrap in wrappers:
                factory = self.serveAll(name, wrap)
                said, bound = yield deferToThread(self.inject, name, dialect)
                self.assertTrue(said.startswith(dialect.idle[1]), said)
                self.assertTrue(bound.startswith(dialect.good), bound)
                [server] = factory.built
                self.assertTrue(server.startedTLS)

    def inject(self, name: str, dialect: Any) -> tuple[bytes, bytes]:
        """
        Send a login behind STARTTLS, and half a line, and look what is there then.
        """
        command, answer = STARTTLS[name]
        with MailClient(self.port) as client:
            client.line()
            ahead = dialect.command + b"PLAIN " + PLAIN
            client.send(command + b"\r\n" + ahead + b"\r\n" + b"half ")
            said = client.line()
            self.assertTrue(said.startswith(answer), said)
            client.secure(self.context)
            idle = client.ask(dialect.idle[0])
            if name == "pop3":
                client.until(b".")
            binding = "tls-server-end-point", client.socket
            return idle, client.bound(dialect, binding)


def quietly(factory: Factory) -> TimeoutFactory:
    """
    Put time-outs around a factory.
    """
    wrapper = TimeoutFactory(factory, 60)
    wrapper.noisy = False
    return wrapper
