"""
Tests for the endpoint C{mtls:}, with real clients, proxies and programs.

They cover L{mycred.tls}, too.
"""

from __future__ import annotations

import re
import shutil
import socket
import ssl
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import given, settings, strategies as st

from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import quoteStringArgument, serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import SkipTest, SynchronousTestCase, TestCase
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from mycred.tls import TLSEndpointParser

from ..kit.forked import Twistd
from ..kit.haproxy import HAProxy
from ..kit.tlspeers import ClientAuthority, Pair

# How long anything may take before the test gives up, in seconds.
_PATIENCE = "60"

# What curl returns where the server ends the handshake, or the connection when that is
# done for the client.
_REFUSED = (35, 55, 56)


# What may stand in a description.
_WORDS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["993", "no", "required", "10.0.0.1", "/dev/null", "a:b", "c=d"]),
)
_KEYS = st.one_of(
    st.text(max_size=10).filter(lambda key: key not in ("self", "reactor")),
    st.sampled_from(["port", "privateKey", "certKey", "clientCert", "crl", "proxies"]),
)


class Facts(Resource):
    """
    A page that says what the server knows of its client.
    """

    isLeaf = True

    def render_GET(self, request: Request) -> bytes:
        """
        Return the client's address, the name in its certificate, and the server's
        address.
        """
        transport: Any = request.transport
        certificate = transport.getPeerCertificate()
        name = certificate.get_subject().CN if certificate else "nobody"
        peer, host = transport.getPeer(), transport.getHost()
        told = [peer.host, name, host.port, "secure" if request.isSecure() else "clear"]
        return " ".join(map(str, told)).encode("ascii")


class EndpointTests(TestCase):
    """
    Tests with a server of Twisted's, on this machine.
    """

    def setUp(self) -> None:
        if shutil.which("curl") is None:
            raise SkipTest("install curl")
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        self.ca = ClientAuthority(self.folder)
        self.certificate, self.key = self.ca.certify("localhost", "localhost")

    @inlineCallbacks
    def serve(self, **more: str) -> Any:
        """
        Start a server.

        @param more: options besides its own files.

        @return: its port.
        """
        options = {"privateKey": str(self.key), "certKey": str(self.certificate), **more}
        words = ["mtls:0:interface=127.0.0.1"]
        words += [f"{key}={quoteStringArgument(text)}" for key, text in options.items()]
        endpoint = serverFromString(reactor, ":".join(words))
        port = yield endpoint.listen(Site(Facts()))
        self.addCleanup(port.stopListening)
        return port.getHost().port

    def curl(self, port: int, *options: str, pair: Pair | None = None) -> Any:
        """
        Request the page.

        @return: a L{Deferred} that fires with what it says, and curl's exit code.
        """
        # With HTTP/2 Twisted's requests have no transport.
        command = ["-sS", "-m", _PATIENCE, "--noproxy", "*", "--http1.1"]
        command += ["--cacert", str(self.ca.file), *options]
        if pair is not None:
            command += ["--cert", str(pair[0]), "--key", str(pair[1])]
        command.append(f"https://localhost:{port}/")
        running = getProcessOutputAndValue("curl", command)

        def cbEnded(ended: tuple[bytes, bytes, int]) -> tuple[str, int]:
            return ended[0].decode("ascii"), ended[2]

        return running.addCallback(cbEnded)

    @inlineCallbacks
    def test_interface(self) -> Any:
        """
        The server listens at an IPv6 address, too.
        """
        words = f"privateKey={self.key}:certKey={self.certificate}"
        endpoint = serverFromString(reactor, f"mtls:0:interface=\\:\\:1:{words}")
        try:
            port = yield endpoint.listen(Site(Facts()))
        except CannotListenError:
            raise SkipTest("this machine has no IPv6") from None
        self.addCleanup(port.stopListening)
        number = port.getHost().port
        page, _ = yield self.curl(number, "--resolve", f"localhost:{number}:::1")
        self.assertEqual(page, f"::1 nobody {number} secure")

    @inlineCallbacks
    def test_certificates(self) -> Any:
        """
        With each version of TLS a client with a certificate is known, one without is
        served where that is optional, and one whose certificate is revoked isn't served.
        """
        alice, bob = self.ca.issue("alice"), self.ca.issue("bob")
        crl = self.folder / "crl"
        crl.write_bytes(self.ca.revoke(bob[0]))
        clients = {"clientCA": str(self.ca.file), "crl": str(crl)}
        for clientCert, withoutOne in (("optional", 0), ("required", None)):
            port = yield self.serve(clientCert=clientCert, **clients)
            for version in ("1.2", "1.3"):
                tls = (f"--tlsv{version}", "--tls-max", version)
                page, status = yield self.curl(port, *tls, pair=alice)
                self.assertEqual((page, status), (f"127.0.0.1 alice {port} secure", 0))
                _, status = yield self.curl(port, *tls, pair=bob)
                self.assertIn(status, _REFUSED)
                _, status = yield self.curl(port, *tls)
                self.assertEqual(0 if status == 0 else None, withoutOne)

    @inlineCallbacks
    def test_openssl(self) -> Any:
        """
        The server sends its chain, and takes no version before TLS 1.2.
        """
        if shutil.which("openssl") is None:
            raise SkipTest("install openssl")
        below = ClientAuthority(self.folder, "below", self.ca)
        self.certificate, self.key = below.certify("behind", "localhost")
        port = yield self.serve(extraCertChain=str(below.file))

        def connect(*options: str) -> Deferred[tuple[bytes, bytes, int]]:
            # It ends when there is nothing more to send.
            shell = "-c", 'exec openssl s_client "$@" </dev/null', "sh"
            command = ["-connect", f"127.0.0.1:{port}", "-CAfile", str(self.ca.file)]
            return getProcessOutputAndValue(
                "sh", [*shell, *command, "-verify_return_error", *options]
            )

        for version in ("-tls1_2", "-tls1_3"):
            out, _, status = yield connect(version)
            self.assertEqual(status, 0, out)
            self.assertIn(b"Verify return code: 0 (ok)", out)
            self.assertIn(b" 1 s:CN = below", out)
        _, _, status = yield connect("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
        self.assertEqual(status, 1)

    @inlineCallbacks
    def test_renewed(self) -> Any:
        """
        A certificate that is renewed, and what is revoked meanwhile, count for the next
        client.
        """
        alice = self.ca.issue("alice")
        crl = self.folder / "crl"
        crl.write_bytes(self.ca.revoke())
        port = yield self.serve(
            clientCert="optional", clientCA=str(self.ca.file), crl=str(crl)
        )
        _, status = yield self.curl(port, pair=alice)
        self.assertEqual(status, 0)
        crl.write_bytes(self.ca.revoke(alice[0]))
        _, status = yield self.curl(port, pair=alice)
        self.assertIn(status, _REFUSED)
        # One that curl doesn't know shows that it is the new one.
        (self.folder / "new").mkdir()
        new = ClientAuthority(self.folder / "new").certify("localhost", "localhost")
        for file, old in zip(new, (self.certificate, self.key)):
            file.replace(old)
        _, status = yield self.curl(port)
        self.assertEqual(status, 60)

    @inlineCallbacks
    def test_haproxy(self) -> Any:
        """
        Behind HAProxy the server sees the client, and the client's certificate.
        """
        alice = self.ca.issue("alice")
        port = yield self.serve(
            clientCert="optional", clientCA=str(self.ca.file), proxies="127.0.0.1"
        )
        for how in (
            "send-proxy",
            "send-proxy-v2",
            "send-proxy-v2 proxy-v2-options crc32c,unique-id",
        ):
            proxy = HAProxy(port, how)
            self.addCleanup(proxy.stop)
            for client in ("127.0.0.2", "127.0.0.3"):
                page, _ = yield self.curl(proxy.port, "--interface", client, pair=alice)
                self.assertEqual(page, f"{client} alice {proxy.port} secure")

    @inlineCallbacks
    def test_curlHeader(self) -> Any:
        """
        A header is believed of the proxies that are named, and ends the connection of
        anyone else, who is served without.
        """
        port = yield self.serve(proxies="127.0.0.2,127.0.1.0/24")
        for client, isProxy in (
            ("127.0.0.2", True),
            ("127.0.1.77", True),
            ("127.0.0.1", False),
            ("127.0.2.1", False),
        ):
            here = ("--interface", client)
            _, withHeader = yield self.curl(port, "--haproxy-protocol", *here)
            self.assertEqual(withHeader == 0, isProxy, client)
            _, without = yield self.curl(port, *here)
            self.assertEqual(without == 0, not isProxy, client)


class ProgramTests(SynchronousTestCase):
    """
    Tests with Twisted's own programs.
    """

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        self.ca = ClientAuthority(self.folder)
        certificate, key = self.ca.certify("localhost", "localhost")
        self.where = (
            f"mtls:0:privateKey={key}:certKey={certificate}:clientCert=required"
            f":clientCA={self.ca.file}:interface=127.0.0.1"
        )

    def start(self, *arguments: str) -> int:
        """
        Start a program.

        @return: its port.
        """
        program = Twistd(["-n", "--pidfile=", *arguments])
        self.addCleanup(program.wait)
        self.addCleanup(program.kill)
        said = ""
        for line in iter(program.stdout.readline, b""):
            said += line.decode()
            started = re.search(r"\(TLS\) starting on (\d+)$", said.rstrip())
            if started:
                return int(started[1])
        raise AssertionError(said)

    def context(self, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
        """
        Return what connects with a certificate.
        """
        context = ssl.create_default_context(cafile=str(self.ca.file))
        context.load_cert_chain(*map(str, self.ca.issue("alice")))
        context.maximum_version = version
        return context

    def connect(
        self, port: int, context: ssl.SSLContext, session: Any = None
    ) -> ssl.SSLSocket:
        """
        Connect.

        @param session: the session to go on with.
        """
        plain = socket.create_connection(("127.0.0.1", port), int(_PATIENCE))
        return context.wrap_socket(plain, server_hostname="localhost", session=session)

    def test_web(self) -> None:
        """
        C{twistd web} serves clients with a certificate, and begins a session with each
        that comes: in an old one its certificate wouldn't be verified again.
        """
        (self.folder / "www").mkdir()
        (self.folder / "www" / "page.txt").write_text("sesame")
        port = self.start("web", f"--path={self.folder}/www", f"--listen={self.where}")
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context, session = self.context(version), None
            for _ in range(2):
                with closing(self.connect(port, context, session)) as client:
                    client.sendall(b"GET /page.txt HTTP/1.0\r\n\r\n")
                    page = b"".join(iter(partial(client.recv, 4096), b""))
                    session, isOld = client.session, client.session_reused
                self.assertTrue(page.endswith(b"sesame"), page)
                self.assertFalse(isOld)

    def test_mail(self) -> None:
        """
        So does C{twistd mail}.
        """
        domain = f"--maildirdbmdomain=localhost={self.folder}/mail"
        port = self.start("mail", domain, f"--pop3={self.where}")
        with closing(self.connect(port, self.context())) as client:
            self.assertEqual(client.recv(4), b"+OK ")


class DescriptionTests(SynchronousTestCase):
    """
    Tests for what is wrong with a description.
    """

    def test_wrong(self) -> None:
        """
        A description that can't be used is refused, with what would be right.
        """
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        certificate, key = ClientAuthority(folder).certify("localhost")
        own = f"privateKey={key}:certKey={certificate}"
        cases = [
            ("", "port and privateKey must be given"),
            ("993", "privateKey must be given"),
            (f"imaps:{own}", "port: write a port from 1 to 65535"),
            (f"65536:{own}", "port: write a port from 1 to 65535"),
            (f"993:{own}:interfce=127.0.0.1", "did you mean interface=?"),
            (f"993:{own}:clientCert=yes", "clientCert: write no, optional or required"),
            (f"993:{own}:clientCA={certificate}", "add clientCert=optional"),
            (f"993:{own}:proxies=", "write addresses and networks separated by commas"),
            (f"993:{own}:proxies=10.0.0.1/8", "10.0.0.1/8 has host bits set"),
            (rf"993:{own}:proxies=\:\:ffff\:192.0.2.0/120", "is an IPv4 address within"),
            (rf"993:{own}:proxies=fe80\:\:1%eth0", "fe80::1%eth0 has an interface"),
            (f"993:{own}:interface=", "interface: a value is missing"),
            (f"993:{own}:proxies=proxy.example.org", "such as 10.0.0.1,192.0.2.0/24"),
            (f"993:{own}:backlog=0", "backlog: write a number from 1 to 65535"),
            (f"993:privateKey={key}", f"privateKey={key} holds no certificate in PEM"),
            (f"993:privateKey={key}:certKey={key}x", "can't be read (No such file"),
        ]
        for written, expected in cases:
            with self.subTest(written):
                error = self.assertRaises(
                    ValueError, serverFromString, reactor, f"mtls:{written}"
                )
                self.assertTrue(str(error).startswith("mtls: "), error)
                self.assertIn(expected, str(error))

    @settings(deadline=None)
    @given(st.lists(_WORDS), st.dictionaries(_KEYS, _WORDS))
    def test_anything(self, words: list[str], options: dict[str, str]) -> None:
        """
        Anything else is refused, in no other way.
        """
        self.assertRaises(
            ValueError, TLSEndpointParser().parseStreamServer, reactor, *words, **options
        )

    def test_quoted(self) -> None:
        """
        What is written with a backslash stands for itself.
        """
        folder = Path(self.mktemp()).resolve() / "a:b=c\\d"
        folder.mkdir(parents=True)
        certificate, key = map(str, ClientAuthority(folder).certify("localhost"))
        quoted = map(quoteStringArgument, (key, certificate))
        text = "mtls:port=0:privateKey={}:certKey={}:interface=\\:\\:1".format(*quoted)
        serverFromString(reactor, text)
