"""
Tests for L{mycred.mail._handshakes}: TLS from the beginning, whatever stands between.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.internet.endpoints import serverFromString
from twisted.internet.threads import deferToThread
from twisted.protocols.policies import (
    LimitTotalConnectionsFactory,
    TimeoutFactory,
    TrafficLoggingFactory,
    WrappingFactory,
)
from twisted.protocols.tls import TLSMemoryBIOFactory

from mycred.portal import Portal
from mycred.tls import TLSOptions
from tests.kit.certificates import Authority
from tests.kit.mailclients import MailClient, trusting
from tests.kit.mailservers import (
    DIALECTS,
    PROTOCOLS,
    CertificateChecker,
    Dialect,
    MailFactory,
    MailRealm,
    ScramChecker,
)
from tests.kit.protocols import Connections, LoginTestCase


class Adapter:
    """
    What stands between TLS and a protocol, and isn't one of Twisted's wrappers.
    """

    def __init__(self, factory: Any) -> None:
        self._factory = factory

    def __getattr__(self, name: str) -> Any:
        return getattr(self._factory, name)

    def buildProtocol(self, addr: Any) -> Any:
        """
        Build a protocol that sees no more of its transport than it has to.
        """
        protocol = self._factory.buildProtocol(addr)
        make = protocol.makeConnection
        protocol.makeConnection = lambda transport: make(Narrow(transport))
        return protocol


class Narrow:
    """
    A transport in front of another.
    """

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def limited(factory: Any) -> Any:
    """
    Put what counts connections around a factory.
    """
    counting = LimitTotalConnectionsFactory()
    counting.connectionLimit = 100
    counting.protocol = lambda: factory.buildProtocol(None)
    return counting


#: What may stand between TLS and a protocol.
WRAPPERS: dict[str, Any] = {
    "nothing": lambda factory: factory,
    "time-outs": lambda factory: TimeoutFactory(factory, 60),
    "a limit": limited,
    "a log": lambda factory: TrafficLoggingFactory(factory, "traffic"),
    "all": lambda factory: TimeoutFactory(
        TrafficLoggingFactory(WrappingFactory(factory), "traffic"), 60
    ),
}


class ImplicitTests(LoginTestCase):
    """
    Tests for servers that begin with TLS.
    """

    def setUp(self) -> None:
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        authority = Authority(folder)
        certificate, key = authority.certify("localhost", "localhost")
        self.authority = authority.file
        self.alice = authority.certify("alice")
        self.contextFactory = TLSOptions(
            str(key),
            str(certificate),
            clientCert="optional",
            clientCA=str(authority.file),
        ).contextFactory()
        WrappingFactory.noisy = False
        self.addCleanup(delattr, WrappingFactory, "noisy")

    def serveTLS(self, name: str, wrap: Any) -> None:
        """
        Serve a protocol over TLS.
        """
        checkers = [ScramChecker(), CertificateChecker()]
        portal = Portal(MailRealm(), checkers)
        factory = MailFactory(PROTOCOLS[name], portal)
        self.serve(TLSMemoryBIOFactory(self.contextFactory, False, wrap(factory)))

    @inlineCallbacks
    def test_wrapped(self) -> Any:
        """
        The greeting comes when the handshake is over, through every wrapper of Twisted's,
        and has the capabilities of this client: EXTERNAL with a certificate, mechanisms
        that are bound to TLS.
        """
        for what, wrap in WRAPPERS.items():
            self.serveTLS("imap", wrap)
            for own in (None, self.alice):
                greeting = yield deferToThread(self.greeting, own)
                self.assertIn(b"AUTH=SCRAM-SHA-256-PLUS ", greeting, what)
                self.assertEqual(b"AUTH=EXTERNAL " in greeting, own is not None, what)
                self.assertNotIn(b"STARTTLS", greeting)
                self.assertNotIn(b"LOGINDISABLED", greeting)

    def greeting(self, own: Any) -> bytes:
        """
        Return the greeting, and log in by what it says.
        """
        context = trusting(self.authority, own)
        with MailClient(self.port, context) as client:
            greeting = client.line()
            dialect = DIALECTS["imap"]
            if own is not None:
                said = client.ask(dialect.auth(b"EXTERNAL", b""))
                self.assertTrue(said.startswith(dialect.good), said)
            else:
                said = client.bound(dialect, ("tls-server-end-point", client.socket))
                self.assertTrue(said.startswith(dialect.good), said)
            return greeting

    @inlineCallbacks
    def test_otherWrappers(self) -> Any:
        """
        Behind what can't be told to pass it on the greeting doesn't wait; CAPABILITY is
        complete.
        """
        self.serveTLS("imap", Adapter)

        def both() -> tuple[bytes, bytes]:
            with MailClient(self.port, trusting(self.authority, self.alice)) as client:
                return client.line(), client.ask(b"a CAPABILITY")

        greeting, capability = yield deferToThread(both)
        self.assertNotIn(b"AUTH=EXTERNAL", greeting)
        self.assertIn(b"AUTH=EXTERNAL", capability)
        self.assertIn(b"AUTH=SCRAM-SHA-256-PLUS", capability)

    @inlineCallbacks
    def test_external(self) -> Any:
        """
        A certificate logs in over each protocol, and not as another user.
        """
        for name, dialect in DIALECTS.items():
            self.serveTLS(name, WRAPPERS["all"])

            def logIn(dialect: Any = dialect) -> list[bytes]:
                context = trusting(self.authority, self.alice)
                with MailClient(self.port, context) as client:
                    client.line()
                    return [
                        client.ask(dialect.auth(b"EXTERNAL", authzid))
                        for authzid in (b"bob", b"alice")
                    ]

            refused, accepted = yield deferToThread(logIn)
            self.assertTrue(refused.startswith(dialect.refused), refused)
            self.assertTrue(accepted.startswith(dialect.good), accepted)

    @inlineCallbacks
    def test_bindings(self) -> Any:
        """
        Logins are bound to TLS 1.2 and to the server's certificate.  A wrong binding is
        refused, also with the right password; so is a client that could have bound the
        login, and was told by somebody between that the server couldn't.
        """
        for name, dialect in DIALECTS.items():
            self.serveTLS(name, WRAPPERS["nothing"])
            for version, binding in (
                (ssl.TLSVersion.TLSv1_2, "tls-unique"),
                (ssl.TLSVersion.TLSv1_3, "tls-server-end-point"),
            ):

                def logIn(
                    data: bytes | None,
                    *mechanism: str,
                    dialect: Any = dialect,
                    binding: str = binding,
                    version: Any = version,
                ) -> bytes:
                    context = trusting(self.authority, None, version)
                    with MailClient(self.port, context) as client:
                        client.line()
                        bound = binding, data or client.socket
                        return client.bound(dialect, bound, "sesame", *mechanism)

                said = yield deferToThread(logIn, None)
                self.assertTrue(said.startswith(dialect.good), said)
                said = yield deferToThread(logIn, b"x" * 32)
                self.assertTrue(said.startswith(dialect.refused), said)
                said = yield deferToThread(logIn, None, "SCRAM-SHA-256")
                self.assertFalse(said.startswith(dialect.good), said)


class ProxyTests(LoginTestCase):
    """
    Tests for servers behind a proxy that says who the client is.
    """

    def setUp(self) -> None:
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        authority = Authority(folder)
        certificate, key = map(str, authority.certify("localhost", "localhost"))
        self.tls = trusting(authority.file)
        self.paths = f"privateKey={key}:certKey={certificate}"

    @inlineCallbacks
    def listen(self, description: str, name: str) -> Any:
        """
        Serve a protocol.
        """
        self.checker = ScramChecker()
        portal = Portal(MailRealm(), [self.checker])
        self.connections = Connections(MailFactory(PROTOCOLS[name], portal))
        endpoint = serverFromString(reactor, f"{description}:interface=127.0.0.1")
        listening = yield endpoint.listen(self.connections)
        self.port = listening.getHost().port
        self.addCleanup(self._close, listening, self.connections)

    def logIn(self, dialect: Dialect, context: Any) -> bytes:
        """
        Log in as a client that the proxy has at another address.
        """
        with MailClient(self.port) as client:
            client.send(b"PROXY TCP4 192.0.2.7 192.0.2.1 4000 143\r\n")
            if context is not None:
                client.secure(context)
            client.line()
            return client.ask(dialect.auth(b"PLAIN", b"\0alice\0sesame"))

    @inlineCallbacks
    def test_plain(self) -> Any:
        """
        The client's address counts: one of another machine isn't let in by a password.
        """
        for name, dialect in DIALECTS.items():
            yield self.listen("haproxy:tcp:0", name)
            said = yield deferToThread(self.logIn, dialect, None)
            self.assertTrue(said.startswith(dialect.unprivate), said)

    @inlineCallbacks
    def test_secure(self) -> Any:
        """
        Behind the header TLS may begin, and checkers get to know the client's address.
        """
        for name, dialect in DIALECTS.items():
            description = f"mtls:0:{self.paths}:proxies=127.0.0.1"
            yield self.listen(description, name)
            said = yield deferToThread(self.logIn, dialect, self.tls)
            self.assertTrue(said.startswith(dialect.good), said)
            [asked] = self.checker.asked
            self.assertEqual(asked.facts.peer.host, "192.0.2.7")
            self.assertTrue(asked.facts.isSecure)
