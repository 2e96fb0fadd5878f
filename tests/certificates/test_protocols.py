"""
Tests for L{mycred.web}, and for L{mycred._certificates} behind HTTP, IMAP, POP3 and SMTP.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zope.interface import implementer

from OpenSSL import SSL, crypto

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IOpenSSLContextFactory
from twisted.internet.protocol import Factory
from twisted.internet.ssl import CertificateOptions
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.guard import BasicCredentialFactory
from twisted.web.server import Site
from twisted.web.test import test_httpauth

from mycred import _files
from mycred.checkers import (
    AllowAnonymousAccess,
    InMemoryUsernamePasswordDatabaseDontUse,
)
from mycred.checkers.certificates import CertificateChecker
from mycred.credentials import peerOf
from mycred.portal import Portal
from mycred.testing import SteppedWorkers
from mycred.tls import TLSOptions
from mycred.web import HTTPAuthSessionWrapper

from ..kit.certificates import Authority as ServerAuthority
from ..kit.clientcertificates import CASES, LATER, Holder, World, pem, root
from ..kit.mailandpages import MailAndPages
from ..kit.mailservers import DIALECTS, PROTOCOLS, MailFactory
from ..kit.portals import Checker, raising
from ..kit.tlspeers import TLSClient

_GET = b"GET /a/b HTTP/1.1\r\nHost: localhost\r\n%s\r\n"


class _Transport(StringTransport):
    """
    A transport in memory, with what HTTP asks of TCP.
    """

    def setTcpNoDelay(self, enabled: bool) -> None:
        """
        Do nothing: nothing is delayed.
        """


class HolderClient(TLSClient):
    """
    A client in memory that has a certificate, of whatever kind.

    @ivar isOpen: whether the server goes on after the handshake.
    """

    def __init__(
        self, factory: Factory, contextFactory: Any, holder: Holder | None
    ) -> None:
        """
        @param factory: the server's factory, below TLS.
        @param contextFactory: the TLS of the server.
        @param holder: who has the certificate; nobody if L{None}.
        """
        context = SSL.Context(SSL.TLS_METHOD)
        # As to what it sends, the client has no scruples.
        context.set_cipher_list(b"DEFAULT:@SECLEVEL=0")
        if holder is not None:
            context.use_certificate(crypto.X509.from_cryptography(holder.certificate))
            context.use_privatekey(crypto.PKey.from_cryptography_key(holder.key))
            for one in holder.chain:
                context.add_extra_chain_cert(crypto.X509.from_cryptography(one))
        self.connection = SSL.Connection(context)
        self.connection.set_connect_state()
        self.transport = _Transport()
        self._clock = Clock()
        tls = TLSMemoryBIOFactory(contextFactory, False, factory, clock=self._clock)
        self.server = tls.buildProtocol(self.transport.getPeer())
        self.server.wrappedProtocol.callLater = self._clock.callLater
        self.server.makeConnection(self.transport)
        isDone = False
        for _ in range(4):
            isDone = isDone or self._step()
            self.exchange()
        self.isOpen = isDone and not self.transport.disconnecting

    def exchange(self) -> None:
        """
        Hand what each end has written to the other; the server gathers it for a moment.
        """
        self._clock.advance(0)
        super().exchange()
        self._clock.advance(0)
        super().exchange()

    def ask(self, *lines: bytes) -> bytes:
        """
        Send lines, one after another.

        @return: what the server has sent.
        """
        answers = [self._read()]
        for line in lines:
            self.connection.send(line)
            self.exchange()
            answers.append(self._read())
        return b"".join(answers)

    def _read(self) -> bytes:
        """
        Return what has arrived.
        """
        try:
            return self.connection.recv(2**16)
        except SSL.Error:
            return b""


@implementer(IOpenSSLContextFactory)
class Accepting:
    """
    The TLS of a program that asks for a certificate, and takes any.
    """

    def __init__(self, pair: tuple[Path, Path]) -> None:
        """
        @param pair: the paths of the certificate of the server, and of its key.
        """
        self._context = context = CertificateOptions().getContext()
        context.use_certificate_file(str(pair[0]))
        context.use_privatekey_file(str(pair[1]))
        context.set_cipher_list(b"DEFAULT:@SECLEVEL=0")
        context.set_verify(SSL.VERIFY_PEER, lambda *told: True)

    def getContext(self) -> SSL.Context:
        """
        Return the context.
        """
        return self._context


class ProtocolTestCase(SynchronousTestCase):
    """
    Base of tests of servers behind TLS, in memory.
    """

    world = World()

    def setUp(self) -> None:
        self.patch(_files, "SETTLING", 0)
        self.directory = Path(self.mktemp())
        self.directory.mkdir()
        self.pair = ServerAuthority(self.directory).certify("localhost")
        self.accepting = Accepting(self.pair)
        self.realm = MailAndPages()
        self.workers = SteppedWorkers(running=False)

    def http(self, *checkers: Any) -> Site:
        """
        Return a server of HTTP.
        """
        wrapper = HTTPAuthSessionWrapper(
            Portal(self.realm, checkers), [BasicCredentialFactory(b"example")]
        )
        site = Site(wrapper, reactor=Clock())
        site.noisy = False
        return site

    def checker(self, **arguments: Any) -> CertificateChecker:
        """
        Return a checker of certificates.
        """
        return CertificateChecker(**arguments, workers=self.workers)

    def usual(self, **arguments: Any) -> CertificateChecker:
        """
        Return a checker that lets in those whom the root has certified.
        """
        path = self.directory / "ca.pem"
        path.write_bytes(pem(self.world.root.certificate))
        return self.checker(ca=str(path), **arguments)


class CaseTests(ProtocolTestCase):
    """
    The table of certificates, good and bad, over each protocol.

    @ivar later: what the server says where nothing can be said about certificates now.
    """

    later: bytes

    def assertCases(self, name: str, log: Callable[[HolderClient, bytes], bytes]) -> None:
        """
        Insist on how each login ends.

        @param log: logs in, and returns what the server says.
        """
        wrong = []
        for case in CASES:
            made = case.made(self.world)
            arguments = case.prepare(made, self.world, self.directory)
            for contextFactory in (self.accepting, self._verifying(arguments)):
                if contextFactory is None:
                    continue
                self.realm.names.clear()
                checker = self.checker(**arguments)
                factory: Any
                if name == "http":
                    factory = self.http(checker)
                else:
                    portal = Portal(self.realm, [checker])
                    factory = MailFactory(PROTOCOLS[name], portal)
                client = HolderClient(factory, contextFactory, made.holder)
                said = log(client, case.authzid)
                right = [] if case.account in (None, LATER) else [case.account]
                if name == "http" and case.authzid:
                    # It knows of no other name.
                    continue
                isLate = case.account is LATER and client.isOpen
                if self.realm.names != right or (isLate and self.later not in said):
                    wrong.append((case.title, self.realm.names[:], said))
        self.assertEqual(wrong, [])

    def _verifying(self, arguments: dict[str, Any]) -> Any:
        """
        Return the TLS of a server that verifies certificates, too; L{None} if it can't by
        these files.
        """
        key, certificate = str(self.pair[1]), str(self.pair[0])
        ca, crl = arguments["ca"], arguments.get("crl")
        options = TLSOptions(key, certificate, None, "optional", ca, crl)
        try:
            return options.contextFactory()
        except ValueError:
            return None

    def _mail(self, name: str) -> Callable[[HolderClient, bytes], bytes]:
        """
        Return what logs in over a protocol of mail.
        """
        begin = [b"EHLO localhost\r\n"] if name == "smtp" else []

        self.later = DIALECTS[name].unavailable

        def log(client: HolderClient, authzid: bytes) -> bytes:
            if not client.isOpen:
                return b""
            command = DIALECTS[name].auth(b"EXTERNAL", authzid)
            return client.ask(*begin, command + b"\r\n")

        return log

    def test_http(self) -> None:
        """
        Each certificate lets in whom it should, and nobody else.
        """

        def log(client: HolderClient, authzid: bytes) -> bytes:
            return client.ask(_GET % b"") if client.isOpen else b""

        self.later = b" 503 "
        self.assertCases("http", log)

    def test_imap(self) -> None:
        """
        Each certificate lets in whom it should, and nobody else.
        """
        self.assertCases("imap", self._mail("imap"))

    def test_pop3(self) -> None:
        """
        Each certificate lets in whom it should, and nobody else.
        """
        self.assertCases("pop3", self._mail("pop3"))

    def test_smtp(self) -> None:
        """
        Each certificate lets in whom it should, and nobody else.
        """
        self.assertCases("smtp", self._mail("smtp"))


class HTTPTests(ProtocolTestCase):
    """
    Tests for L{HTTPAuthSessionWrapper}.
    """

    passwords = InMemoryUsernamePasswordDatabaseDontUse(bob=b"sesame")

    def get(
        self,
        *checkers: Any,
        holder: Holder | None = None,
        password: bytes | None = None,
        header: bytes = b"",
    ) -> bytes:
        """
        Ask for a page.

        @return: the answer.
        """
        if password is not None:
            encoded = b64encode(b"bob:" + password)
            header = b"Authorization: Basic " + encoded + b"\r\n"
        client = HolderClient(self.http(*checkers), self.accepting, holder)
        return client.ask(_GET % header)

    def assertStatus(self, answer: bytes, status: bytes) -> None:
        """
        Insist on the status of an answer.
        """
        self.assertEqual(answer.split(b" ")[1], status, answer)

    def test_certificate(self) -> None:
        """
        A certificate logs its user in for one request, of any path.
        """
        holder = self.world.root.issue()
        answer = self.get(self.usual(), holder=holder)
        self.assertStatus(answer, b"200")
        self.assertIn(b"alice@example.org", answer)
        self.assertEqual(self.realm.logouts, self.realm.names)

    def test_passwordCounts(self) -> None:
        """
        What a user has typed counts, and not their certificate: also if it is wrong.
        """
        holder = self.world.root.issue()
        checkers = self.usual(), self.passwords
        answer = self.get(*checkers, holder=holder, password=b"sesame")
        self.assertStatus(answer, b"200")
        self.assertEqual(self.realm.names, [b"bob"])
        for wrong in (b"Basic !", b"Digest x", b"Unknown x", b"Basic " + b"Ym9iOg=="):
            header = b"Authorization: " + wrong + b"\r\n"
            answer = self.get(*checkers, holder=holder, header=header)
            self.assertStatus(answer, b"401")
        self.assertEqual(self.realm.names, [b"bob"])

    def test_noCertificate(self) -> None:
        """
        Who has no certificate is asked for a password, or let in as nobody where that is
        served.
        """
        answer = self.get(self.usual(), self.passwords)
        self.assertStatus(answer, b"401")
        self.assertIn(b'WWW-Authenticate: basic realm="example"', answer)
        answer = self.get(self.usual(), AllowAnonymousAccess())
        self.assertStatus(answer, b"200")
        self.assertEqual(self.realm.names, [()])

    def test_refused(self) -> None:
        """
        Who has a certificate that is refused is asked for a password, also where others
        are let in as nobody, and isn't told why.
        """
        for holder in (self.world.other.issue(), root("alice")):
            checkers = self.usual(), self.passwords, AllowAnonymousAccess()
            answer = self.get(*checkers, holder=holder)
            self.assertStatus(answer, b"401")
            self.assertIn(b'WWW-Authenticate: basic realm="example"', answer)
            self.assertTrue(answer.endswith(b"\r\n\r\nUnauthorized"), answer)
        self.assertEqual(self.realm.names, [])

    def test_notServed(self) -> None:
        """
        Where no checker checks certificates, one makes no difference.
        """
        holder = self.world.root.issue()
        answer = self.get(AllowAnonymousAccess(), holder=holder)
        self.assertStatus(answer, b"200")
        self.assertEqual(self.realm.names, [()])

    def test_plain(self) -> None:
        """
        Without TLS no header makes a certificate.
        """
        server = self.http(self.usual()).buildProtocol(None)
        transport = _Transport()
        server.makeConnection(transport)
        server.dataReceived(
            _GET % b"X-SSL-Client-Cert: alice\r\nX-Client-DN: CN=alice\r\n"
        )
        self.assertStatus(transport.value(), b"401")

    def test_facts(self) -> None:
        """
        The checker gets to know where the client is.
        """
        seen: list[Any] = []
        checker = self.usual()
        asked = checker.requestAvatarId
        self.patch(checker, "requestAvatarId", lambda c: [seen.append(c), asked(c)][1])
        self.get(checker, holder=self.world.root.issue())
        [credentials] = seen
        self.assertEqual(credentials.peer.host, "192.168.1.1")
        self.assertTrue(credentials.facts.isSecure)

    def test_revokedMeanwhile(self) -> None:
        """
        A certificate that is revoked while its connection lasts is good for no more
        requests.
        """
        holder = self.world.root.issue()
        path = self.directory / "ca.crl"
        path.write_bytes(pem(self.world.root.revoking()))
        checker = self.usual(crl=str(path))
        client = HolderClient(self.http(checker), self.accepting, holder)
        self.assertStatus(client.ask(_GET % b""), b"200")
        path.write_bytes(pem(self.world.root.revoking(holder)))
        self.assertStatus(client.ask(_GET % b""), b"401")


class GuardTests(test_httpauth.HTTPAuthHeaderTests):
    """
    Twisted's own tests of what L{HTTPAuthSessionWrapper} takes the place of.
    """

    def setUp(self) -> None:
        self.patch(test_httpauth, "HTTPAuthSessionWrapper", HTTPAuthSessionWrapper)
        super().setUp()

    def test_unexpectedLoginError(self) -> None:
        """
        A defect is logged as by Twisted's, and as a login that has failed.
        """
        checker = Checker(raising(ZeroDivisionError()))
        self.portal.registerChecker(checker)
        self.credentialFactories.append(BasicCredentialFactory("example.com"))
        request = self.makeRequest([self.childName])
        with capturedLogs() as events:
            request.render(self._authorizedBasicLogin(request))
        self.assertEqual(request.responseCode, 500)
        told = [event.get("verdict") for event in events]
        self.assertEqual(told, ["failed", None])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_facts(self) -> None:
        """
        Checkers know where each request comes from, and by what it comes; at its end a
        login that is under way is cancelled.
        """
        seen: list[Any] = []
        cancelled: list[Any] = []
        checker = Checker(lambda: Deferred(cancelled.append))
        ask = checker.requestAvatarId
        checker.requestAvatarId = lambda given: seen.append(given) or ask(given)
        self.portal.registerChecker(checker)
        self.credentialFactories.append(BasicCredentialFactory("example.com"))
        for host in ("192.0.2.7", "192.0.2.8"):
            request = self.makeRequest([self.childName])
            request.transport = StringTransport(None, IPv4Address("TCP", host, 1))
            request.render(self._authorizedBasicLogin(request))
            [*_, given] = seen
            self.assertEqual(peerOf(given), host)
            self.assertEqual((given.service, given.facts.service), ("http", "http"))
        request.processingFailed(Failure(ConnectionDone()))
        self.assertEqual(len(cancelled), 1)
